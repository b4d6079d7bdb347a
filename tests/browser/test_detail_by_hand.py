"""A connection's own page in a browser: its tabs, its snippets, and its test on a real worker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from access.models import AuditEvent
from connections.models import ConnectionTest, ConnectionTestState
from tests import planted
from tests.browser.walking import follow, let_in, portray, servers
from tests.fakes.google import FakeGoogle
from tests.tasks.conftest import query_task, save_dag

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OVERVIEW = "/connections/my_gcp_conn/overview/"


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Any]:
    with servers() as found:
        yield found


@pytest.fixture
def detail(
    page: Page, running: Any, google: FakeGoogle, key: dict[str, Any], connect: Any
) -> Iterator[Page]:
    """The page of a connection that a DAG uses. Its key must be seen on none, and in no log."""
    url, *printing = running
    connect(keyfile_dict=key, api_endpoint=google.url, project="acme-reports", my_token="rose-4711")
    save_dag(query_task())
    let_in(page.context, url)
    trail = follow(page)
    page.goto(url + OVERVIEW)
    yield page
    texts = "".join([*trail, page.content(), *(process.text for process in printing)])
    secrets = (key["private_key"], key["private_key_id"], "rose-4711")
    assert planted.leaks(texts, *secrets) == []


def panel(page: Page) -> Any:
    return page.locator("[data-test-panel]")


def test_the_test_button_fills_the_panel_until_it_works(
    detail: Page, google: FakeGoogle, key: dict[str, Any]
) -> None:
    page = detail
    expect(page.get_by_text("It was never tested.")).to_be_visible()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(panel(page).locator("[data-say]")).to_have_text("Works")
    expect(panel(page).locator("li.success")).to_have_count(4)
    expect(panel(page)).to_contain_text(key["client_email"])
    expect(page.locator("[data-test-status]")).to_have_text("Test: Works")
    portray(page, "detail-works")
    test = ConnectionTest.objects.get()
    assert (test.state, test.version) == (ConnectionTestState.SUCCESS, 1)
    page.reload()
    expect(panel(page).locator("[data-say]")).to_have_text("Works")
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_role("row").filter(has_text="Works")).to_have_count(1)


def test_a_revoked_key_fails_at_its_stage_and_says_what_to_do(
    detail: Page, google: FakeGoogle, key: dict[str, Any]
) -> None:
    page = detail
    google.revoke_key(key["private_key_id"])
    page.get_by_role("button", name="Test", exact=True).click()
    expect(panel(page).locator("[data-say]")).to_have_text("Failed at token and identity")
    why = panel(page).locator(".explain")
    for title in ("What happened", "Likely cause", "What to do"):
        expect(why.get_by_text(title, exact=True)).to_be_visible()
    test = ConnectionTest.objects.get()
    remedy = next(stage["why"]["remedy"] for stage in test.stages if stage["state"] == "failed")
    expect(why.locator(".todo")).to_contain_text(remedy)
    portray(page, "detail-failed")
    page.goto(page.url.replace(OVERVIEW, "/connections/"))
    expect(page.get_by_role("row").filter(has_text="my_gcp_conn")).to_contain_text("Fail")


def test_every_tab_is_led_to_and_tells_its_part(detail: Page) -> None:
    page = detail
    expect(page.get_by_text("acme-reports", exact=True)).to_be_visible()
    expect(page.locator("main").get_by_text("example_dag")).to_be_visible()
    page.get_by_role("link", name=re.compile("^Used by")).click()
    expect(page.get_by_text("1 DAG uses it")).to_be_visible()
    page.get_by_role("link", name="Audit", exact=True).last.click()
    expect(page.get_by_role("row").filter(has_text="tester")).to_have_count(1)
    page.get_by_role("link", name="Health").click()
    expect(page.get_by_role("navigation", name="Of this connection")).to_be_visible()
    assert AuditEvent.objects.filter(object_id="my_gcp_conn").count() == 1


def test_a_snippet_is_copied_as_it_stands(detail: Page) -> None:
    page = detail
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    snippet = page.locator(".snippet").first
    snippet.get_by_role("button", name="Copy").click()
    expect(snippet.get_by_role("button")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == snippet.locator("pre").inner_text()
    assert 'gcp_conn_id="my_gcp_conn"' in copied
    page.get_by_text("As an environment variable").click()
    expect(page.get_by_text("AIRFLOW_CONN_MY_GCP_CONN").first).to_be_visible()
    expect(snippet).to_be_hidden()
