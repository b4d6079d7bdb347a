"""DAGs and runs for tests of the API, driven in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.models import Dag, DagRun
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.engine.driving import SCRIPTS, Engine, save_spec, scripted_operators, task, wrong

DAGS = "/api/v2/dags"
OWN_DAGS = "/api/patchbay/v1/dags"


class World:
    """``etl`` has a, then b, then c; b fails when the test says so."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def dag(self, *tasks: TaskSpec, dag_id: str = "etl", **fields: Any) -> Dag:
        tasks = tasks or (task("a"), task("b", "a"), task("c", "b"))
        return save_spec(DagSpec(dag_id, tasks, **fields))

    def run(self, dag_id: str = "etl", *, work: bool = True, **fields: Any) -> DagRun:
        """A run of the DAG, by default until nothing more is to be done."""
        if not Dag.objects.filter(dag_id=dag_id).exists():
            self.dag(dag_id=dag_id)
        with self.engine.committing():
            run = trigger_dag_run(dag_id, actor=ACTOR, **fields)
        if work:
            self.engine.work()
        run.refresh_from_db()
        return run

    def failed_run(self, dag_id: str = "etl", **fields: Any) -> DagRun:
        SCRIPTS["b"] = [wrong]
        run = self.run(dag_id, **fields)
        SCRIPTS.clear()
        return run

    def calls(self, call: Callable[[], Any], *, status: int = 200) -> Any:
        """Make a call that may let tasks run, and then run them; what it answered."""
        with self.engine.committing():
            answer = call()
        assert answer.status_code == status, answer.content
        self.engine.work()
        return answer.json()


@pytest.fixture
def world(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Iterator[World]:
    engine = Engine(django_capture_on_commit_callbacks)
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)
    for place in ("tasks.services.send", "tasks.acts.send", "tasks.clock.send"):
        monkeypatch.setattr(place, engine.send)
    with scripted_operators(monkeypatch):
        yield World(engine)


def run_path(run: DagRun, *more: str) -> str:
    """The address of a run, as a client writes it."""
    run_id = run.run_id.replace(":", "%3A").replace("+", "%2B")
    return "/".join([f"{DAGS}/{run.dag.dag_id}/dagRuns/{run_id}", *more])
