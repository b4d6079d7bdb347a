"""A limit on how many tasks may have a session of a connection at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from connections import bulk
from connections.models import Connection
from connections.portability.entries import entry_of, value_of
from connections.portability.for_airflow import can_read, fitted
from connections.services import create_connection, get_connection
from connections.validation import WRONG_SESSIONS, Draft
from tests.conftest import ACTOR

pytestmark = pytest.mark.django_db
EDIT = "/connections/db/edit/"
FORM = {"version": "1", "host": "h", "description": ""}


def store(limit: int | None = None) -> Connection:
    return create_connection(Draft("db", "http", host="h", max_sessions=limit), actor=ACTOR)


def limit() -> int | None:
    return Connection.objects.get(conn_id="db").max_sessions


def test_a_session_is_opened_with_the_limit_in_hand() -> None:
    store(3)
    assert get_connection("db").max_sessions == 3


def test_without_a_limit_there_is_none() -> None:
    store()
    assert get_connection("db").max_sessions is None


def test_one_from_the_environment_has_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    store(3)
    monkeypatch.setenv("PATCHBAY_CONN_DB", "http://other")
    assert get_connection("db").max_sessions is None


def test_the_form_sets_it_shows_it_and_takes_it_away(admin_client: Client) -> None:
    store()
    assert admin_client.post(EDIT, {**FORM, "max_sessions": "5"}).status_code == 302
    assert limit() == 5
    page = admin_client.get(EDIT).content.decode()
    assert '<input type="number" name="max_sessions" value="5"' in page
    assert "at most 5" in admin_client.get("/connections/db/overview/").content.decode()
    assert admin_client.post(EDIT, {**FORM, "version": "2", "max_sessions": ""}).status_code == 302
    assert limit() is None
    assert "no limit" in admin_client.get("/connections/db/overview/").content.decode()


@pytest.mark.parametrize("wrong", ["0", "-1", "10001", "1.5", "many", "9" * 30])
def test_what_is_no_such_number_is_refused_at_its_field(admin_client: Client, wrong: str) -> None:
    store(2)
    answer = admin_client.post(EDIT, {**FORM, "max_sessions": wrong})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert WRONG_SESSIONS in page
    assert '<a href="#id_max_sessions">Sessions at once</a>' in page
    assert (limit(), Connection.objects.get().version) == (2, 1)


def test_every_type_has_the_field_also_one_that_nothing_declares(admin_client: Client) -> None:
    create_connection(Draft("odd", "unheard_of"), actor=ACTOR)
    for name in ("http", "google_cloud_platform", "sqlite"):
        page = admin_client.get(f"/connections/new/?type={name}").content.decode()
        assert 'name="max_sessions"' in page, name
    assert 'name="max_sessions"' in admin_client.get("/connections/odd/edit/").content.decode()


def test_who_changes_only_the_limit_is_told_so_in_the_audit_trail(admin_client: Client) -> None:
    from access.models import AuditEvent

    store()
    admin_client.post(EDIT, {**FORM, "max_sessions": "5"})
    assert AuditEvent.objects.get(action="changed").detail == {"fields": ["max_sessions"]}


def test_a_duplicate_has_it_too() -> None:
    store(4)
    assert bulk.duplicate(["db"], ACTOR).done == ("db",)
    assert Connection.objects.get(conn_id="db_copy").max_sessions == 4


def test_a_file_carries_it_and_airflow_is_spared_it() -> None:
    draft = Draft("db", "http", host="h", max_sessions=7)
    for serialization in ("json", "uri"):
        value = value_of(draft, serialization=serialization)
        assert value["max_sessions"] == 7
        assert entry_of("db", value).draft == draft
        assert not can_read(draft, value, file_format="json")
    bare = fitted(draft, file_format="json")
    assert bare is not None
    assert value_of(bare, serialization="uri") == "http://h"


@pytest.mark.parametrize("wrong", ["3", True, 1.5, [3]])
def test_a_file_with_another_value_is_refused(wrong: Any) -> None:
    entry = entry_of("db", {"conn_type": "http", "max_sessions": wrong})
    assert (entry.draft, entry.problem) == (None, "max_sessions is not a whole number.")


def test_an_import_that_overwrites_replaces_it(tmp_path: Any) -> None:
    store(3)
    file = tmp_path / "connections.json"
    for content, expected in (({"max_sessions": 9}, 9), ({}, None)):
        file.write_text(json.dumps({"db": {"conn_type": "http", "host": "h", **content}}))
        call_command("connections", "import", str(file), "--overwrite")
        assert limit() == expected


def test_an_import_of_a_number_that_is_too_large_is_refused(tmp_path: Any) -> None:
    file = tmp_path / "connections.json"
    file.write_text(json.dumps({"db": {"conn_type": "http", "max_sessions": 10_001}}))
    with pytest.raises(SystemExit):
        call_command("connections", "import", str(file))
    assert not Connection.objects.exists()


def test_the_command_line_sets_it_and_unsets_it(capsys: Any) -> None:
    store()
    call_command("connections", "edit", "db", "--max-sessions", "6")
    assert limit() == 6
    call_command("connections", "edit", "db", "--conn-uri", "http://other")
    assert limit() == 6
    capsys.readouterr()
    call_command("connections", "get", "db", "--output", "json")
    assert json.loads(capsys.readouterr().out)[0]["max_sessions"] == 6
    call_command("connections", "edit", "db", "--unset", "max_sessions")
    assert limit() is None


def test_the_command_line_refuses_a_number_that_is_too_small() -> None:
    store(2)
    with pytest.raises(CommandError):
        call_command("connections", "edit", "db", "--max-sessions", "0")
    assert limit() == 2
