"""DAGs and runs by Airflow's command line for its REST API, unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.models import Dag, DagRun
from tasks.spec import TaskSpec
from tests.roles import user_of
from tests.tasks.conftest import save_dag

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"
PROGRAM = Path(sys.executable).with_name("airflowctl")


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture
def run(web: str, tmp_path: Path) -> Callable[..., str]:
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

    user_of("Operator", "ann", password=PASSWORD)
    command("auth", "login", "--api-url", web, "--username", "ann", "--password", PASSWORD)
    return command


def rows(said: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]]
    found, _ = json.JSONDecoder().raw_decode(said, said.index("[{"))
    return found


def test_a_dag_is_listed_paused_and_triggered_and_its_run_is_read(run: Callable[..., str]) -> None:
    save_dag(TaskSpec("a", "EmptyOperator"), dag_id="etl")
    assert [row["dag_id"] for row in rows(run("dags", "list", "-o", "json"))] == ["etl"]
    assert rows(run("dags", "get-details", "etl", "-o", "json"))[0]["catchup"] == "False"
    assert "pause successful" in run("dags", "pause", "etl")
    assert Dag.objects.get().is_paused
    run("dags", "unpause", "etl")
    assert not Dag.objects.get().is_paused
    made = rows(run("dags", "trigger", "etl", "--dag-run-id", "r1", "-o", "json"))
    assert (made[0]["dag_run_id"], DagRun.objects.get().run_id) == ("r1", "r1")
    words = ("--dag-id", "etl", "--state", "success", "--limit", "5")
    assert '"dag_run_id": "r1"' in run("dagrun", "list", *words, "-o", "json")
    assert rows(run("dagrun", "get", "etl", "r1", "-o", "json"))[0]["state"] == "success"
    assert "was not found" in run("dags", "get", "nope", code=1)
