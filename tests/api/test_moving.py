"""Import, export and tests of connections over the API: who may, and what is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from access.models import AuditEvent
from connections.models import Connection, ConnectionTest
from tests.api.calls import CONNECTIONS, OWN, Caller, everything, faults, stored

IMPORT, EXPORT = f"{OWN}/connections/import", f"{OWN}/connections/export"
FILE = {
    "new": {"conn_type": "http", "host": "h.example.com"},
    "old": {"conn_type": "postgres", "host": "second.example.com"},
}


def loaded(conn_id: str) -> Any:
    return Connection.objects.get(conn_id=conn_id).load()


def sent(caller: Caller, content: Any, **query: Any) -> Any:
    return caller("POST", IMPORT, content, query={"file_format": "json", **query})


def kinds(answer: Any) -> dict[str, str]:
    return {each["connection_id"]: each["kind"] for each in answer.json()["changes"]}


# Import


@pytest.fixture
def old(admin: Caller) -> None:
    stored("old", host="first.example.com", password="p")


@pytest.mark.usefixtures("old")
def test_a_dry_run_tells_what_would_change_and_writes_nothing(admin: Caller) -> None:
    before = everything()
    answer = sent(admin, FILE, existing="overwrite", dry_run="true")
    assert answer.status_code == 200
    assert answer.json()["written"] is False
    assert kinds(answer) == {"new": "added", "old": "changed"}
    fields = {each["connection_id"]: each["fields"] for each in answer.json()["changes"]}
    assert fields["old"] == ["host", "password"]
    assert everything() == before


@pytest.mark.usefixtures("old")
def test_an_import_does_what_its_dry_run_told(admin: Caller) -> None:
    answer = sent(admin, FILE, existing="overwrite")
    assert (answer.status_code, answer.json()["written"]) == (200, True)
    assert kinds(answer) == {"new": "added", "old": "changed"}
    assert loaded("old").host == "second.example.com"
    assert AuditEvent.objects.filter(action="imported", actor_name="a-admin").count() == 1


@pytest.mark.usefixtures("old")
def test_an_import_of_which_one_is_refused_is_409_and_writes_nothing(admin: Caller) -> None:
    before = everything()
    answer = sent(admin, FILE)
    assert (answer.status_code, answer.json()["written"]) == (409, False)
    assert kinds(answer) == {"new": "added", "old": "refused"}
    assert everything() == before
    assert sent(admin, FILE, skip_bad="true").json()["written"] is True
    assert loaded("new").host == "h.example.com"
    assert loaded("old").host == "first.example.com"


@pytest.mark.parametrize("file_format", ["yaml", "env"])
def test_every_format_is_taken(admin: Caller, file_format: str) -> None:
    text = {"yaml": "a:\n  conn_type: http\n", "env": "a=http://\n"}[file_format]
    answer = sent(admin, text, file_format=file_format)
    assert kinds(answer) == {"a": "added"}, answer.content


@pytest.mark.parametrize(
    ("content", "query", "status"),
    [
        ("{", {}, 400),
        (b"\xff", {}, 400),
        ("", {}, 400),
        (FILE, {"file_format": "xml"}, 422),
        (FILE, {"existing": "replace"}, 422),
        (FILE, {"dry_run": "perhaps"}, 422),
    ],
)
def test_a_file_that_can_not_be_read_is_refused(
    admin: Caller, content: Any, query: dict[str, str], status: int
) -> None:
    before = everything()
    answer = sent(admin, content, **query)
    assert answer.status_code == status, answer.content
    assert everything() == before


# Export


@pytest.fixture
def secret(admin: Caller) -> None:
    stored("a", password="s3cret-1", extra={"my_token": "s3cret-2", "b": 1})
    stored("b", "http")


def test_an_export_for_airflow_counts_what_it_left_out_and_another_what_is_not_for_it(
    admin: Caller,
) -> None:
    stored("a", "http", description="Nightly")
    stored("off", "http", is_disabled=True)
    answer = admin.post(EXPORT, {"for_airflow": True, "file_format": "env"})
    assert answer.content.decode() == "a=http://\n"
    assert (answer["Patchbay-Left-Out"], answer["Patchbay-Shortened"]) == ("1", "1")
    plain = admin.post(EXPORT, {})
    assert json.loads(plain.content)["off"]["is_disabled"] is True
    assert (plain["Patchbay-Left-Out"], plain["Patchbay-Not-For-Airflow"]) == ("0", "1")


@pytest.mark.usefixtures("secret")
def test_an_export_is_redacted_unless_secrets_are_asked_for(admin: Caller) -> None:
    answer = admin.post(EXPORT, {})
    assert answer.status_code == 200
    assert set(json.loads(answer.content)) == {"a", "b"}
    assert "s3cret" not in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Disposition"] == 'attachment; filename="connections.json"'
    whole = admin.post(EXPORT, {"redact": False, "connection_ids": ["a"]})
    assert set(json.loads(whole.content)) == {"a"}
    assert whole.content.count(b"s3cret") == 2
    assert AuditEvent.objects.filter(action="exported").count() == 2


@pytest.mark.usefixtures("secret")
def test_what_is_exported_is_imported_again(admin: Caller) -> None:
    for file_format in ("json", "yaml", "env"):
        for serialization in ("json", "uri"):
            body = {"file_format": file_format, "serialization": serialization, "redact": False}
            text = admin.post(EXPORT, body).content
            answer = sent(admin, text, file_format=file_format, existing="overwrite")
            assert kinds(answer) == {"a": "same", "b": "same"}


@pytest.mark.usefixtures("secret")
def test_secrets_are_exported_for_admins_only(db: None) -> None:
    editor = Caller("Editor")
    assert editor.post(EXPORT, {}).status_code == 200
    before = everything()
    answer = editor.post(EXPORT, {"redact": False})
    assert answer.status_code == 403
    assert "export secrets" in answer.json()["detail"]
    assert everything() == before


@pytest.mark.usefixtures("secret")
def test_an_export_of_what_is_not_there_is_404(admin: Caller) -> None:
    before = everything()
    assert admin.post(EXPORT, {"connection_ids": ["a", "nope"]}).status_code == 404
    assert admin.post(EXPORT, {"connection_ids": ["\0"]}).status_code == 422
    assert admin.post(EXPORT, {"file_format": "xml"}).status_code == 422
    assert everything() == before


# Tests of connections


def body(**fields: Any) -> dict[str, Any]:
    return {"connection_id": "gcp", "conn_type": "google_cloud_platform", **fields}


@pytest.fixture
def gcp(db: None) -> None:
    extra = {"project": "acme-reports", "client_secret": "s3cret", "my_token": "t"}
    extra |= {"idp_issuer_url": "https://idp.example.com/t", "credential_config_file": "/w.json"}
    stored("gcp", "google_cloud_platform", extra=extra)


STARS = '{"project": "acme-reports", "client_secret": "***", "my_token": "***", '
STARS += '"idp_issuer_url": "%s", "credential_config_file": "/w.json"}'


@pytest.mark.usefixtures("gcp")
@pytest.mark.parametrize(
    "fields",
    [
        {"extra": STARS % "https://evil.example.com/t"},
        {"host": "evil.example.com"},
        {"conn_type": "http"},
    ],
)
def test_who_may_only_test_sends_stored_secrets_to_no_other_place(
    db: None, fields: dict[str, Any]
) -> None:
    before = everything()
    answer = Caller("Operator").post(f"{CONNECTIONS}/enqueue-test", body(**fields))
    assert answer.status_code == 403
    assert not ConnectionTest.objects.exists()
    assert everything() == before
    assert Caller("Editor").post(f"{CONNECTIONS}/enqueue-test", body(**fields)).status_code == 202


@pytest.mark.usefixtures("gcp")
@pytest.mark.parametrize("fields", [{}, {"extra": STARS % "https://idp.example.com/t"}])
def test_who_may_only_test_tests_what_is_stored(db: None, fields: dict[str, Any]) -> None:
    operator = Caller("Operator")
    answer = operator.post(f"{CONNECTIONS}/enqueue-test", body(**fields))
    assert answer.status_code == 202
    test = ConnectionTest.objects.get()
    assert test.connection == Connection.objects.get()
    again = operator.post(f"{CONNECTIONS}/enqueue-test", body())
    assert again.status_code == 409
    assert "active connection test" in again.json()["detail"]


def test_a_draft_of_ones_own_is_tested_without_being_saved(db: None) -> None:
    extra = '{"project": "acme-reports", "is_anonymous": true}'
    answer = Caller("Editor").post(f"{CONNECTIONS}/enqueue-test", body(extra=extra))
    assert answer.status_code == 202
    assert set(answer.json()) == {"token", "connection_id", "state"}
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [{"commit_on_success": True}, {"executor": "x"}, {"queue": "x"}, {"port": 0}, {"nope": 1}],
)
def test_a_test_that_can_not_be_made_as_asked_is_refused(
    admin: Caller, fields: dict[str, Any]
) -> None:
    faults(admin.post(f"{CONNECTIONS}/enqueue-test", body(**fields)))
    assert not ConnectionTest.objects.exists()


def test_a_type_that_can_not_be_tested_says_so(admin: Caller) -> None:
    answer = admin.post(f"{CONNECTIONS}/test", body(conn_type="no_such_type"))
    assert answer.json()["status"] is False
    assert "can't be tested yet" in answer.json()["message"]


def test_a_test_that_no_worker_makes_is_answered_in_time(admin: Caller, settings: Any) -> None:
    settings.CONNECTION_TEST_WAIT = 0.1
    extra = '{"project": "acme-reports", "is_anonymous": true}'
    answer = admin.post(f"{CONNECTIONS}/test", body(extra=extra))
    assert answer.json()["status"] is False
    assert "hasn't ended in 0.1 seconds" in answer.json()["message"]


@pytest.mark.parametrize("header", [{}, {"Airflow-Connection-Test-Token": "nonsense"}])
def test_how_a_test_went_is_told_to_who_has_its_token(
    admin: Caller, header: dict[str, str]
) -> None:
    answer = admin("GET", f"{CONNECTIONS}/enqueue-test", headers=header)
    assert answer.status_code == (404 if header else 422)
    assert "nonsense" not in answer.content.decode()
