"""Creating, changing and deleting connections, and what the audit keeps of it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections as databases
from django.utils import timezone

from access.audit import Actor
from access.models import AuditEvent
from connections.exceptions import (
    ConnectionFailure,
    InvalidConnection,
    SecretsUnreadable,
    StaleConnection,
)
from connections.models import Connection
from connections.services import (
    create_connection,
    delete_connection,
    get_connection,
    secrets_of,
    update_connection,
)
from connections.types.base import LoadedConnection
from connections.validation import Draft
from tests.connections.conftest import audit, key_file, row_of, tokens

ANN, BOB = Actor("ann"), Actor("bob")
KEY = key_file()


def draft(**changes: Any) -> Draft:
    extra = {"project": "acme-reports", "keyfile_dict": json.dumps(KEY)}
    return replace(Draft("my_gcp_conn", "google_cloud_platform", extra=extra), **changes)


def with_extra(**extra: Any) -> Draft:
    return draft(extra={**draft().extra, **extra})


@pytest.fixture
def made(db: None) -> Connection:
    return create_connection(draft(), actor=ANN)


def test_a_new_connection_is_stored_encrypted_and_audited_by_field_names(db: None) -> None:
    user = get_user_model().objects.create_user("ann")
    create_connection(draft(description="Reports"), actor=Actor.of(user))
    row = Connection.objects.get()
    assert (row.version, row.target, row.description) == (1, "acme-reports", "Reports")
    assert row.created_by == user
    assert row.load().extra == draft().extra
    assert "PRIVATE" not in tokens()[2]
    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name, event.action) == (user, "ann", "created")
    assert (event.object_type, event.object_id) == ("connection", "my_gcp_conn")
    assert event.detail == {"fields": ["description", "project", "keyfile_dict"]}


def test_facts_tell_when_by_whom_in_which_version_and_whose_key(made: Connection) -> None:
    facts = Connection.objects.get().secret_facts["keyfile_dict"]
    assert facts["by"] == "ann"
    assert facts["version"] == 1
    assert timezone.now() - datetime.fromisoformat(facts["at"]) < timedelta(minutes=1)
    assert facts["hint"] == f"patchbay@acme-reports · key {KEY['private_key_id'][:4]}…"
    assert set(facts) == {"at", "by", "version", "hint"}


def test_of_a_secret_that_is_no_key_file_nothing_is_told(db: None) -> None:
    extra = {
        "credential_config_file": "/etc/workload.json",
        "idp_issuer_url": "https://idp.example.com/token",
        "client_id": "me",
        "client_secret": "tulip-7",
    }
    create_connection(draft(extra=extra), actor=ANN)
    assert Connection.objects.get().secret_facts["client_secret"]["hint"] == ""
    assert "tulip" not in str(row_of())
    assert "tulip" not in str(audit())


def test_a_short_key_id_is_not_shown_in_part(db: None) -> None:
    short = json.dumps(key_file(private_key_id="1234567890"))
    create_connection(with_extra(keyfile_dict=short), actor=ANN)
    hint = Connection.objects.get().secret_facts["keyfile_dict"]["hint"]
    assert hint == "patchbay@acme-reports"


def test_a_taken_id_is_refused_and_changes_nothing(made: Connection) -> None:
    before, audited = row_of(), audit()
    with pytest.raises(InvalidConnection) as error:
        create_connection(draft(description="mine"), actor=BOB)
    assert error.value.errors == {"conn_id": "There is a connection my_gcp_conn already."}
    assert row_of() == before
    assert audit() == audited


def test_a_change_grows_the_version_and_names_only_what_changed(made: Connection) -> None:
    changed = update_connection(
        replace(with_extra(num_retries=3), description="Reports"), actor=BOB, version=1
    )
    assert changed.version == 2
    row = Connection.objects.get()
    assert (row.version, row.description) == (2, "Reports")
    assert row.updated_at > row.created_at
    assert audit()[1:] == [("changed", "my_gcp_conn", {"fields": ["description", "num_retries"]})]
    assert row.secret_facts["keyfile_dict"]["by"] == "ann"
    assert row.secret_facts["keyfile_dict"]["version"] == 1


def test_saving_without_a_change_leaves_version_row_and_audit_as_they_are(
    made: Connection,
) -> None:
    before, audited = row_of(), audit()
    same = update_connection(draft(), actor=BOB, version=1)
    assert same.version == 1
    reordered = dict(reversed(draft().extra.items()))
    update_connection(draft(extra=reordered), actor=BOB, version=1)
    assert row_of() == before
    assert audit() == audited


def test_a_change_of_other_fields_leaves_the_ciphertext_as_it_is(made: Connection) -> None:
    before = tokens()
    update_connection(draft(description="new"), actor=BOB, version=1)
    assert tokens() == before


@pytest.mark.parametrize(
    ("old", "new"),
    [(1, True), (0, False), (1, 1.0), (None, "absent"), ("absent", None), ({"a": 1}, {"a": True})],
)
def test_a_change_that_python_takes_for_none_is_one(db: None, old: Any, new: Any) -> None:
    def made_of(value: Any) -> Draft:
        return draft(extra={} if value == "absent" else {"flag": value})

    create_connection(made_of(old), actor=ANN)
    update_connection(made_of(new), actor=BOB, version=1)
    row = Connection.objects.get()
    assert row.version == 2
    assert json.dumps(row.load().extra) == json.dumps(made_of(new).extra)


def test_a_new_secret_has_new_facts_and_a_cleared_one_has_none(made: Connection) -> None:
    other = json.dumps(key_file(client_email="other@acme-reports.iam.gserviceaccount.com"))
    update_connection(with_extra(keyfile_dict=other), actor=BOB, version=1)
    facts = Connection.objects.get().secret_facts["keyfile_dict"]
    assert (facts["by"], facts["version"]) == ("bob", 2)
    assert facts["hint"].startswith("other@acme-reports")
    update_connection(draft(extra={"project": "acme-reports"}), actor=ANN, version=2)
    row = Connection.objects.get()
    assert row.secret_facts == {}
    assert row.version == 3
    assert audit()[-1] == ("changed", "my_gcp_conn", {"fields": ["keyfile_dict"]})


def test_an_old_version_is_refused_and_changes_nothing(made: Connection) -> None:
    update_connection(draft(description="first"), actor=ANN, version=1)
    before, audited = row_of(), audit()
    with pytest.raises(StaleConnection):
        update_connection(draft(description="second"), actor=BOB, version=1)
    assert row_of() == before
    assert audit() == audited


def test_a_wrong_draft_and_another_type_are_refused_and_change_nothing(made: Connection) -> None:
    before, audited = row_of(), audit()
    Connection.objects.update(conn_type="postgres")
    with pytest.raises(InvalidConnection) as error:
        update_connection(draft(description="x"), actor=BOB, version=1)
    assert list(error.value.errors) == ["conn_type"]
    Connection.objects.update(conn_type="google_cloud_platform")
    with pytest.raises(InvalidConnection):
        update_connection(with_extra(project="no"), actor=BOB, version=1)
    with pytest.raises(Connection.DoesNotExist):
        update_connection(draft(conn_id="other"), actor=BOB, version=1)
    assert row_of() == before
    assert audit() == audited


def test_deleting_is_audited(made: Connection) -> None:
    delete_connection("my_gcp_conn", actor=BOB)
    assert not Connection.objects.exists()
    assert audit()[-1] == ("deleted", "my_gcp_conn", {})
    with pytest.raises(Connection.DoesNotExist):
        delete_connection("my_gcp_conn", actor=BOB)
    assert len(audit()) == 2


# Secrets that can't be read


def test_unreadable_secrets_are_not_saved_over(
    made: Connection, lose_keys: Callable[[], None]
) -> None:
    before, audited = row_of(), audit()
    lose_keys()
    with pytest.raises(SecretsUnreadable):
        update_connection(draft(description="x"), actor=BOB, version=1)
    assert row_of() == before
    assert audit() == audited


@pytest.mark.parametrize("extra", [{"project": "acme-reports"}, {}], ids=["project", "nothing"])
def test_unreadable_secrets_are_given_up_on_demand(
    made: Connection, lose_keys: Callable[[], None], extra: dict[str, Any]
) -> None:
    Connection.objects.update(password="also")
    lose_keys()
    update_connection(draft(extra=extra), actor=BOB, version=1, discard_unreadable=True)
    row = Connection.objects.get()
    assert row.version == 2
    assert row.load().extra == extra
    assert row.password is None
    assert row.secret_facts == {}
    assert audit()[-1][0] == "changed"
    assert "keyfile_dict" in audit()[-1][2]["fields"]


def test_unreadable_extras_without_a_known_secret_are_given_up_on_demand(
    db: None, lose_keys: Callable[[], None]
) -> None:
    create_connection(draft(extra={"is_anonymous": True}), actor=ANN)
    lose_keys()
    update_connection(draft(extra={}), actor=BOB, version=1, discard_unreadable=True)
    assert Connection.objects.get().load().extra == {}
    assert audit()[-1] == ("changed", "my_gcp_conn", {"fields": ["extra"]})


# Two at once


def at_once(act: Callable[[int], Any], *, times: int) -> list[BaseException | None]:
    """Run ``act`` in threads that start together; what each of them raised."""
    barrier = threading.Barrier(times)
    errors: list[BaseException | None] = [None] * times

    def one(number: int) -> None:
        barrier.wait(timeout=10)
        try:
            act(number)
        except Exception as error:
            errors[number] = error
        finally:
            databases.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors


@pytest.mark.django_db(transaction=True)
def test_of_updates_at_once_from_the_same_version_one_holds() -> None:
    create_connection(draft(), actor=ANN)

    def update(number: int) -> None:
        update_connection(draft(description=f"number {number}"), actor=BOB, version=1)

    errors = at_once(update, times=4)
    assert (
        sorted(type(error).__name__ for error in errors) == ["NoneType"] + ["StaleConnection"] * 3
    )
    winner = errors.index(None)
    row = Connection.objects.get()
    assert (row.version, row.description) == (2, f"number {winner}")
    assert [action for action, _, _ in audit()] == ["created", "changed"]


@pytest.mark.django_db(transaction=True)
def test_of_creations_at_once_of_the_same_id_one_holds() -> None:
    def create(number: int) -> None:
        create_connection(draft(description=f"number {number}"), actor=BOB)

    errors = at_once(create, times=4)
    failed = [error for error in errors if error]
    assert len(failed) == 3
    for error in failed:
        assert isinstance(error, InvalidConnection)
        assert list(error.errors) == ["conn_id"]
    assert Connection.objects.get().description == f"number {errors.index(None)}"
    assert len(audit()) == 1


# Reading for a session


def test_a_connection_is_given_for_a_session_with_its_secrets_and_version(
    made: Connection,
) -> None:
    update_connection(draft(description="x"), actor=ANN, version=1)
    loaded = get_connection("my_gcp_conn")
    assert loaded.version == 2
    assert loaded.extra["keyfile_dict"] == json.dumps(KEY)
    assert KEY["private_key"][40:60] not in repr(loaded)


@pytest.mark.parametrize(
    ("code", "columns"),
    [
        ("connection:disabled", {"is_disabled": True}),
        ("connection:expired", {"expires_at": timezone.now()}),
        ("connection:not-found", {"conn_id": "another"}),
    ],
)
def test_a_connection_that_may_not_be_used_says_why(
    made: Connection, decryptions: list[str], code: str, columns: dict[str, Any]
) -> None:
    Connection.objects.update(**columns)
    with pytest.raises(ConnectionFailure) as error:
        get_connection("my_gcp_conn")
    assert error.value.code == code
    assert error.value.facts == {"conn_id": "my_gcp_conn"}
    assert not decryptions


def test_extras_under_legacy_names_are_read_and_stay_stored_as_they_are(db: None) -> None:
    prefix = "extra__google_cloud_platform__"
    legacy = {
        f"{prefix}project": "old-reports",
        f"{prefix}keyfile_dict": json.dumps(KEY),
        f"{prefix}scope": "",
        "scope": "bigquery",
        f"{prefix}num_retries": 2,
        "num_retries": 0,
        f"{prefix}unheard_of": 1,
    }
    create_connection(draft(extra=legacy), actor=ANN)
    loaded = get_connection("my_gcp_conn")
    assert loaded.extra["project"] == "old-reports"
    assert loaded.extra["keyfile_dict"] == json.dumps(KEY)
    assert loaded.extra["scope"] == "bigquery"
    assert loaded.extra["num_retries"] == 0
    assert "unheard_of" not in loaded.extra
    assert KEY["private_key"] in secrets_of(loaded)
    assert Connection.objects.get().load().extra == legacy


# What must not be seen of it


def loaded(**extra: Any) -> LoadedConnection:
    return LoadedConnection("a", "google_cloud_platform", password="pw-tulip", extra=extra)


def test_secrets_are_found_by_declaration_and_by_name_at_any_depth() -> None:
    found = secrets_of(
        loaded(
            keyfile_dict=json.dumps(KEY),
            client_secret="cs-tulip",
            project="acme-reports",
            key_secret_name="name-in-secret-manager",
            api_key="ak-tulip",
            nested={"list": [{"auth_token": "nt-tulip", "region": "EU"}]},
            text='{"password": "jt-tulip"}',
            pin={"secret": {"user": "u-tulip", "number": 12345678, "short": 12}},
        )
    )
    for secret in ("pw", "cs", "ak", "nt", "jt", "u"):
        assert f"{secret}-tulip" in found
    assert KEY["private_key"] in found
    assert "12345678" in found
    open_texts = {KEY["client_email"], KEY["token_uri"], "acme-reports", "EU", "12"}
    assert not open_texts & found
    assert "name-in-secret-manager" not in found
    assert "" not in found


def test_an_object_in_place_of_the_key_text_is_looked_into_too() -> None:
    found = secrets_of(loaded(keyfile_dict=KEY))
    assert KEY["private_key"] in found
    assert KEY["client_email"] not in found
