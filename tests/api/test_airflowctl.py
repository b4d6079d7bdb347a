"""Airflow's command line for its REST API against a real web process, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.models import AuditEvent
from connections.models import Connection
from tests import processes
from tests.api.calls import stored
from tests.roles import user_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"
PROGRAM = Path(sys.executable).with_name("airflowctl")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def web(django_db_setup: None) -> Iterator[str]:
    with processes.web(PATCHBAY_CONNECTION_TEST_WAIT="1") as (_, url):
        yield url


@pytest.fixture
def run(web: str, tmp_path: Path) -> Run:
    """Run it as somebody who has signed in; its own switch keeps the token in a file."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW_CLI_DEBUG_MODE": "true",
        "AIRFLOW_CLI_API_RETRIES": "1",
        "COLUMNS": "1000",
    }

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
        said = answer.stdout + answer.stderr
        assert answer.returncode == code, said
        return said

    user_of("Editor", "ann", password=PASSWORD)
    login = ("auth", "login", "--api-url", web, "--username", "ann")
    assert "Login successful" in command(*login, "--password", PASSWORD)
    return command


def rows(said: str) -> list[dict[str, object]]:
    found: list[dict[str, object]]
    found, _ = json.JSONDecoder().raw_decode(said, said.index("[{"))
    return found


def test_a_connection_goes_through_its_whole_life(run: Run) -> None:
    named = ("--connection-id", "pg", "--conn-type", "postgres")
    more = ("--host", "db.example.com", "--port", "5432", "--password", "s3cret")
    made = rows(run("connections", "create", *named, *more, "-o", "json"))
    assert made[0]["password"] == "***"
    assert Connection.objects.get().load().password == "s3cret"
    assert rows(run("connections", "get", "pg", "-o", "json"))[0]["host"] == "db.example.com"
    run("connections", "update", *named, "--host", "new.example.com", "--password", "***")
    loaded = Connection.objects.get().load()
    assert (loaded.host, loaded.password, loaded.port) == ("new.example.com", "s3cret", None)
    run("connections", "delete", "pg")
    assert not Connection.objects.exists()
    assert "was not found" in run("connections", "get", "pg", code=1)
    actors = set(AuditEvent.objects.filter(object_type="connection").values_list("actor_name"))
    assert actors == {("ann",)}


def test_a_list_is_read_over_all_its_pages(run: Run) -> None:
    for number in range(120):
        stored(f"c{number:03}")
    found = rows(run("connections", "list", "-o", "json"))
    assert [row["connection_id"] for row in found] == [f"c{number:03}" for number in range(120)]


def test_a_file_is_imported_with_every_way_for_what_is_there(run: Run, tmp_path: Path) -> None:
    stored("old", host="first.example.com")
    entries = {
        "old": {"conn_type": "postgres", "host": "second.example.com"},
        "new": {"conn_type": "http", "password": "s3cret", "extra": '{"timeout": 5}'},
    }
    (tmp_path / "file.json").write_text(json.dumps(entries))
    words = ("connections", "import", "file.json", "--action-on-existing-key")
    assert "already exist" in run(*words, "fail", code=1)
    assert Connection.objects.count() == 1
    run(*words, "skip")
    assert Connection.objects.get(conn_id="old").host == "first.example.com"
    run(*words, "overwrite")
    assert Connection.objects.get(conn_id="old").host == "second.example.com"
    assert Connection.objects.get(conn_id="new").load().extra == {"timeout": 5}


def test_the_default_connections_are_made(run: Run) -> None:
    # The program itself stumbles over the empty answer, also after Airflow's.
    said = run("connections", "create-defaults", code=1)
    assert "is_dict_nested" in said
    assert Connection.objects.filter(conn_id="aws_default").exists()


def test_a_test_is_answered(run: Run) -> None:
    # The program asks, and then stumbles over an option that it doesn't declare.
    run("connections", "test", "--connection-id", "x", "--conn-type", "http", code=1)


def test_the_version_is_told(run: Run) -> None:
    assert "'version':" in run("version", "--remote")
