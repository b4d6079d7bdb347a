"""How a person goes about in the browser: signs in, downloads, and leaves a trail of pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from access.audit import Actor
from connections import portability
from tests import planted, processes
from tests.browser.conftest import SHOTS, shoot

PASSWORD = "a long password"


@contextmanager
def servers() -> Iterator[tuple[str, processes.Process, processes.Process]]:
    """The address of a web process; and that process and a worker, which print all they can."""
    with (
        processes.worker(PATCHBAY_LOG_LEVEL="DEBUG") as worker,
        processes.web(PATCHBAY_LOG_LEVEL="DEBUG") as (web, url),
    ):
        yield url, web, worker


def follow(page: Page) -> list[str]:
    """Every page that is opened from now on, as it stands when it is there."""
    trail: list[str] = []
    page.on("domcontentloaded", lambda page: trail.append(f"{page.url} {page.content()}"))
    return trail


def new_admin() -> Any:
    return get_user_model().objects.create_superuser("admin", password=PASSWORD)


def sign_in(page: Page, web: str) -> None:
    page.goto(web)
    page.get_by_label("Name", exact=True).fill("admin")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def let_in(context: BrowserContext, web: str) -> None:
    """Signed in without a password: hashing one takes longer than most of what follows."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": web}])


def import_examples(*conn_types: str) -> None:
    """Store ``example_<type>`` of these types, or of all."""
    read = portability.read(planted.file_text(*conn_types), file_format="json")
    portability.carry_out(read, existing="fail", skip_bad=False, actor=Actor("tester"))


def download(page: Page, button: str = "Export") -> str:
    with page.expect_download() as found:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(found.value.path()).read_bytes().decode()


def export_all(page: Page, web: str) -> str:
    """The file with all secrets, as a browser keeps it."""
    page.goto(f"{web}/connections/")
    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_text("With all secrets").click()
    return download(page)


def loaded(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called so has the focus, as one does without a mouse."""
    named = """() => {
      const at = document.activeElement;
      const label = at.labels?.[0] ?? at;
      return (at.getAttribute("aria-label") ?? label.textContent).trim();
    }"""
    for _ in range(120):
        page.keyboard.press("Tab")
        if str(page.evaluate(named)).startswith(name):
            return
    raise AssertionError(f"Tab doesn't lead to “{name}”.")


def scrolls_sideways(page: Page) -> int:
    """By how many pixels."""
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(found, 0)


def portray(page: Page, name: str) -> None:
    """A picture in a window as high as the page, so that what sticks to its foot stands there."""
    if not SHOTS:
        return
    before = page.viewport_size
    assert before
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": before["width"], "height": height})
    shoot(page, name)
    page.set_viewport_size(before)
