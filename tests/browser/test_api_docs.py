"""The page that describes the API, in a browser: from this server alone, and under its policy."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.roles import user_of

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"


def open_docs(page: Page, web: str) -> None:
    user_of("Viewer", "ann", password=PASSWORD)
    page.goto(f"{web}/login/?next=/api/docs")
    page.locator("#id_username").fill("ann")
    page.locator("#id_password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{web}/api/docs")


def test_every_call_is_there_and_nothing_comes_from_elsewhere(page: Page, web: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_docs(page, web)
    expect(page.locator(".opblock-summary-path").first).to_be_visible()
    assert page.get_by_text("Import a file", exact=True).count() == 1
    assert not [url for url in asked if not url.startswith((web, "data:"))]
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_javascript_a_table_has_every_call(page: Page, web: str) -> None:
    page.route("**/*.js", lambda route: route.abort())
    open_docs(page, web)
    row = page.get_by_role("row", name="PATCH /api/v2/connections/{connection_id}")
    expect(row).to_be_visible()
    assert "`" not in page.locator(".api-docs").inner_text()
    page.set_viewport_size({"width": 1280, "height": 800})
    words = page.locator(".calls td").first.bounding_box()
    assert words is not None
    assert words["width"] > 500
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
