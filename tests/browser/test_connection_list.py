"""The list of connections in a browser: keys, choosing rows, asking first, a phone, no scripts."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from connections.models import Connection
from tests.browser.conftest import shoot
from tests.browser.walking import let_in
from tests.connections.list.conftest import had_test, store_many, use

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _sixty_connections() -> None:
    store_many(60, description="Nightly loads", port=5432)
    for number, row in enumerate(Connection.objects.all()[:20]):
        had_test(row, "failed" if number % 5 == 0 else "success", minutes_ago=number * 7)
    use("daily", "conn_00001", "conn_00002")


def open_list(page: Page, web: str, query: str = "") -> None:
    let_in(page.context, web)
    page.goto(f"{web}/connections/{query}")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def scrolls_sideways(page: Page) -> bool:
    script = "(found) => found.some((each) => each.scrollWidth > each.clientWidth)"
    return bool(page.locator("html, .panel").evaluate_all(script))


def test_keys_move_choose_and_open(page: Page, web: str) -> None:
    open_list(page, web)
    page.keyboard.press("j")
    assert focused(page) == "conn_00000"
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == "conn_00001"
    page.keyboard.press("x")
    expect(page.get_by_label("Choose conn_00001")).to_be_checked()
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    for key in ("j", "j", "Shift+X"):
        page.keyboard.press(key)
    expect(page.locator("[data-chosen]")).to_have_text("3 chosen")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Next row")
    shoot(page, "connections-keys")
    page.keyboard.press("Escape")
    expect(page.locator("[data-chosen]")).to_have_text("3 chosen")
    page.keyboard.press("Escape")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("jkx?")
    expect(page.get_by_role("searchbox")).to_have_value("jkx?")
    page.get_by_role("searchbox").blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/connections/conn_00000/overview/$"))


def test_rows_are_chosen_one_by_one_by_span_by_page_and_all_that_match(
    page: Page, web: str
) -> None:
    open_list(page, web, "?size=25")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    page.get_by_label("Choose conn_00003").check()
    page.get_by_label("Choose conn_00006").click(modifiers=["Shift"])
    expect(page.locator("[data-chosen]")).to_have_text("4 chosen")
    page.get_by_label("Choose all of this page").check()
    expect(page.locator("[data-chosen]")).to_have_text("25 chosen")
    page.get_by_label("All 60 that match").check()
    expect(page.locator("[data-chosen]")).to_have_text("All chosen")
    page.get_by_label("Choose conn_00000").uncheck()
    expect(page.get_by_label("All 60 that match")).not_to_be_checked()
    page.get_by_label("All 60 that match").check()
    shoot(page, "connections-chosen")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 60 connections?")).to_be_visible()
    expect(page.get_by_text("1 DAG uses 2 of them.")).to_be_visible()
    shoot(page, "connections-delete")
    assert Connection.objects.count() == 60
    page.get_by_role("link", name="Keep them").click()
    page.wait_for_url(f"{web}/connections/?size=25")


def test_three_are_duplicated_found_by_search_and_deleted(page: Page, web: str) -> None:
    open_list(page, web)
    for number in range(3):
        page.get_by_label(f"Choose conn_0000{number}").check()
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("3 connections are duplicated: conn_00000_copy")).to_be_visible()
    page.get_by_role("searchbox").fill("copy")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Choose all of this page").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete 3 connections").click()
    expect(page.get_by_text("3 connections are deleted.")).to_be_visible()
    expect(page.get_by_text("No connections match.")).to_be_visible()
    assert Connection.objects.count() == 60


def test_the_types_are_a_menu_that_filters(page: Page, web: str) -> None:
    open_list(page, web)
    page.get_by_text("Any type").click()
    page.get_by_role("link", name=re.compile("^PostgreSQL")).click()
    page.wait_for_url(re.compile(r"\?type=postgres$"))
    expect(page.locator("tbody tr")).to_have_count(20)
    page.get_by_role("link", name=re.compile("^Failing")).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Clear filters").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_nothing_scrolls_sideways_on_a_phone_or_a_wall_in_light_or_dark(
    page: Page, web: str
) -> None:
    Connection.objects.filter(conn_id="conn_00002").update(
        conn_id="a" * 200, target="h" * 400, description="d" * 900, team="t" * 60
    )
    open_list(page, web)
    for width in (360, 400, 900, 1024, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert not scrolls_sideways(page), width
        shoot(page, f"connections-{width}-light")
    page.emulate_media(color_scheme="dark")
    shoot(page, "connections-2560-dark")


def test_without_scripts_the_page_reads_sorts_and_acts(browser: Browser, web: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    open_list(page, web)
    page.get_by_label("Choose conn_00001").check()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("link", name="daily")).to_be_visible()
    page.get_by_role("button", name="Disable 1 connection").click()
    expect(page.get_by_text("Connection conn_00001 is disabled.")).to_be_visible()
    page.get_by_role("link", name="Connection ID").click()
    expect(page.locator("tbody tr").first).to_contain_text("conn_00059")
    assert Connection.objects.get(conn_id="conn_00001").is_disabled
    context.close()
