"""A new user's walk through Airflow's own clients, unchanged: the Python client and airflowctl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_client import client as airflow
from airflow_client.client.exceptions import ApiException, NotFoundException
from django.contrib.auth import get_user_model

from access.tokens import password_token
from connections.models import Connection
from tests import planted, processes
from tests.api.calls import everything
from tests.connections.types.every_type import private_key
from tests.roles import user_of
from tests.tasks.conftest import query_task, save_dag

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"
OWN = "/api/patchbay/v1"
ALL = 145
USED = "example_google_cloud_platform"
THREE = ("example_aws", "example_postgres", "example_ssh")
PROGRAM = Path(sys.executable).with_name("airflowctl")
OLD, NEW = '"warehouse": "snowflake.warehouse"', '"warehouse": "NIGHTLY_WH"'
BROKEN_KEY = private_key().replace("\n", "\n!", 3)


@pytest.fixture(scope="module")
def process(django_db_setup: None) -> Iterator[tuple[processes.Process, str]]:
    with processes.web(PATCHBAY_LOG_LEVEL="DEBUG") as found:
        yield found


@pytest.fixture
def web(process: tuple[processes.Process, str]) -> Iterator[str]:
    """The address. At the end the log of all that was asked holds no secret."""
    yield process[1]
    assert planted.leaks(process[0].text, PASSWORD) == []


class RecordingClient(airflow.ApiClient):
    """The official client, and all that it was answered."""

    answers: list[str]

    def call_api(self, *args: Any, **more: Any) -> Any:
        answer: Any = super().call_api(*args, **more)
        answer.read()
        self.answers.append(f"{answer.status} {answer.getheaders()} {answer.data!r}")
        return answer


@pytest.fixture
def client(web: str) -> Iterator[RecordingClient]:
    """Signed in by name and password. No answer may hold a secret."""
    user_of("Admin", "ann", password=PASSWORD)
    configuration = airflow.Configuration(host=web)
    with RecordingClient(configuration) as found:
        found.answers = []
        answer = found.call_api(
            "POST",
            f"{web}/auth/token",
            header_params={"Content-Type": "application/json"},
            body={"username": "ann", "password": PASSWORD},
        )
        configuration.access_token = json.loads(answer.data)["access_token"]
        yield found
    assert planted.leaks("".join(found.answers), PASSWORD) == []


@pytest.fixture
def api(client: RecordingClient) -> airflow.ConnectionApi:
    return airflow.ConnectionApi(client)


def exported(web: str) -> str:
    """The file with all secrets, to compare: no client is answered one."""
    user = get_user_model().objects.get(username="ann")
    request = urllib.request.Request(
        f"{web}{OWN}/connections/export",
        json.dumps({"redact": False}).encode(),
        {"Authorization": f"Bearer {password_token(user)}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def body(conn_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    """What a client sends for an entry of the file: extra as a text."""
    return {"connection_id": conn_id, **entry, "extra": json.dumps(entry.get("extra", {}))}


def create(api: airflow.ConnectionApi, entries: dict[str, Any]) -> Any:
    """All of these in one call."""
    bodies = [body(conn_id, entry) for conn_id, entry in entries.items()]
    action = {"action": "create", "entities": bodies}
    request = airflow.BulkBodyConnectionBody.from_dict({"actions": [action]})
    assert request is not None
    return api.bulk_connections(request).create


def test_the_official_client_moves_all_and_changes_only_what_it_names(
    api: airflow.ConnectionApi, client: RecordingClient, web: str
) -> None:
    save_dag(query_task(gcp_conn_id=USED))
    assert len(create(api, planted.entries()).success) == ALL
    before = exported(web)
    assert json.loads(before) == planted.entries()

    [found] = api.get_connections(connection_id_pattern="E_SNOW").connections
    extra = {**json.loads(found.extra or ""), "warehouse": "NIGHTLY_WH"}
    wanted = airflow.ConnectionBody(
        connection_id=found.connection_id,
        conn_type="snowflake",
        extra=json.dumps(extra),
        description="isn't named by the mask",
    )
    api.patch_connection(found.connection_id, wanted, ["extra"])
    assert before.count(OLD) == 1
    assert exported(web) == before.replace(OLD, NEW)

    copies = {f"{conn_id}_copy": planted.entries()[conn_id] for conn_id in THREE}
    assert create(api, copies).success == list(copies)
    both = {**json.loads(before.replace(OLD, NEW)), **copies}
    assert json.loads(exported(web)) == both

    used = client.call_api("GET", f"{web}{OWN}/connections/{USED}/used-by", headers_of(client))
    assert "example_dag" in used.data.decode()
    api.delete_connection(USED)
    with pytest.raises(NotFoundException):
        api.get_connection(USED)
    del both[USED]
    assert json.loads(exported(web)) == both


def headers_of(client: RecordingClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.configuration.access_token}"}


def one(conn_id: str = "a", conn_type: str = "postgres", **fields: Any) -> airflow.ConnectionBody:
    return airflow.ConnectionBody(connection_id=conn_id, conn_type=conn_type, **fields)


#: What is sent, its status, and words of the answer.
REFUSED: list[tuple[Callable[[airflow.ConnectionApi], Any], int, str]] = [
    (lambda api: api.post_connection(one("example_http", "http")), 409, "Unique constraint"),
    (lambda api: api.post_connection(one("..")), 422, "An ID needs more than dots."),
    (lambda api: api.post_connection(one(port=70_000)), 422, "65535"),
    (lambda api: api.post_connection(one(password="***")), 422, "none is"),
    (lambda api: api.post_connection(one(extra='{"my_token": tulip}')), 422, "extra"),
    (lambda api: api.post_connection(one(extra='["tulip"]')), 422, "extra"),
    (
        lambda api: api.post_connection(
            one(conn_type="ssh", host="h", extra=json.dumps({"private_key": BROKEN_KEY}))
        ),
        422,
        "damaged",
    ),
    (
        lambda api: api.post_connection(
            one(conn_type="google_cloud_platform", extra='{"is_anonymous": true, "key_path": "/k"}')
        ),
        422,
        "Keep one of them",
    ),
    (lambda api: api.patch_connection("example_http", one("b", "http")), 400, "does not match"),
    (lambda api: api.patch_connection("nowhere", one("nowhere")), 404, "was not found"),
    (lambda api: api.delete_connection("nowhere"), 404, "was not found"),
    (lambda api: api.get_connections(order_by=["password"]), 400, "disallowed"),
]


def test_bad_input_through_the_official_client_is_told_and_nothing_is_written(
    api: airflow.ConnectionApi,
) -> None:
    create(api, planted.entries("http", "postgres"))
    before = everything()
    for call, status, words in REFUSED:
        with pytest.raises(ApiException) as refused:
            call(api)
        assert refused.value.status == status, refused.value.body
        assert words in str(refused.value.body)
        assert planted.leaks(str(refused.value)) == []
    broken = {**planted.entries("aws"), "b": {"conn_type": "postgres", "port": 70_000}}
    for entries, status in ((broken, 422), (planted.entries("aws", "http"), 409)):
        answer = create(api, entries)
        assert answer.success == []
        assert [error["status_code"] for error in answer.errors] == [status]
    assert everything() == before


Run = Callable[..., str]


@pytest.fixture
def run(web: str, tmp_path: Path) -> Iterator[Run]:
    """Run airflowctl as somebody who has signed in. Nothing that it prints may be a secret."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **{"HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), "COLUMNS": "1000"},
        # Its own switch keeps the token in a file.
        "AIRFLOW_CLI_DEBUG_MODE": "true",
    }
    printed: list[str] = []

    def command(*words: str, code: int = 0) -> str:
        answer = subprocess.run(
            [PROGRAM, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        printed.append(answer.stdout + answer.stderr)
        assert answer.returncode == code, printed[-1]
        return printed[-1]

    user_of("Admin", "ann", password=PASSWORD)
    command("auth", "login", "--api-url", web, "--username", "ann", "--password", PASSWORD)
    yield command
    assert planted.leaks("".join(printed), PASSWORD) == []


def write(path: Path, entries: dict[str, dict[str, Any]]) -> None:
    """As airflowctl reads it: extra as a text, and so Airflow exports it."""
    texts = {
        conn_id: {**entry, "extra": json.dumps(entry.get("extra", {}))}
        for conn_id, entry in entries.items()
    }
    path.write_text(json.dumps(texts))


def test_airflowctl_imports_all_changes_one_copies_three_and_deletes(
    run: Run, web: str, tmp_path: Path
) -> None:
    write(tmp_path / "all.json", planted.entries())
    assert "Successfully imported" in run("connections", "import", "all.json")
    before = exported(web)
    assert json.loads(before) == planted.entries()

    said = run("connections", "get", "example_ssh", "-o", "json")
    [shown], _ = json.JSONDecoder().raw_decode(said, said.index("[{"))
    # It sends null for what isn't named, so all of it is: *** keeps a secret.
    names = ("connection_id", "conn_type", "description", "login", "port", "password", "extra")
    kept = {name: shown[name] for name in names if shown[name] is not None}
    words = [word for name in kept for word in (f"--{name.replace('_', '-')}", str(kept[name]))]
    run("connections", "update", *words, "--host", "new.example.com")
    old = f'"host": "{planted.entries()["example_ssh"]["host"]}"'
    changed = json.loads(before)
    changed["example_ssh"]["host"] = "new.example.com"
    assert json.loads(exported(web)) == changed
    assert old in before

    copies = {f"{conn_id}_copy": planted.entries()[conn_id] for conn_id in THREE}
    write(tmp_path / "copies.json", copies)
    run("connections", "import", "copies.json")
    run("connections", "delete", USED)
    del changed[USED]
    assert json.loads(exported(web)) == {**changed, **copies}


def test_bad_input_through_airflowctl_is_told_and_nothing_is_written(
    run: Run, tmp_path: Path
) -> None:
    write(tmp_path / "good.json", planted.entries("http"))
    run("connections", "import", "good.json")
    before = everything()
    again = ("good.json", "--action-on-existing-key", "fail")
    assert "already exist" in run("connections", "import", *again, code=1)
    wrong = {**planted.entries("aws"), "b": {"conn_type": "postgres", "port": 70_000}}
    write(tmp_path / "wrong.json", wrong)
    assert "A port is a number" in run("connections", "import", "wrong.json", code=1)
    named = ("--connection-id", "a", "--conn-type", "postgres")
    said = run("connections", "create", *named, "--password", "***", code=1)
    assert "none is" in said
    said = run("connections", "create", "--connection-id", "a b", "--conn-type", "http", code=1)
    assert "connection_id" in said
    assert "was not found" in run("connections", "delete", "nowhere", code=1)
    assert everything() == before
    assert Connection.objects.count() == 1


def test_the_search_finds_a_secret_of_every_connection_that_has_one() -> None:
    """What can't fail proves nothing."""
    for conn_id, entry in planted.entries().items():
        assert planted.leaks(json.dumps(entry)), conn_id
    names = [(draft.conn_id, draft.conn_type, draft.host) for draft in planted.drafts().values()]
    assert planted.leaks(json.dumps(names)) == []
