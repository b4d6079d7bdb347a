"""The list while tests run: it follows them by itself."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection, ConnectionTest
from tests.browser.test_connection_list import focused, open_list
from tests.connections.list.conftest import had_test, store_many

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_rows_that_are_tested_become_what_came_of_it_and_nothing_else_moves(
    page: Page, web: str
) -> None:
    store_many(30)
    for connection in Connection.objects.order_by("conn_id")[:3]:
        had_test(connection, "running")
    open_list(page, web)
    row = page.locator("[data-row=conn_00000]")
    expect(row.locator(".c-health")).to_have_text("Testing")
    page.get_by_label("Choose conn_00020").check()
    page.keyboard.press("j")
    scrolled = page.evaluate("scrollY")
    before = focused(page)
    ConnectionTest.objects.filter(conn_id="conn_00000").update(state="success")
    expect(row.locator(".c-health")).to_have_text("Works")
    said = page.locator("[data-list-said]")
    expect(said).to_have_text("")
    ConnectionTest.objects.filter(state="running").update(state="failed")
    expect(page.locator("[data-row=conn_00002] .c-health")).to_have_text("Fails")
    expect(said).to_have_text("Tests ended: 1 Works, 2 Fails")
    expect(page.locator(".list-chips")).to_contain_text("Failing 2")
    expect(page.get_by_label("Choose conn_00020")).to_be_checked()
    assert (focused(page), page.evaluate("scrollY")) == (before, scrolled)


def test_a_row_that_its_filter_shows_no_more_stays_and_ends_the_asking(
    page: Page, web: str
) -> None:
    store_many(2)
    had_test(Connection.objects.get(conn_id="conn_00000"), "running")
    open_list(page, web, "?health=testing")
    ConnectionTest.objects.update(state="success")
    expect(page.locator("[data-row=conn_00000] .c-health")).to_have_text("Tested")
    expect(page.locator("[data-list-said]")).to_have_text("Tests ended: 1 Tested")
