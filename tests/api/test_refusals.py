"""Who is let in, and what is taken: every refusal is JSON, and changes nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from access.models import ApiToken
from access.rights import SCOPES
from access.tokens import create_token
from patchbay.environment import Rate
from tests.api.calls import BY, CONNECTIONS, OWN, Caller, everything, faults, stored
from tests.roles import user_of

DAGS = "/api/v2/dags"
BODY = {"connection_id": "new", "conn_type": "http"}
#: Who may only test tests what is stored.
AS_STORED = {"connection_id": "pg", "conn_type": "postgres"}
#: Every call with the least role that may make it, and the scope that a token needs for it.
CALLS: list[tuple[str, str, Any, str, str]] = [
    ("GET", CONNECTIONS, None, "Viewer", "read"),
    ("GET", f"{CONNECTIONS}/pg", None, "Viewer", "read"),
    ("GET", f"{OWN}/connection-types", None, "Viewer", "read"),
    ("GET", f"{OWN}/connection-types/http", None, "Viewer", "read"),
    ("GET", f"{OWN}/connections/pg/used-by", None, "Viewer", "read"),
    ("POST", f"{CONNECTIONS}/test", AS_STORED, "Operator", "use"),
    ("POST", f"{CONNECTIONS}/enqueue-test", AS_STORED, "Operator", "use"),
    ("POST", CONNECTIONS, BODY, "Editor", "write"),
    ("PATCH", CONNECTIONS, {"actions": []}, "Editor", "write"),
    ("PATCH", f"{CONNECTIONS}/pg", {**BODY, "connection_id": "pg"}, "Editor", "write"),
    ("DELETE", f"{CONNECTIONS}/pg", None, "Editor", "write"),
    ("POST", f"{OWN}/connections/import?file_format=json", {}, "Editor", "write"),
    ("POST", f"{OWN}/connections/export", {}, "Editor", "write"),
    ("POST", f"{OWN}/connections/export", {"redact": False}, "Admin", "use"),
    ("GET", DAGS, None, "Viewer", "read"),
    ("GET", f"{DAGS}/d", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/details", None, "Viewer", "read"),
    ("PATCH", DAGS, {"is_paused": True}, "Operator", "use"),
    ("PATCH", f"{DAGS}/d", {"is_paused": True}, "Operator", "use"),
    ("DELETE", f"{DAGS}/d", None, "Editor", "write"),
    ("GET", f"{DAGS}/d/tasks", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/tasks/t", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagVersions", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagVersions/1", None, "Viewer", "read"),
    ("GET", "/api/v2/dagSources/d", None, "Viewer", "read"),
    ("GET", "/api/v2/importErrors", None, "Viewer", "read"),
    ("GET", "/api/v2/importErrors/1", None, "Viewer", "read"),
    ("GET", "/api/v2/dagTags", None, "Viewer", "read"),
    ("GET", "/api/v2/dagStats", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns", None, "Viewer", "read"),
    ("POST", f"{DAGS}/d/dagRuns", {"logical_date": None}, "Operator", "use"),
    ("POST", f"{DAGS}/~/dagRuns/list", {}, "Viewer", "read"),
    ("PATCH", f"{DAGS}/d/dagRuns", {"actions": []}, "Operator", "use"),
    ("GET", f"{DAGS}/d/dagRuns/r", None, "Viewer", "read"),
    ("DELETE", f"{DAGS}/d/dagRuns/r", None, "Editor", "write"),
    ("GET", f"{DAGS}/d/dagRuns/r/wait?interval=1", None, "Viewer", "read"),
    ("POST", f"{DAGS}/d/clearDagRuns", {"dag_runs": [{"dag_run_id": "r"}]}, "Operator", "use"),
    ("PATCH", f"{DAGS}/d/dagRuns/r", {"note": "n"}, "Operator", "use"),
    ("POST", f"{DAGS}/d/dagRuns/r/clear", {}, "Operator", "use"),
    ("POST", f"{DAGS}/d/clearTaskInstances", {}, "Operator", "use"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances", None, "Viewer", "read"),
    ("POST", f"{DAGS}/~/dagRuns/~/taskInstances/list", {}, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t", None, "Viewer", "read"),
    ("PATCH", f"{DAGS}/d/dagRuns/r/taskInstances/t", {"note": "n"}, "Operator", "use"),
    ("PATCH", f"{DAGS}/d/dagRuns/r/taskInstances", {"actions": []}, "Operator", "use"),
    ("PATCH", f"{DAGS}/d/dagRuns/r/taskInstances/t/dry_run", {}, "Operator", "use"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/dependencies", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/links", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/listMapped", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1", None, "Viewer", "read"),
    ("PATCH", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1", {"note": "n"}, "Operator", "use"),
    ("PATCH", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1/dry_run", {}, "Operator", "use"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1/dependencies", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1/tries", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/-1/tries/1", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/tries", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/tries/1", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/logs/1", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/xcomEntries", None, "Viewer", "read"),
    ("GET", f"{DAGS}/d/dagRuns/r/taskInstances/t/xcomEntries/k", None, "Viewer", "read"),
    ("GET", f"{OWN}/dags/d/dagRuns/r", None, "Viewer", "read"),
    ("GET", f"{OWN}/dags/d/dagRuns/r/steps", None, "Viewer", "read"),
    ("POST", f"{OWN}/dags/d/dagRuns/r/cancel", {}, "Operator", "use"),
    ("POST", f"{OWN}/dags/d/dagRuns/r/taskInstances/t/cancel", {}, "Operator", "use"),
]
RANKS = ["", "Viewer", "Operator", "Editor", "Admin"]
every_call = pytest.mark.parametrize(
    ("method", "path", "body", "role", "scope"), CALLS, ids=[f"{c[0]} {c[1]}" for c in CALLS]
)


@pytest.fixture(autouse=True)
def _no_worker_answers(settings: Any) -> None:
    """A test of a connection is asked for, and nobody is there to make it."""
    settings.CONNECTION_TEST_WAIT = 0.05


@every_call
def test_without_a_token_a_call_is_401(
    db: None, method: str, path: str, body: Any, role: str, scope: str
) -> None:
    before = everything()
    answer = Client().generic(method, path, json.dumps(body), "application/json")
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    assert everything() == before


@every_call
def test_a_session_is_no_way_into_the_api(
    db: None, method: str, path: str, body: Any, role: str, scope: str
) -> None:
    client = Client()
    client.force_login(user_of("Admin"))
    before = everything()
    answer = client.generic(method, path, json.dumps(body), "application/json")
    assert answer.status_code == 401
    assert everything() == before


@every_call
def test_every_role_may_do_what_it_may_and_no_more(
    db: None, method: str, path: str, body: Any, role: str, scope: str
) -> None:
    stored("pg")
    for each in RANKS:
        before = everything()
        answer = Caller(each)(method, path, body)
        if RANKS.index(each) < RANKS.index(role):
            assert answer.status_code == 403
            assert answer.json()["detail"].startswith("Forbidden: your role or your token doesn't")
            assert everything() == before
        else:
            assert answer.status_code not in (401, 403), answer.content
            break


@every_call
def test_every_scope_lets_through_its_own_calls(
    db: None, method: str, path: str, body: Any, role: str, scope: str
) -> None:
    stored("pg")
    for each in SCOPES:
        is_let = each == scope or (scope == "read" and each == "write")
        if is_let:
            continue
        caller = Caller("Admin", scopes=(each,))
        before = everything()
        assert caller(method, path, body).status_code == 403
        assert everything() == before
        caller.user.delete()
    assert Caller("Admin", scopes=(scope,))(method, path, body).status_code not in (401, 403)


@pytest.mark.parametrize(
    ("header", "status", "words"),
    [
        ("Bearer nonsense", 403, "Invalid JWT token"),
        ("Bearer pb_nonsense", 403, "Invalid JWT token"),
        ("Basic YTpi", 401, "Not authenticated"),
        ("nonsense", 401, "Not authenticated"),
    ],
)
def test_a_token_that_is_none_is_refused_in_airflows_words(
    db: None, header: str, status: int, words: str
) -> None:
    answer = Client().get(CONNECTIONS, headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (status, {"detail": words})


def test_too_many_bad_tokens_are_429_with_a_time(db: None, settings: Any) -> None:
    settings.SIGN_IN_LIMIT = Rate(1, 60)
    for _ in range(4):
        answer = Client().get(CONNECTIONS, headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert "Try again" in answer.json()["detail"]


def test_a_token_that_is_over_is_no_token(db: None) -> None:
    user = user_of("Admin")
    over = timezone.now() - timedelta(seconds=1)
    row, text = create_token(user, name="t", scopes=("read",), expires_at=None, actor=BY)
    headers = {"Authorization": f"Bearer {text}"}
    assert Client().get(CONNECTIONS, headers=headers).status_code == 200
    ApiToken.objects.filter(pk=row.pk).update(expires_at=over)
    assert Client().get(CONNECTIONS, headers=headers).status_code == 403


# What is sent


@pytest.mark.parametrize(
    ("content", "loc"),
    [
        ('{"connection_id": "x",', ["body", 22]),
        ("{'a': 1}", ["body", 1]),
        ('{"connection_id": "x", "connection_id": "y"}', ["body"]),
        ('{"port": NaN}', ["body"]),
        ('{"port": 1e999}', ["body"]),
        (f'{{"port": {"9" * 5000}}}', ["body"]),
        ("[" * 100_000, ["body"]),
        ("[" * 60 + "]" * 60, ["body"]),
        ('{"host": "a\\u0000b"}', ["body"]),
        ('{"host": "\\ud800"}', ["body"]),
    ],
)
def test_what_is_no_proper_json_is_refused_with_its_place(
    admin: Caller, content: str, loc: list[Any]
) -> None:
    before = everything()
    answer = admin("POST", CONNECTIONS, content)
    assert faults(answer) == [("json_invalid", loc)]
    assert answer.json()["detail"][0]["input"] == {}
    assert everything() == before


def test_bytes_that_are_no_text_are_refused(admin: Caller) -> None:
    assert faults(admin("POST", CONNECTIONS, b'{"a": "\xff"}')) == [("json_invalid", ["body"])]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_other_types_of_content_are_no_object(admin: Caller, content_type: str) -> None:
    before = everything()
    answer = admin.client.generic(
        "POST",
        CONNECTIONS,
        json.dumps(BODY),
        content_type,
        headers={"Authorization": f"Bearer {admin.token}"},
    )
    assert faults(answer) == [("model_attributes_type", ["body"])]
    assert everything() == before


def test_a_body_that_is_too_long_is_413_and_a_file_may_be_longer(admin: Caller) -> None:
    most = configured.DATA_UPLOAD_MAX_MEMORY_SIZE
    before = everything()
    body = {**BODY, "description": "x" * most}
    answer = admin.post(CONNECTIONS, body)
    assert answer.status_code == 413
    assert str(most) in answer.json()["detail"]
    file = json.dumps({"a": {"conn_type": "http", "description": "x" * most}})
    path = f"{OWN}/connections/import?file_format=json&dry_run=true"
    assert admin("POST", path, file).status_code == 200
    assert admin("POST", path, "x" * 10_000_001).status_code == 413
    assert everything() == before


def test_a_body_without_a_length_is_411(admin: Caller) -> None:
    answer = admin("POST", CONNECTIONS, BODY, headers={"Transfer-Encoding": "chunked"})
    assert answer.status_code == 411
    assert answer.json()["detail"].startswith("Send a Content-Length")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", CONNECTIONS, {"GET", "POST", "PATCH"}),
        ("HEAD", CONNECTIONS, {"GET", "POST", "PATCH"}),
        ("OPTIONS", CONNECTIONS, {"GET", "POST", "PATCH"}),
        ("POST", f"{CONNECTIONS}/pg", {"GET", "PATCH", "DELETE"}),
        ("GET", "/auth/token", {"POST"}),
    ],
)
def test_another_method_is_405_with_those_that_are_allowed(
    admin: Caller, method: str, path: str, allowed: set[str]
) -> None:
    answer = admin(method, path)
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == allowed
    assert method == "HEAD" or answer.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/v2/",
        f"{CONNECTIONS}/",
        f"{CONNECTIONS}/pg/",
        "/auth/nope",
        f"{CONNECTIONS}/a/b",
    ],
)
def test_an_address_that_is_none_is_404_in_airflows_words(admin: Caller, path: str) -> None:
    for answer in (admin.get(path), Client().post(path)):
        assert answer.status_code == 404
        assert answer.json() == {"error": "API route not found"}


def test_a_failure_of_the_server_is_json_too(
    admin: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("of all things")

    monkeypatch.setattr("connections.api.reading.ordering", fail)
    admin.client.raise_request_exception = False
    answer = admin.get(CONNECTIONS)
    assert answer.status_code == 500
    assert list(answer.json()) == ["detail"]
    assert "of all things" not in answer.content.decode()


def test_nothing_that_is_answered_may_be_kept_by_others(admin: Caller) -> None:
    for answer in (admin.get(CONNECTIONS), admin.get(f"{CONNECTIONS}/nope")):
        assert answer["Cache-Control"] == "no-store"
        assert not answer.cookies


def test_every_operation_asks_for_a_token_but_those_that_are_open() -> None:
    from patchbay.api.urls import api

    get_resolver().url_patterns  # noqa: B018, the API is whole when the addresses are read
    open_ones = {
        operation.view_func.__name__
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for operation in view.operations
        if not operation.auth_callbacks
    }
    assert open_ones == {
        "create_password_token",
        "create_password_token_cli",
        "get_version",
        "get_health",
    }
