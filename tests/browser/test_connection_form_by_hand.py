"""The connection's form and the catalogue of types in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests.browser.conftest import shoot, shoot_both
from tests.browser.walking import let_in
from tests.conftest import ACTOR
from tests.connections.conftest import key_file
from tests.connections.types.every_type import example_of, openssh_key, private_key

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
URI = "postgres://ann:pw-tulip@db.example.com:5433/reports?sslmode=require"
#: Two of ours, one of the catalogue, and one that nothing declares; and what else is odd.
LOOKS = ("google_cloud_platform", "aws", "postgres", "ssh", "salesforce", "acme_db")


@pytest.fixture
def signed_in(page: Page, web: str) -> Page:
    let_in(page.context, web)
    return page


@pytest.fixture
def plain_page(browser: Browser, web: str) -> Iterator[Page]:
    """A page without JavaScript, signed in."""
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    yield page
    context.close()


def stored() -> Any:
    return Connection.objects.get().load()


# The catalogue


def test_typing_finds_a_type_and_enter_opens_it(signed_in: Page, web: str) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/?conn_id=from_a_dag")
    search = page.get_by_label("Search types")
    expect(search).to_be_focused()
    page.keyboard.type("postgres")
    expect(page.locator("[data-found-types]")).to_have_text(re.compile(r"^\d of \d+ types$"))
    expect(page.locator("a.type.best")).to_contain_text("postgres")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("type=postgres&conn_id=from_a_dag$"))
    expect(page.get_by_label("Connection ID")).to_have_value("from_a_dag")


def test_arrows_move_among_the_types_and_typing_goes_on_searching(
    signed_in: Page, web: str
) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/")
    page.keyboard.press("ArrowDown")
    links = page.locator("a.type")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_label("Search types")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.type("zzz")
    expect(page.get_by_text("No type is called so.")).to_be_visible()


# Pasting


def paste_and_save(page: Page, web: str) -> None:
    page.goto(f"{web}/connections/new/")
    page.get_by_label("A connection URI or Airflow JSON").fill(f"AIRFLOW_CONN_PG={URI}")
    page.get_by_role("button", name="Fill the form").click()
    expect(page.get_by_label("Host")).to_have_value("db.example.com")
    expect(page.get_by_text("from the pasted text")).to_be_visible()
    assert "tulip" not in page.content()
    assert "tulip" not in page.url
    shoot(page, "form-pasted")
    page.get_by_role("button", name=re.compile("^Save")).last.click()
    expect(page.get_by_text("Connection pg is created.")).to_be_visible()
    assert (stored().conn_type, stored().password) == ("postgres", "pw-tulip")


def test_a_pasted_uri_becomes_a_connection(signed_in: Page, web: str) -> None:
    paste_and_save(signed_in, web)


def test_a_pasted_uri_becomes_a_connection_without_javascript(plain_page: Page, web: str) -> None:
    paste_and_save(plain_page, web)


def test_what_is_no_connection_is_told_at_the_box_and_not_sent_back(
    signed_in: Page, web: str
) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/")
    box = page.get_by_label("A connection URI or Airflow JSON")
    box.fill("tulip")
    page.get_by_role("button", name="Fill the form").click()
    expect(page.get_by_text("A connection's URI begins with its type")).to_be_visible()
    expect(box).to_be_focused()
    expect(box).to_have_value("")


# The form


def test_a_key_file_fills_the_project_and_clearing_it_clears_that(
    signed_in: Page, web: str, tmp_path: Path
) -> None:
    page = signed_in
    file = tmp_path / "key.json"
    file.write_text(json.dumps(key_file(), indent=2))
    page.goto(f"{web}/connections/new/?type=google_cloud_platform")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_label("Project", exact=True)).to_have_value("acme-reports")
    expect(page.get_by_text("Key of patchbay@acme-reports")).to_be_visible()
    page.get_by_label("Key JSON").fill("")
    expect(page.get_by_label("Project", exact=True)).to_have_value("")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_label("Connection ID").fill("my_gcp_conn")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Connection my_gcp_conn is created.")).to_be_visible()
    assert stored().extra == {"project": "acme-reports", "keyfile_dict": file.read_text()}


@pytest.mark.parametrize(
    ("key", "words"), [(openssh_key, "OPENSSH PRIVATE KEY"), (private_key, "PRIVATE KEY")]
)
def test_a_private_key_is_dropped_and_kept_byte_for_byte(
    signed_in: Page, web: str, tmp_path: Path, key: Callable[[], str], words: str
) -> None:
    page = signed_in
    file = tmp_path / "id"
    file.write_text(key())
    page.goto(f"{web}/connections/new/?type=ssh&conn_id=box")
    page.get_by_label("Host", exact=True).fill("files.example.com")
    page.locator("input[type=file]").set_input_files(file)
    expect(page.locator("[data-found]")).to_have_text(words)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Connection box is created.")).to_be_visible()
    assert stored().extra["private_key"] == key()


def test_choosing_another_method_says_what_saving_drops(signed_in: Page, web: str) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/?type=google_cloud_platform&conn_id=a")
    drops = page.locator("[data-drops]")
    expect(drops).to_be_hidden()
    page.get_by_label("Key JSON").fill(json.dumps(key_file()))
    page.get_by_text("Application default", exact=True).click()
    expect(drops).to_have_text("Saving drops: Key JSON of “Service account key”.")
    page.get_by_text("Service account key", exact=True).click()
    expect(drops).to_be_hidden()
    assert page.get_by_label("Key JSON").input_value()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Connection a is created.")).to_be_visible()
    page.goto(f"{web}/connections/a/edit/")
    page.get_by_text("Application default", exact=True).click()
    expect(drops).to_have_text("Saving drops: Key JSON of “Service account key”.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Connection a is saved.")).to_be_visible()
    assert stored().extra == {"project": "acme-reports"}


def test_the_first_wrong_field_has_the_focus_also_inside_what_was_closed(
    signed_in: Page, web: str
) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/?type=google_cloud_platform&conn_id=a")
    page.get_by_text("Application default", exact=True).click()
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Retries").fill("many")
    page.get_by_text("Advanced", exact=True).click()
    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("Retries")).to_be_focused()
    expect(page.get_by_role("alert").get_by_text("A whole number.")).to_be_visible()
    described = page.get_by_label("Retries").get_attribute("aria-describedby") or ""
    assert "id_num_retries_error" in described


def test_leaving_with_unsaved_changes_asks_first(signed_in: Page, web: str) -> None:
    page = signed_in
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    page.goto(f"{web}/connections/new/?type=sqlite")
    page.get_by_label("Description").fill("x")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert asked == ["beforeunload"]


def test_the_keys_for_testing_send_what_is_on_the_screen(signed_in: Page, web: str) -> None:
    page = signed_in
    page.goto(f"{web}/connections/new/?type=google_cloud_platform&conn_id=a")
    page.get_by_label("Project", exact=True).fill("No")
    page.keyboard.press("Control+Shift+Enter")
    panel = page.locator("[data-test-panel]")
    expect(panel.get_by_text("Not tested. First mend this:")).to_be_visible()
    expect(panel.get_by_text("Project: A project ID has 6 to 30")).to_be_visible()
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    shoot(page, "form-test-panel")
    assert not Connection.objects.exists()


def test_without_javascript_every_field_is_there_and_can_be_saved(
    plain_page: Page, web: str
) -> None:
    page = plain_page
    page.goto(f"{web}/connections/new/?type=postgres")
    page.get_by_label("Connection ID").fill("pg")
    page.get_by_label("Host", exact=True).fill("db.example.com")
    page.locator("#id_login").fill("ann")
    page.locator("#id_password").fill("pw")
    page.locator("#id_password").press("Enter")
    expect(page.get_by_text("Connection pg is created.")).to_be_visible()
    assert (stored().host, stored().login, stored().password) == ("db.example.com", "ann", "pw")


@pytest.mark.parametrize("width", [400, 1280])
def test_no_form_scrolls_sideways(browser: Browser, web: str, width: int) -> None:
    for name in LOOKS[:-1]:
        create_connection(example_of(name), actor=ACTOR)
    odd = Draft("example_acme_db", "acme_db", host="h", password="p", extra={"color": "green"})
    create_connection(odd, actor=ACTOR)
    context = browser.new_context(viewport={"width": width, "height": 900})
    let_in(context, web)
    page = context.new_page()
    pages = {name: f"/connections/example_{name}/edit/" for name in LOOKS}
    pages |= {f"new-{name}": f"/connections/new/?type={name}" for name in LOOKS[:-1]}
    pages |= {"catalogue": "/connections/new/"}
    for name, path in pages.items():
        page.goto(web + path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide} px at {width} px"
        shoot_both(page, f"form-{name}-{width}")
    context.close()
