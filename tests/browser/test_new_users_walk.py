"""A new user's walk: import all that Airflow had, find, edit, duplicate, export, delete."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from access.models import AuditEvent
from connections.models import Connection
from tests import planted
from tests.browser.walking import (
    PASSWORD,
    download,
    export_all,
    follow,
    import_examples,
    let_in,
    loaded,
    new_admin,
    portray,
    scrolls_sideways,
    servers,
    sign_in,
    tab_to,
)
from tests.connections.types.every_type import secrets_in
from tests.tasks.conftest import query_task, save_dag

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
ALL = 145
THREE = ("example_aws", "example_postgres", "example_ssh")
USED = "example_google_cloud_platform"
PAGES = {
    "list": "/connections/",
    "detail": f"/connections/{USED}/overview/",
    "used-by": f"/connections/{USED}/used-by/",
    "health": f"/connections/{USED}/health/",
    "audit": f"/connections/{USED}/audit/",
    "form": f"/connections/{USED}/edit/",
    "form-snowflake": "/connections/example_snowflake/edit/",
    "detail-snowflake": "/connections/example_snowflake/overview/",
    "delete": f"/connections/{USED}/delete/",
    "export": "/connections/export/?id=example_aws&id=example_ssh",
    "import": "/connections/import/",
}


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Any]:
    with servers() as found:
        yield found


@pytest.fixture(scope="module")
def web(running: Any) -> str:
    url: str = running[0]
    return url


@pytest.fixture
def trail(page: Page, running: Any) -> Iterator[list[str]]:
    """Every page of the walk; at its end none of them, and no log, may hold a secret."""
    texts = follow(page)
    yield texts
    _, *printing = running
    texts += [page.content(), *(process.text for process in printing)]
    assert [found for text in texts if (found := planted.leaks(text))] == []


def test_all_that_airflow_had_is_imported_and_only_what_is_edited_changes(
    page: Page, web: str, trail: list[str]
) -> None:
    new_admin()
    save_dag(query_task(gcp_conn_id=USED))
    sign_in(page, web)
    import_the_file(page)
    before = export_all(page, web)
    assert loaded(before) == planted.entries()

    edit_one(page)
    edited = export_all(page, web)
    old, new = '"warehouse": "snowflake.warehouse"', '"warehouse": "NIGHTLY_WH"'
    assert before.count(old) == 1
    assert edited == before.replace(old, new)

    duplicate_three(page, web)
    both = loaded(export_all(page, web))
    assert both == {
        **loaded(edited),
        **{f"{conn_id}_copy": loaded(before)[conn_id] for conn_id in THREE},
    }
    trail.append(export_the_copies(page))
    delete_the_one_that_is_used(page, web)
    del both[USED]
    assert loaded(export_all(page, web)) == both
    assert len(trail) > 20


def import_the_file(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Connections").click()
    expect(page.get_by_text("No connections yet")).to_be_visible()
    page.get_by_role("link", name="import from Airflow").click()
    file = {"name": "connections.json", "mimeType": "application/json"}
    page.locator("#id_file").set_input_files({**file, "buffer": planted.file_text().encode()})  # type: ignore[arg-type]
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_text(f"{ALL} added", exact=True)).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(ALL)
    assert not Connection.objects.exists()
    portray(page, "walk-1-import-preview")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text(f"Imported: {ALL} added.")).to_be_visible()
    expect(page.locator("#count")).to_have_text(str(ALL))
    portray(page, "walk-2-list")


def edit_one(page: Page) -> None:
    page.get_by_role("link", name="Connections", exact=True).first.click()
    page.get_by_role("searchbox").fill("e_snowflake")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    portray(page, "walk-3-found")
    page.get_by_role("link", name="example_snowflake", exact=True).click()
    expect(page.get_by_text("snowflake.warehouse", exact=True)).to_be_visible()
    portray(page, "walk-4-detail")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Warehouse").fill("NIGHTLY_WH")
    portray(page, "walk-5-form")
    page.get_by_role("button", name=re.compile("^Save")).last.click()
    expect(page.get_by_text("Connection example_snowflake is saved.")).to_be_visible()
    event = AuditEvent.objects.filter(action="changed").get()
    assert (event.object_id, event.detail) == ("example_snowflake", {"fields": ["warehouse"]})


def duplicate_three(page: Page, web: str) -> None:
    page.goto(f"{web}/connections/?size=200")
    for conn_id in THREE:
        page.get_by_label(f"Choose {conn_id}", exact=True).check()
    expect(page.locator("[data-chosen]")).to_have_text("3 chosen")
    portray(page, "walk-6-chosen")
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("3 connections are duplicated")).to_be_visible()
    expect(page.locator("#count")).to_have_text(str(ALL + 3))


def export_the_copies(page: Page) -> str:
    """The file, without secrets."""
    page.get_by_role("link", name="Connections", exact=True).first.click()
    page.get_by_role("searchbox").fill("_copy")
    page.keyboard.press("Enter")
    page.get_by_label("Choose all of this page").check()
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_role("heading", name="Export 3 connections")).to_be_visible()
    portray(page, "walk-7-export")
    text = download(page)
    found = loaded(text)
    assert sorted(found) == [f"{conn_id}_copy" for conn_id in THREE]
    for conn_id in THREE:
        copy = found[f"{conn_id}_copy"]
        shown = {**copy, **copy["extra"]}
        masked = [*secrets_in(planted.drafts()[conn_id]), "undeclared_token"]
        assert {shown[name] for name in masked} == {"***"}
    event = AuditEvent.objects.filter(action="exported").latest("pk")
    assert event.detail["redacted"] is True
    return text


def delete_the_one_that_is_used(page: Page, web: str) -> None:
    page.goto(f"{web}/connections/{USED}/")
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_text("1 DAG uses it. Without it, its runs fail at step 2.")).to_be_visible()
    expect(page.get_by_role("link", name="example_dag")).to_be_visible()
    portray(page, "walk-8-delete")
    assert Connection.objects.count() == ALL + 3
    page.get_by_role("button", name=f"Delete {USED}").click()
    expect(page.get_by_text(f"Connection {USED} is deleted.")).to_be_visible()
    assert Connection.objects.count() == ALL + 2


def test_the_keyboard_alone_signs_in_creates_finds_chooses_opens_and_deletes(
    page: Page, web: str, trail: list[str]
) -> None:
    new_admin()
    import_examples("postgres", "mysql", "aws", "http")
    page.goto(web)
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    tab_to(page, "Connections")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Connections")).to_be_visible()
    tab_to(page, "New connection")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/new/"))
    page.keyboard.type("postgres")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("type=postgres"))
    page.keyboard.type("by_keys")
    tab_to(page, "Host")
    page.keyboard.type("db.example.com")
    tab_to(page, "Password needed")
    page.keyboard.type("rose-4711")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Connection by_keys is created.")).to_be_visible()
    page.goto(f"{web}/connections/")
    delete_by_keys(page)
    open_by_keys(page)


def delete_by_keys(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("by_keys")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    tab_to(page, "Delete")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Delete 1 connection?")).to_be_visible()
    tab_to(page, "Delete 1 connection")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Connection by_keys is deleted.")).to_be_visible()
    assert not Connection.objects.filter(conn_id="by_keys").exists()


def open_by_keys(page: Page) -> None:
    tab_to(page, "Clear filters")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(4)
    for key in ("j", "j", "j", "k", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("/example_http/overview/$"))


def test_without_javascript_one_is_created_found_and_deleted(browser: Browser, web: str) -> None:
    import_examples("mysql")
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    trail = follow(page)
    page.goto(f"{web}/connections/")
    page.get_by_role("link", name="New connection").click()
    page.get_by_role("searchbox").fill("postgres")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=re.compile("^PostgreSQL")).click()
    page.get_by_label("Connection ID").fill("plain")
    page.get_by_label("Host", exact=True).fill("db.example.com")
    page.locator("#id_password").fill("rose-4711")
    page.get_by_role("button", name=re.compile("^Save")).last.click()
    expect(page.get_by_text("Connection plain is created.")).to_be_visible()
    assert Connection.objects.get(conn_id="plain").load().password == "rose-4711"
    page.goto(f"{web}/connections/")
    page.get_by_role("searchbox").fill("db.example")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="plain", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete plain").click()
    expect(page.get_by_text("Connection plain is deleted.")).to_be_visible()
    assert list(Connection.objects.values_list("conn_id", flat=True)) == ["example_mysql"]
    context.close()
    assert planted.leaks("".join(trail), "rose-4711") == []


#: Of these the pages are looked at; the list of all is in the walk.
SOME = (
    "google_cloud_platform",
    "snowflake",
    "aws",
    "ssh",
    "postgres",
    "http",
    "kafka",
    "facebook_social",
)


@pytest.mark.parametrize("width", [400, 1280])
def test_no_page_of_the_walk_scrolls_sideways(browser: Browser, web: str, width: int) -> None:
    import_examples(*SOME)
    save_dag(query_task(gcp_conn_id=USED))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
    let_in(context, web)
    page = context.new_page()
    trail = follow(page)
    for name, path in PAGES.items():
        page.goto(web + path)
        look_at(page, name)
    refused = {"warehouse": "postgres://h/d", "a b": "http://h", "crm": {"conn_type": "http"}}
    page.goto(f"{web}/connections/import/")
    page.locator("#id_content").fill(json.dumps({**planted.entries("aws", "postgres"), **refused}))
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_text("2 added, 3 refused", exact=True)).to_be_visible()
    look_at(page, "preview")
    context.close()
    assert planted.leaks("".join(trail)) == []


def look_at(page: Page, name: str) -> None:
    assert scrolls_sideways(page) == 0, page.url
    width = page.evaluate("window.innerWidth")
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        portray(page, f"walk-{name}-{width}-{theme}")
