"""Creating, changing and deleting one connection."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet

from access.models import AuditEvent
from connections.models import Connection
from tests.api.calls import CONNECTIONS, Caller, everything, faults

SECRET = "tulip-Öl-7"
WHOLE = {
    "connection_id": "pg",
    "conn_type": "postgres",
    "description": "reports",
    "host": "db.example.com",
    "login": "ann",
    "schema": "sales",
    "port": 5432,
    "password": SECRET,
    "extra": '{"sslmode": "require", "my_token": "t-1", "deep": {"secret": "t-2"}}',
}
LOOSE = {"connection_id": "pg", "conn_type": "postgres"}

NOT_AN_ID = ("string_pattern_mismatch", ["body", "connection_id"])


def loaded(conn_id: str = "pg") -> Any:
    return Connection.objects.get(conn_id=conn_id).load()


@pytest.fixture
def pg(admin: Caller) -> str:
    assert admin.post(CONNECTIONS, WHOLE).status_code == 201
    return f"{CONNECTIONS}/pg"


def test_what_is_created_is_stored_as_it_was_sent_and_shown_without_secrets(admin: Caller) -> None:
    answer = admin.post(CONNECTIONS, WHOLE)
    assert answer.status_code == 201
    extra = {"sslmode": "require", "my_token": "***", "deep": {"secret": "***"}}
    shown = {**WHOLE, "password": "***", "extra": json.dumps(extra), "team_name": None}
    assert answer.json() == shown
    found = loaded()
    assert (found.password, found.login, found.schema) == (SECRET, "ann", "sales")
    assert found.extra == json.loads(WHOLE["extra"])  # type: ignore[arg-type]
    event = AuditEvent.objects.get(action="created")
    assert (event.actor_name, event.object_id) == ("a-admin", "pg")


def test_an_unknown_type_is_kept_as_it_is(admin: Caller) -> None:
    body = {"connection_id": "x", "conn_type": "our_own-Thing", "extra": '{"b": 1, "a": [2]}'}
    assert admin.post(CONNECTIONS, body).json()["conn_type"] == "our_own-Thing"
    assert loaded("x").extra == {"b": 1, "a": [2]}


def test_an_id_that_is_taken_is_409_in_airflows_shape(admin: Caller, pg: str) -> None:
    before = everything()
    answer = admin.post(CONNECTIONS, LOOSE)
    assert answer.status_code == 409
    detail = answer.json()["detail"]
    assert detail["reason"] == "Unique constraint violation"
    assert set(detail) == {"reason", "statement", "orig_error", "message"}
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("missing", ["body", "connection_id"]), ("missing", ["body", "conn_type"])]),
        ([1], [("model_attributes_type", ["body"])]),
        (None, [("missing", ["body"])]),
        ("null", [("missing", ["body"])]),
        ({**LOOSE, "nope": 1}, [("extra_forbidden", ["body", "nope"])]),
        ({**LOOSE, "extra": {"a": 1}}, [("string_type", ["body", "extra"])]),
        ({**LOOSE, "extra": "[1]"}, [("value_error", ["body", "extra"])]),
        ({**LOOSE, "extra": "{"}, [("value_error", ["body", "extra"])]),
        ({**LOOSE, "extra": '{"a": 1, "a": 2}'}, [("value_error", ["body", "extra"])]),
        ({**LOOSE, "port": "x"}, [("int_parsing", ["body", "port"])]),
        ({**LOOSE, "port": 70_000}, [("value_error", ["body", "port"])]),
        ({**LOOSE, "port": 10**30}, [("value_error", ["body", "port"])]),
        ({**LOOSE, "team_name": "a"}, [("value_error", ["body"])]),
        (
            {**LOOSE, "connection_id": "a b"},
            [("string_pattern_mismatch", ["body", "connection_id"])],
        ),
        (
            {**LOOSE, "connection_id": "pg\n"},
            [("string_pattern_mismatch", ["body", "connection_id"])],
        ),
        ({**LOOSE, "connection_id": ".."}, [("value_error", ["body", "connection_id"])]),
        ({**LOOSE, "connection_id": "x" * 201}, [("string_too_long", ["body", "connection_id"])]),
        ({**LOOSE, "conn_type": ""}, [("value_error", ["body", "conn_type"])]),
        ({**LOOSE, "password": "***"}, [("value_error", ["body", "password"])]),
        ({**LOOSE, "extra": '{"a_token": "***"}'}, [("value_error", ["body", "extra", "a_token"])]),
        (
            {**LOOSE, "conn_type": "google_cloud_platform", "extra": '{"num_retries": "many"}'},
            [("value_error", ["body", "extra", "num_retries"])],
        ),
    ],
)
def test_what_can_not_be_right_is_refused_at_its_place_and_nothing_is_written(
    admin: Caller, body: Any, expected: Any
) -> None:
    before = everything()
    assert faults(admin.post(CONNECTIONS, body)) == expected
    assert everything() == before


def test_three_stars_are_taken_literally_where_no_secret_stands(admin: Caller) -> None:
    body = {**LOOSE, "description": "***", "extra": '{"note": "***"}'}
    assert admin.post(CONNECTIONS, body).status_code == 201
    assert loaded().extra == {"note": "***"}


# Changing


def test_only_what_is_sent_changes(admin: Caller, pg: str) -> None:
    answer = admin.patch(pg, {**LOOSE, "host": "new.example.com"})
    assert answer.status_code == 200
    assert answer.json()["host"] == "new.example.com"
    found = loaded()
    assert (found.login, found.password, found.port) == ("ann", SECRET, 5432)
    assert AuditEvent.objects.get(action="changed").detail == {"fields": ["host"]}


def test_null_clears_and_an_absent_key_keeps(admin: Caller, pg: str) -> None:
    body = {**LOOSE, "password": None, "port": None, "extra": None, "host": None}
    answer = admin.patch(pg, body)
    cleared = {name: answer.json()[name] for name in ("password", "port", "extra", "host")}
    assert set(cleared.values()) == {None}
    found = loaded()
    assert (found.password, found.extra, found.login) == ("", {}, "ann")


def test_three_stars_keep_what_is_stored_also_deep_inside_extra(admin: Caller, pg: str) -> None:
    shown = admin.get(pg).json()
    extra = {**json.loads(shown["extra"]), "sslmode": "prefer"}
    body = {**shown, "description": "new", "extra": json.dumps(extra)}
    assert admin.patch(pg, body).status_code == 200
    found = loaded()
    assert found.password == SECRET
    assert found.extra == {"sslmode": "prefer", "my_token": "t-1", "deep": {"secret": "t-2"}}


def test_what_is_read_can_be_sent_again_and_nothing_changes(admin: Caller, pg: str) -> None:
    before = everything()
    assert admin.patch(pg, admin.get(pg).json()).status_code == 200
    assert everything() == before


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"extra": '{"other_token": "***"}'}, ["body", "extra", "other_token"]),
        ({"extra": '{"deep": {"token": "***"}}'}, ["body", "extra", "deep"]),
        ({"extra": '{"my_token": {"a": "***"}}'}, ["body", "extra", "my_token"]),
    ],
)
def test_three_stars_that_stand_for_nothing_are_refused(
    admin: Caller, pg: str, change: dict[str, str], place: list[str]
) -> None:
    before = everything()
    assert faults(admin.patch(pg, {**LOOSE, **change})) == [("value_error", place)]
    assert everything() == before


def test_a_mask_limits_what_changes(admin: Caller, pg: str) -> None:
    body = {**LOOSE, "conn_type": "mysql", "host": "x.example.com", "login": "bob", "port": 1}
    answer = admin.patch(pg, body, update_mask=["host", "port", "schema", "nonsense"])
    assert answer.status_code == 200
    found = loaded()
    assert (found.conn_type, found.host, found.port) == ("postgres", "x.example.com", 1)
    assert (found.login, found.schema) == ("ann", "sales")


def test_a_mask_of_unknown_names_changes_nothing(admin: Caller, pg: str) -> None:
    before = everything()
    assert admin.patch(pg, {**LOOSE, "host": "x"}, update_mask="nope").status_code == 200
    assert everything() == before


def test_a_type_may_change_and_keeps_the_rest(admin: Caller, pg: str) -> None:
    assert admin.patch(pg, {**LOOSE, "conn_type": "mysql"}).json()["conn_type"] == "mysql"
    assert loaded().password == SECRET


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("pg", {**LOOSE, "connection_id": "other"}, 400),
        ("nope", {**LOOSE, "connection_id": "nope"}, 404),
        ("pg", {"host": "x"}, 422),
        ("pg", {**LOOSE, "port": 0}, 422),
    ],
)
def test_a_change_that_is_refused_changes_nothing(
    admin: Caller, pg: str, path: str, body: dict[str, Any], status: int
) -> None:
    before = everything()
    assert admin.patch(f"{CONNECTIONS}/{path}", body).status_code == status
    assert everything() == before


def test_nothing_is_written_over_what_can_not_be_read(
    admin: Caller, pg: str, settings: Any
) -> None:
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    before = everything()
    for body in (LOOSE | {"host": "x"}, WHOLE, admin.get(pg).json()):
        answer = admin.patch(pg, body)
        assert answer.status_code == 409
        assert "key" in answer.json()["detail"]
    assert everything() == before


def test_deleting_answers_204_once_and_404_then(admin: Caller, pg: str) -> None:
    answer = admin.delete(pg)
    assert (answer.status_code, answer.content) == (204, b"")
    assert admin.delete(pg).status_code == 404
    assert not Connection.objects.exists()
