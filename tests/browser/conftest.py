"""Headless Chromium against the real web process and a real worker."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import processes

#: The first is the same without its windows, which takes less than half of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
#: Nothing but the pages under test is spoken to.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A loaded machine makes a test slow, not red: what is waited for has a minute to come.
expect.set_options(timeout=60_000)
SHOTS = os.environ.get("TEST_SCREENSHOTS", "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended with its module: while it lives, its event loop runs in this thread."""
    if CHROMIUM is None:
        warnings.warn("NO BROWSER WAS FOUND: THE BROWSER TESTS ARE SKIPPED.", stacklevel=1)
        pytest.skip("NO BROWSER WAS FOUND: install chromium to run the browser tests.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when the browser complains of a script or a policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if _is_complaint(message) else None,
    )
    yield page
    context.close()
    assert complaints == []


def _is_complaint(message: Any) -> bool:
    """A stream that is cut on purpose, and a form that is refused, are told as errors too."""
    expected = ("net::ERR_", "status of 422")
    return message.type == "error" and not any(text in message.text for text in expected)


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[processes.Process]:
    with processes.worker() as process:
        yield process


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


def shoot(page: Page, name: str) -> None:
    """Keep a picture when ``TEST_SCREENSHOTS`` names a folder for them."""
    if SHOTS:
        # The whole page at once: what is as high as the window is as high as the picture.
        width, height = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
        before = page.viewport_size or {"width": width, "height": height}
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
        page.set_viewport_size(before)


def shoot_both(page: Page, name: str) -> None:
    """The picture in light and in dark."""
    if SHOTS:
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            shoot(page, f"{name}-{theme}")
