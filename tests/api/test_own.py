"""Patchbay's own calls: tokens, types, what uses a connection; and what anybody may ask."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import ApiToken
from access.tokens import caller_for
from access.users import set_password
from connections.types import TYPES
from patchbay.environment import Rate
from tasks.models import Dag, DagVersion
from tests.api.calls import CONNECTIONS, OWN, Caller, everything, faults, stored
from tests.conftest import ACTOR
from tests.roles import user_of

PASSWORD = "a long password"


def sign_in(path: str = "/auth/token", **body: Any) -> Any:
    return Client().post(path, body, content_type="application/json")


@pytest.fixture
def ann(db: None) -> Any:
    return user_of("Editor", "ann", password=PASSWORD)


# Signing in


def test_a_password_for_one_time_gives_no_token(ann: Any) -> None:
    set_password(ann, PASSWORD, actor=ACTOR, is_one_time=True)
    answer = sign_in(username="ann", password=PASSWORD)
    assert (answer.status_code, "access_token" in answer.json()) == (403, False)
    assert "choose your own" in answer.json()["detail"]


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("path", ["/auth/token", "/auth/token/cli"])
def test_a_password_gives_a_token_that_works(path: str) -> None:
    answer = sign_in(path, username="ann", password=PASSWORD)
    assert answer.status_code == 201
    assert list(answer.json()) == ["access_token"]
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert Client().get(f"{OWN}/me", headers=headers).json()["username"] == "ann"


@pytest.mark.usefixtures("ann")
def test_a_form_is_taken_as_airflow_takes_it() -> None:
    answer = Client().post(
        "/auth/token",
        f"username=ann&password={PASSWORD.replace(' ', '+')}",
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 201
    answer = Client().post("/auth/token", "x", content_type="text/plain")
    assert answer.status_code == 415


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("name", ["ann", "nobody", ""])
def test_a_wrong_password_is_401_whoever_it_is(name: str) -> None:
    answer = sign_in(username=name, password="wrong")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid credentials"})


def test_too_many_wrong_passwords_are_429(ann: Any, settings: Any) -> None:
    settings.SIGN_IN_LIMIT = Rate(2, 60)
    for _ in range(2):
        assert sign_in(username="ann", password="wrong").status_code == 401
    answer = sign_in(username="ann", password=PASSWORD)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_what_is_no_name_and_password_is_refused_without_repeating_it(db: None) -> None:
    answer = sign_in(username="ann", passwort="s3cret")
    assert [kind for kind, _ in faults(answer)] == ["missing", "extra_forbidden"]
    assert "s3cret" not in answer.content.decode()


# Tokens


def test_a_token_is_shown_once_and_then_listed_without_its_text(admin: Caller) -> None:
    answer = admin.post(f"{OWN}/tokens", {"name": "nightly", "scopes": ["use", "read"]})
    assert answer.status_code == 201
    text = answer.json()["token"]
    caller = caller_for(text)
    assert caller is not None
    assert set(caller.scopes or ()) == {"read", "use"}
    listed = admin.get(f"{OWN}/tokens")
    assert listed.json()["total_entries"] == 1
    assert listed.json()["tokens"][0]["name"] == "nightly"
    assert text not in listed.content.decode()


def test_who_deletes_a_token_ends_it(admin: Caller) -> None:
    made = admin.post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"]}).json()
    assert admin.delete(f"{OWN}/tokens/{made['id']}").status_code == 204
    assert caller_for(made["token"]) is None
    assert admin.delete(f"{OWN}/tokens/{made['id']}").status_code == 404


def test_the_tokens_of_others_are_not_there(admin: Caller) -> None:
    viewer = Caller("Viewer")
    made = viewer.post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"]}).json()
    assert admin.get(f"{OWN}/tokens").json() == {"tokens": [], "total_entries": 0}
    assert admin.delete(f"{OWN}/tokens/{made['id']}").status_code == 404
    assert admin.delete(f"{OWN}/tokens/{10**30}").status_code == 404
    assert caller_for(made["token"])


def test_who_has_no_role_makes_no_token(db: None) -> None:
    answer = Caller("").post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"]})
    assert answer.status_code == 403
    assert not ApiToken.objects.exists()


def test_an_api_token_makes_and_ends_no_tokens(db: None) -> None:
    caller = Caller("Admin", scopes=("read", "write", "use"))
    own = ApiToken.objects.get()
    answer = caller.post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"]})
    assert answer.status_code == 403
    assert caller.delete(f"{OWN}/tokens/{own.pk}").status_code == 403
    assert list(ApiToken.objects.all()) == [own]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["all"]}, "scopes"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
    ],
)
def test_a_token_that_can_not_be_is_refused(
    admin: Caller, change: dict[str, Any], place: str
) -> None:
    answer = admin.post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"], **change})
    assert [loc for _, loc in faults(answer)] == [["body", place]]
    assert not ApiToken.objects.exists()


def test_a_token_may_expire(admin: Caller) -> None:
    at = (timezone.now() + timedelta(days=1)).isoformat()
    answer = admin.post(f"{OWN}/tokens", {"name": "t", "scopes": ["read"], "expires_at": at})
    assert answer.status_code == 201
    assert ApiToken.objects.get().expires_at is not None


def test_me_says_what_of_a_role_a_token_may_use(db: None) -> None:
    assert Caller("").get(f"{OWN}/me").json()["rights"] == []
    found = Caller("Editor", scopes=("read",)).get(f"{OWN}/me").json()
    assert found == {
        "username": "a-editor",
        "role": "Editor",
        "scopes": ["read"],
        "rights": ["connections.view_connection"],
    }


# Types


def test_every_type_is_listed_by_pages(admin: Caller) -> None:
    first = admin.get(f"{OWN}/connection-types", limit=2).json()
    assert first["total_entries"] == len(TYPES)
    assert [each["conn_type"] for each in first["connection_types"]] == sorted(TYPES)[:2]


def test_a_type_tells_its_body_as_json_schema(admin: Caller) -> None:
    found = admin.get(f"{OWN}/connection-types/google_cloud_platform").json()
    schema = found["json_schema"]
    assert schema["properties"]["conn_type"] == {"const": "google_cloud_platform"}
    extra = schema["properties"]["extra"]
    assert extra["contentMediaType"] == "application/json"
    fields = extra["contentSchema"]["properties"]
    assert fields["client_secret"]["writeOnly"] is True
    assert "writeOnly" not in fields["project"]
    assert {"name": "key", "needs": ["keyfile_dict"]}.items() <= found["methods"][0].items()


def test_every_declared_field_of_every_type_is_in_its_schema(admin: Caller) -> None:
    for name, declared in TYPES.items():
        answer = admin.get(f"{OWN}/connection-types/{name}")
        assert answer.status_code == 200
        properties = answer.json()["json_schema"]["properties"]
        extras = properties["extra"]["contentSchema"]["properties"]
        for field in declared.fields:
            described = properties[field.column] if field.column else extras[field.name]
            assert described.get("writeOnly", False) == field.secret, (name, field.name)
            assert json.dumps(described)


def test_a_type_that_nobody_declares_is_404(admin: Caller) -> None:
    assert admin.get(f"{OWN}/connection-types/nope").status_code == 404


# What uses a connection


def test_what_uses_a_connection_is_told_by_pages(admin: Caller) -> None:
    for name in ("daily", "hourly", "weekly"):
        dag = Dag.objects.create(dag_id=name)
        spec: dict[str, Any] = {"digest": name, "conn_ids": ["pg"], "spec": {}, "number": 1}
        dag.current_version = DagVersion.objects.create(dag=dag, **spec)
        dag.save()
    stored("pg")
    stored("idle")
    found = admin.get(f"{OWN}/connections/pg/used-by", limit=1).json()
    assert found["total_entries"] == 3
    assert [each["kind"] for each in found["dependents"]] == ["DAG"]
    rest = admin.get(f"{OWN}/connections/pg/used-by", offset=1).json()["dependents"]
    named = [each["name"] for each in found["dependents"] + rest]
    assert sorted(named) == ["daily", "hourly", "weekly"]
    assert admin.get(f"{OWN}/connections/idle/used-by").json()["total_entries"] == 0
    assert admin.get(f"{OWN}/connections/nope/used-by").status_code == 404


# What anybody may ask


def test_the_version_and_the_health_need_no_token(db: None) -> None:
    assert set(Client().get("/api/v2/version").json()) == {"version", "git_version"}
    health = Client().get("/api/v2/monitor/health").json()
    assert health["metadatabase"] == {"status": "healthy"}
    assert health["scheduler"]["status"] in ("healthy", "unhealthy")
    assert set(health) == {"metadatabase", "scheduler", "triggerer", "dag_processor"}


def test_the_description_is_whole_and_for_who_is_signed_in(admin: Caller) -> None:
    assert Client().get("/api/docs").status_code == 302
    assert Client().get("/api/openapi.json").status_code == 302
    client = Client()
    client.force_login(user_of("", "somebody"))
    before = everything()
    page = client.get("/api/docs").content.decode()
    schema = client.get("/api/openapi.json").json()
    assert everything() == before
    for path, operations in schema["paths"].items():
        assert path in page.replace("<wbr>", "")
        for method, operation in operations.items():
            name = f"{method} {path}"
            assert operation["summary"], name
            assert len(operation["description"]) > 20, name
            for parameter in operation["parameters"]:
                is_id = parameter["in"] == "path"
                assert is_id or parameter["description"], (name, parameter["name"])
            if "security" in operation:
                assert {"401", "403", "422"} <= set(map(str, operation["responses"])), name
    assert f"{CONNECTIONS}/{{connection_id}}" in schema["paths"]
