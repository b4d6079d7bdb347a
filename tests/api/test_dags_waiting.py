"""A call that waits for a run, against a real web process and worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from airflow_client import client as airflow
from django.contrib.auth import get_user_model

from access.tokens import password_token
from tasks.acts import cancel_run, delete_run
from tasks.models import DagRun
from tasks.services import trigger_dag_run
from tasks.spec import TaskSpec
from tests import processes
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, run_path, world
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.conftest import save_dag

__all__ = ["world"]


@pytest.mark.parametrize(
    ("query", "status", "place"),
    [
        ({}, 422, ["query", "interval"]),
        ({"interval": 0}, 422, ["query", "interval"]),
        ({"interval": -1}, 422, ["query", "interval"]),
        ({"interval": "x"}, 422, ["query", "interval"]),
        ({"interval": "nan"}, 422, ["query", "interval"]),
    ],
)
def test_an_interval_that_can_not_be_is_refused(
    admin: Caller, world: World, query: dict[str, Any], status: int, place: list[str]
) -> None:
    run = world.run()
    answer = admin.get(run_path(run, "wait"), **query)
    assert answer.status_code == status
    assert [found for _, found in faults(answer)] == [place]


def test_a_run_that_is_over_is_told_at_once_with_results(admin: Caller, world: World) -> None:
    run = world.failed_run()
    path = run_path(run, "wait")
    answer = admin.get(path, interval=60, result=["a", "b", "nope", "\0"])
    assert "Content-Type" not in answer
    assert [json.loads(line) for line in answer.content.decode().splitlines()] == [
        {"state": "failed", "results": {"a": "a was here"}}
    ]
    assert json.loads(admin.get(path, interval=60).content) == {"state": "failed"}
    assert json.loads(admin.get(path, interval=60, result="b").content) == {"state": "failed"}
    assert admin.get(f"{DAGS}/etl/dagRuns/nope/wait", interval=1).status_code == 404


# Against real processes


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[processes.Process]:
    with processes.worker() as process:
        yield process


@pytest.fixture
def token(transactional_db: None) -> str:
    return password_token(user_of("Viewer", "ann"))


@pytest.fixture
def run(transactional_db: None) -> DagRun:
    """Of a task that no worker takes."""
    dag = save_dag(TaskSpec("a", "PythonOperator", queue="nobody"), dag_id="etl")
    return trigger_dag_run(dag.dag_id, actor=ACTOR)


@contextmanager
def lines_of(web: str, run: DagRun, token: str, *, interval: float) -> Iterator[Iterator[str]]:
    """The states, line by line. A line that doesn't come in half a minute fails the test."""
    path = f"{web}{run_path(run, 'wait')}"
    headers = {"Authorization": f"Bearer {token}"}
    query = {"interval": interval}
    with httpx.stream("GET", path, params=query, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        yield (json.loads(line)["state"] for line in answer.iter_lines())


@pytest.mark.e2e
def test_the_official_client_waits_until_the_run_is_over(
    web: str, worker: processes.Process, token: str
) -> None:
    dag = save_dag(TaskSpec("a", "EmptyOperator"), dag_id="etl")
    made = trigger_dag_run(dag.dag_id, actor=ACTOR)
    configuration = airflow.Configuration(host=web, access_token=token)
    with airflow.ApiClient(configuration) as client:
        runs = airflow.DagRunApi(client)
        found: Any = runs.wait_dag_run_until_finished("etl", made.run_id, interval=0.5)
    assert found == {"state": "success"}


@pytest.mark.e2e
def test_a_line_comes_at_each_interval_until_the_end(web: str, run: DagRun, token: str) -> None:
    with lines_of(web, run, token, interval=0.3) as lines:
        assert [next(lines) for _ in range(3)] == ["queued"] * 3
        cancel_run(run, actor=ACTOR)
        assert list(lines)[-1] == "failed"


@pytest.mark.e2e
def test_the_end_is_told_before_the_interval_is_over(web: str, run: DagRun, token: str) -> None:
    with lines_of(web, run, token, interval=3_000) as lines:
        assert next(lines) == "queued"
        cancel_run(run, actor=ACTOR)
        assert list(lines) == ["failed"]


@pytest.mark.e2e
def test_a_run_that_is_deleted_ends_the_wait(web: str, run: DagRun, token: str) -> None:
    with lines_of(web, run, token, interval=0.3) as lines:
        assert next(lines) == "queued"
        delete_run(run, actor=ACTOR)
        assert set(lines) <= {"queued"}


@pytest.mark.e2e
def test_who_loses_access_hears_no_more(web: str, run: DagRun, token: str) -> None:
    with lines_of(web, run, token, interval=0.3) as lines:
        assert next(lines) == "queued"
        get_user_model().objects.update(is_active=False)
        assert set(lines) <= {"queued"}
    run.refresh_from_db()
    assert run.state == "queued"
