"""What an import would do, and what it does: all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from access.audit import Actor
from access.models import AuditEvent
from connections.defaults import create_default_connections, default_entries
from connections.exceptions import InvalidConnection
from connections.models import Connection
from connections.portability import Entry, ImportRefused, carry_out, export, plan, read
from connections.services import change_connection, create_connection, draft_of
from connections.validation import Draft
from tests.connections.conftest import audit, key_file, row_of, tokens

pytestmark = pytest.mark.django_db
ANN, BOB = Actor("ann"), Actor("bob")
SECRET = "tulip-7"
STORED = Draft(
    "my_db",
    "unheard_of",
    description="Reports",
    host="h",
    login="u",
    password=SECRET,
    port=5432,
    extra={"project": "acme", "api_token": SECRET, "deep": {"password": SECRET, "region": "EU"}},
)


def entries(**values: Any) -> list[Entry]:
    return read(json.dumps(values), file_format="json")


def stored_draft(conn_id: str = "my_db") -> Draft:
    row = Connection.objects.get(conn_id=conn_id)
    return draft_of(row, loaded=row.load())


@pytest.fixture
def made() -> Connection:
    return create_connection(STORED, actor=ANN)


def everything() -> tuple[Any, ...]:
    return list(Connection.objects.order_by("conn_id").values()), audit()


def test_a_dry_run_names_what_would_happen_and_writes_nothing(made: Connection) -> None:
    before = everything()
    found = plan(
        entries(
            my_db={"conn_type": "unheard_of", "host": "new", "port": 5432, "extra": {"project": 1}},
            other="http://u:p@h/?a=b",
            broken=f"http://u:{SECRET}@h#",
        ),
        existing="overwrite",
    )
    assert [(each.conn_id, each.kind, each.fields) for each in found.changes] == [
        (
            "my_db",
            "changed",
            (
                "description",
                "host",
                "login",
                "password",
                "extra.project",
                "extra.api_token",
                "extra.deep",
            ),
        ),
        ("other", "added", ("conn_type", "host", "login", "password", "extra.a")),
        ("broken", "refused", ()),
    ]
    assert "%23" in found.changes[2].reason
    assert found.summary == "1 added, 1 changed, 1 refused"
    assert found.count("same") == 0
    assert SECRET not in repr(found)
    assert everything() == before


def test_an_import_replaces_all_of_what_is_there(made: Connection) -> None:
    Connection.objects.update(is_disabled=True)
    done = carry_out(
        entries(my_db={"conn_type": "http", "host": "h"}),
        existing="overwrite",
        skip_bad=False,
        actor=BOB,
    )
    assert done.summary == "1 changed"
    assert stored_draft() == Draft("my_db", "http", host="h")
    row = Connection.objects.get()
    assert (row.version, row.password, row.secret_facts) == (2, None, {})
    assert row.created_at < row.updated_at


def test_each_change_is_audited_by_field_names_and_the_import_by_counts(made: Connection) -> None:
    carry_out(
        entries(my_db={"conn_type": "unheard_of", "host": "new"}, other=f"http://u:{SECRET}@h"),
        existing="overwrite",
        skip_bad=False,
        actor=BOB,
    )
    (imported,) = AuditEvent.objects.filter(action="imported")
    assert (imported.actor_name, imported.object_type) == ("bob", "connections")
    assert imported.object_id == "1 added, 1 changed"
    assert imported.detail == {"added": 1, "changed": 1}
    created = AuditEvent.objects.get(action="created", actor_name="bob")
    changed = AuditEvent.objects.get(action="changed")
    assert set(created.detail["fields"]) == {"host", "login", "password"}
    assert "host" in changed.detail["fields"]
    assert SECRET not in json.dumps(list(AuditEvent.objects.values("object_id", "detail")))


@pytest.mark.parametrize("existing", ["fail", "overwrite"])
def test_one_refused_entry_stops_all_and_nothing_is_written(
    made: Connection, existing: str
) -> None:
    before = everything()
    values = {"my_db": "http://h", "good": "http://h", "bad": "http://h#"}
    with pytest.raises(ImportRefused) as error:
        carry_out(entries(**values), existing=existing, skip_bad=False, actor=BOB)
    assert error.value.plan.count("refused") == (2 if existing == "fail" else 1)
    assert everything() == before


def test_the_refused_can_be_left_out(made: Connection) -> None:
    before = row_of("my_db")
    values = {"my_db": "http://h", "good": "http://h", "bad": "http://h#"}
    done = carry_out(entries(**values), existing="fail", skip_bad=True, actor=BOB)
    assert done.summary == "1 added, 2 refused"
    assert done.changes[0].reason == "There is a connection my_db already."
    assert set(Connection.objects.values_list("conn_id", flat=True)) == {"my_db", "good"}
    assert row_of("my_db") == before


def test_what_is_there_can_be_kept(made: Connection) -> None:
    before = row_of("my_db")
    values = {"my_db": "http://h", "good": "http://h"}
    done = carry_out(entries(**values), existing="skip", skip_bad=False, actor=BOB)
    assert done.summary == "1 added, 1 skipped"
    assert row_of("my_db") == before


def test_what_is_the_same_is_not_touched(made: Connection) -> None:
    before, token = row_of("my_db"), tokens("my_db")
    done = carry_out([Entry("my_db", STORED)], existing="overwrite", skip_bad=False, actor=BOB)
    assert done.summary == "1 same"
    assert row_of("my_db") == before
    assert tokens("my_db") == token
    assert [action for action, _, _ in audit()] == ["created", "imported"]


def test_a_change_of_another_field_leaves_the_ciphertext_as_it_is(made: Connection) -> None:
    before = tokens("my_db")
    carry_out(
        [Entry("my_db", replace(STORED, host="new"))],
        existing="overwrite",
        skip_bad=False,
        actor=BOB,
    )
    assert tokens("my_db") == before
    assert Connection.objects.get().host == "new"


def test_what_a_type_refuses_is_refused_with_the_field(made: Connection) -> None:
    bad = {"conn_type": "http", "port": 99_999}
    (change,) = plan(entries(bad=bad), existing="fail").changes
    assert (change.kind, change.reason) == ("refused", "port: A port is a number from 1 to 65535.")


def test_secrets_that_cant_be_read_are_not_imported_over(
    made: Connection, lose_keys: Callable[[], None]
) -> None:
    before = row_of("my_db")
    lose_keys()
    (change,) = plan(entries(my_db="http://h"), existing="overwrite").changes
    assert change.kind == "refused"
    assert "can't be decrypted" in change.reason
    with pytest.raises(ImportRefused):
        carry_out(entries(my_db="http://h"), existing="overwrite", skip_bad=False, actor=BOB)
    assert row_of("my_db") == before


# Redacted files


def redacted_file() -> str:
    rows = Connection.objects.all()
    return export(rows, file_format="json", serialization="json", redact=True, actor=ANN).text


def test_a_redacted_export_holds_no_secret_and_says_so_in_the_audit(made: Connection) -> None:
    text = redacted_file()
    assert SECRET not in text
    found = json.loads(text)["my_db"]
    assert found["password"] == "***"
    assert found["extra"] == {
        "project": "acme",
        "api_token": "***",
        "deep": {"password": "***", "region": "EU"},
    }
    event = AuditEvent.objects.get(action="exported")
    assert event.object_id == "1 redacted"
    assert event.detail == {"file_format": "json", "redacted": True, "conn_ids": ["my_db"]}


def test_a_redacted_file_keeps_the_secrets_that_are_stored(made: Connection) -> None:
    text = redacted_file()
    assert plan(read(text, file_format="json"), existing="overwrite").summary == "1 same"
    edited = json.loads(text)
    edited["my_db"]["host"] = "new"
    carry_out(entries(**edited), existing="overwrite", skip_bad=False, actor=BOB)
    assert stored_draft() == replace(STORED, host="new")


def test_a_redacted_file_is_refused_where_there_is_nothing_to_keep(made: Connection) -> None:
    text = redacted_file()
    Connection.objects.all().delete()
    found = plan(read(text, file_format="json"), existing="overwrite")
    assert found.summary == "1 refused"
    assert "***" in found.changes[0].reason
    with pytest.raises(ImportRefused):
        carry_out(read(text, file_format="json"), existing="fail", skip_bad=False, actor=BOB)
    assert not Connection.objects.exists()


def test_an_export_with_secrets_names_who_had_them_and_which(made: Connection) -> None:
    export(
        Connection.objects.all(), file_format="env", serialization="uri", redact=False, actor=BOB
    )
    event = AuditEvent.objects.get(action="exported")
    assert (event.actor_name, event.object_id) == ("bob", "1 with its secrets")
    assert event.detail["conn_ids"] == ["my_db"]
    assert SECRET not in str(event.detail)


# Many


def test_the_number_of_queries_does_not_grow_with_the_file() -> None:
    def queries(count: int, prefix: str) -> int:
        many = {f"{prefix}{number}": f"http://u:p{number}@h" for number in range(count)}
        with CaptureQueriesContext(
            database,
        ) as captured:
            carry_out(entries(**many), existing="overwrite", skip_bad=False, actor=ANN)
        return len(captured)

    assert queries(10, "a") == queries(400, "b")


def test_airflows_default_connections_are_created_once_and_keep_what_is_there() -> None:
    create_connection(Draft("aws_default", "unheard_of", host="mine"), actor=ANN)
    added = create_default_connections(BOB)
    assert len(added) == len(default_entries()) - 1 == 61
    assert {"google_cloud_default", "postgres_default", "http_default"} <= set(added)
    assert stored_draft("aws_default").host == "mine"
    before = everything()
    assert create_default_connections(BOB) == []
    assert everything() == before


def test_fields_that_do_not_go_together_are_taken_as_they_are_with_a_warning(db: None) -> None:
    """Airflow lets a password stand beside a key, and uses one of them."""
    extra = {"keyfile_dict": key_file(), "key_path": "/key.json"}
    moved = entries(gcp={"conn_type": "google_cloud_platform", "extra": extra})
    (change,) = carry_out(moved, existing="fail", skip_bad=False, actor=BOB).changes
    assert (change.kind, "Keep one of them" in change.warning) == ("added", True)
    assert list(Connection.objects.get().load().extra) == ["keyfile_dict", "key_path"]


def test_what_came_with_a_warning_can_be_edited_elsewhere(db: None) -> None:
    extra = {"keyfile_dict": key_file(), "key_path": "/key.json"}
    moved = entries(gcp={"conn_type": "google_cloud_platform", "extra": extra})
    carry_out(moved, existing="fail", skip_bad=False, actor=BOB)
    change_connection("gcp", lambda draft: replace(draft, description="moved"), actor=BOB)
    assert Connection.objects.get().description == "moved"
    worse = {**extra, "is_anonymous": True}
    with pytest.raises(InvalidConnection):
        change_connection("gcp", lambda draft: replace(draft, extra=worse), actor=BOB)
    assert Connection.objects.get().load().extra == extra
