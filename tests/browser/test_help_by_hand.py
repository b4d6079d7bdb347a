"""The help as a person meets it: from a page to what fits, by search, wide and narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.walking import let_in, portray, scrolls_sideways

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
#: Those with the widest tables and the longest names.
PAGES = ("", "failures", "settings", "operators", "architecture", "connection-types", "rest-api")


def test_a_page_leads_to_its_help_and_a_search_to_a_failure(page: Page, web: str) -> None:
    let_in(page.context, web)
    page.goto(f"{web}/dags/new/")
    page.get_by_role("link", name="Help", exact=True).click()
    expect(page.get_by_role("heading", name="DAGs made in the browser")).to_be_visible()
    page.get_by_label("Search the help").fill("job:invalid-query")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="job:invalid-query").first.click()
    expect(page.locator("tr[id='job:invalid-query']")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "scheme"), [(2560, "light"), (1280, "dark"), (360, "light")])
def test_no_help_page_scrolls_sideways(page: Page, web: str, width: int, scheme: str) -> None:
    let_in(page.context, web)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    for name in PAGES:
        page.goto(f"{web}/help/{name}/" if name else f"{web}/help/")
        assert scrolls_sideways(page) == 0, name
        portray(page, f"help-{name or 'index'}-{width}-{scheme}")


def test_the_help_is_read_and_searched_without_javascript(browser: Browser, web: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    page.goto(f"{web}/help/operators/")
    page.get_by_text("On this page").first.click()
    page.get_by_role("link", name="BigQueryInsertJobOperator").first.click()
    expect(page.get_by_role("heading", name="BigQueryInsertJobOperator")).to_be_in_viewport()
    page.get_by_label("Search the help").fill("a lost key")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="A lost key")).to_be_visible()
    context.close()
