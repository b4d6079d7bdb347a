"""Bad input of every kind in a browser: a clear error at its place, and nothing written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests import planted, processes
from tests.api.calls import everything
from tests.browser.walking import follow, let_in, portray
from tests.conftest import ACTOR
from tests.connections.types.every_type import private_key

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
STORED = Draft("warehouse", "postgres", host="db.example.com", login="ann", password="tulip stored")
BROKEN_KEY = private_key().replace("\n", "\n!", 3)
GOOGLE = planted.entries("google_cloud_platform")["example_google_cloud_platform"]
TWO_METHODS = {**GOOGLE, "extra": {**GOOGLE["extra"], "key_path": "/run/key.json"}}
#: Files and texts of which nothing can be taken, and words of the error.
UNREADABLE: list[tuple[bytes, str]] = [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff", "This file is not text in UTF-8."),
    (b"", "There is nothing in this file."),
    (b'{"pg": {"conn_type": "postgres", "password": "tulip', "This file is not JSON: "),
    (b'[{"conn_id": "pg", "password": "tulip"}]', "This file holds a list."),
    (b'{"pg": {"password": "tulip\\u0000"}}', "it holds a NUL character"),
    (b'{"conn_type": "postgres", "password": "tulip"}', "one connection without its ID"),
    (b"pg: &tulip {}\nb: *tulip\n", "an alias (*name) isn't read"),
]
#: Single connections that are refused, and words of the reason.
REFUSED: list[tuple[str, Any, str]] = [
    ("a b", "postgres://tulip@h/d", "Only letters, digits, dashes, dots and underscores."),
    ("x" * 201, "postgres://tulip@h/d", "At most 200 characters."),
    ("warehouse", "postgres://tulip@h/d", "There is a connection warehouse already."),
    ("a", "postgres://tulip:tulip@h:70000/d", "port"),
    ("a", "tulip://a://b://c", "://"),
    ("a", {"conn_type": "postgres", "password": "***"}, "***"),
    ("a", {"conn_type": "postgres", "passwort": "tulip"}, "passwort"),
    ("a", {"conn_type": "postgres", "extra": "{tulip"}, "extra is not JSON"),
    ("a", {"conn_type": "postgres", "port": 70_000}, "A port is a number from 1 to 65535."),
]
#: What Airflow may have worked with is taken as it is, and told.
DOUBTFUL: list[tuple[Any, str]] = [
    (
        {"conn_type": "ssh", "host": "h", "extra": {"private_key": BROKEN_KEY}},
        "private_key: This key is damaged or not complete.",
    ),
    (TWO_METHODS, "is set too. Keep one of them."),
]
PASTED = (
    "tulip",
    "tulip://a://b://c",
    "postgres://h:70000/tulip",
    '{"conn_type": "tulip',
    '{"conn_type": "postgres", "password": "***"}',
)
#: By type: its method, the field, what is typed into it, and words of the error.
FORMS: list[tuple[str, str, str, str, str]] = [
    ("postgres", "", "conn_id", "a b", "Only letters, digits, dashes"),
    ("postgres", "", "conn_id", "warehouse", "There is a connection warehouse already."),
    ("postgres", "password", "port", "70000", "65535"),
    ("postgres", "none", "port", "many", "number"),
    ("postgres", "password", "password", "***", "*** stands for a secret"),
    ("postgres", "none", "extra", '{\n  "my_token": tulip}', "line 2"),
    ("ssh", "private_key", "private_key", BROKEN_KEY, "key"),
    ("google_cloud_platform", "key", "keyfile_dict", "tulip", "This is not JSON"),
]


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[tuple[processes.Process, str]]:
    with processes.web(PATCHBAY_LOG_LEVEL="DEBUG") as found:
        yield found


@pytest.fixture
def nothing_changes(page: Page, running: tuple[processes.Process, str]) -> Iterator[Page]:
    """A page of who is signed in. At the end all rows are as before, and no page held a secret."""
    process, url = running
    create_connection(STORED, actor=ACTOR)
    let_in(page.context, url)
    trail = follow(page)
    before = everything()
    yield page
    assert everything() == before
    assert planted.leaks("".join([*trail, page.content(), process.text])) == []


def preview(page: Page) -> None:
    page.get_by_role("button", name="Show what it would do").click()


def test_what_is_no_file_of_connections_is_told_before_anything_is_shown(
    nothing_changes: Page, running: tuple[processes.Process, str]
) -> None:
    page = nothing_changes
    for content, words in UNREADABLE:
        page.goto(f"{running[1]}/connections/import/")
        page.locator("#id_file").set_input_files(
            {"name": "connections", "mimeType": "application/json", "buffer": content}
        )
        preview(page)
        alert = page.get_by_role("alert")
        expect(alert.get_by_role("heading", name="Nothing was imported")).to_be_visible()
        expect(alert).to_contain_text(words)
    portray(page, "bad-file")
    page.goto(f"{running[1]}/connections/import/")
    preview(page)
    expect(page.get_by_role("alert")).to_contain_text("Choose a file, or paste its content below.")


def test_an_import_with_one_wrong_connection_names_it_and_writes_none(
    nothing_changes: Page, running: tuple[processes.Process, str]
) -> None:
    page = nothing_changes
    for conn_id, value, words in REFUSED:
        page.goto(f"{running[1]}/connections/import/")
        page.locator("#id_content").fill(json.dumps({"good": "http://h.example", conn_id: value}))
        preview(page)
        expect(page.get_by_text("1 added, 1 refused", exact=True)).to_be_visible()
        row = page.locator("tbody tr").filter(has_text="refused")
        expect(row).to_contain_text(words)
        expect(page.get_by_role("heading", name="would be refused as a whole")).to_be_visible()
        page.get_by_role("button", name="Import as chosen above").click()
        expect(page.get_by_role("alert")).to_contain_text("Nothing was imported: 1 is refused")
        expect(row).to_contain_text(words)
        assert Connection.objects.count() == 1
    portray(page, "bad-import")


def test_an_import_says_what_of_it_may_not_work(
    nothing_changes: Page, running: tuple[processes.Process, str]
) -> None:
    page = nothing_changes
    for value, words in DOUBTFUL:
        page.goto(f"{running[1]}/connections/import/")
        page.locator("#id_content").fill(json.dumps({"a": value}))
        preview(page)
        row = page.locator("tbody tr")
        expect(row).to_contain_text("Taken as it is, but check it: ")
        expect(row).to_contain_text(words)
    portray(page, "bad-doubtful")


def paste(page: Page, text: str) -> None:
    page.get_by_label("A connection URI or Airflow JSON").fill(text)
    page.get_by_role("button", name="Fill the form").click()


def test_a_wrong_text_is_refused_at_the_box_that_it_was_pasted_into(
    nothing_changes: Page, running: tuple[processes.Process, str]
) -> None:
    page = nothing_changes
    redacted = '{"conn_type": "postgres", "password": "***"}'
    for text in (
        "tulip",
        "tulip://a://b://c",
        "h://h:70000/tulip",
        '{"conn_type": "tulip',
        redacted,
    ):
        page.goto(f"{running[1]}/connections/new/")
        paste(page, text)
        expect(page.locator("#id_text_error")).to_contain_text("What you pasted isn’t sent back.")
        expect(page.get_by_label("A connection URI or Airflow JSON")).to_have_value("")
    portray(page, "bad-paste")


def test_two_methods_at_once_are_told_at_the_second(
    nothing_changes: Page, running: tuple[processes.Process, str]
) -> None:
    page = nothing_changes
    page.goto(f"{running[1]}/connections/new/?conn_id=a")
    paste(page, json.dumps(TWO_METHODS))
    expect(page.get_by_text("from the pasted text").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Save")).last.click()
    expect(page.get_by_role("alert").get_by_text("Not saved")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("is set too. Keep one of them.")
    portray(page, "bad-two-methods")


@pytest.mark.parametrize(("conn_type", "method", "name", "value", "words"), FORMS)
def test_a_form_with_a_wrong_field_says_so_at_the_field(
    nothing_changes: Page,
    running: tuple[processes.Process, str],
    conn_type: str,
    method: str,
    name: str,
    value: str,
    words: str,
) -> None:
    page = nothing_changes
    page.goto(f"{running[1]}/connections/new/?type={conn_type}&conn_id=a")
    if method:
        page.locator(f"input[name=method][value={method}]").check()
    field = page.locator(f"#id_{name}")
    field.fill(value)
    page.get_by_role("button", name=re.compile("^Save")).last.click()
    expect(page.get_by_role("alert").get_by_text("Not saved")).to_be_visible()
    expect(page.locator(f"#id_{name}_error")).to_contain_text(words)
    expect(field).to_have_attribute("aria-invalid", "true")
    portray(page, f"bad-form-{conn_type}-{name}")
