"""Limits: runs of a DAG, tasks of a run, sessions of a connection, the time of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tasks import clock
from tasks.acts import cancel_run
from tasks.engine.recovery import lost
from tasks.models import DagRun, TaskInstance
from tasks.operators.base import Context, TaskResult
from tasks.spec import DagSpec
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    save_spec,
    state_of,
    states_of,
    task,
    transient,
)


@pytest.fixture
def database(db: None) -> Connection:
    draft = Draft("db", "sqlite", host=":memory:", max_sessions=2)
    return create_connection(draft, actor=ACTOR)


def sql(task_id: str, *upstream: str, **fields: Any) -> Any:
    return task(task_id, *upstream, operator="ScriptedSqlOperator", conn_id="db", **fields)


class Watch:
    """Lets other tasks begin while one runs, and counts how many run at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = 0
        self.most = 0

    def __call__(self, context: Context) -> TaskResult:
        self.now += 1
        self.most = max(self.most, self.now)
        while self.engine.messages:
            self.engine.take()
        self.now -= 1
        return TaskResult("Done")


def test_no_more_tasks_of_a_run_are_active_than_the_dag_allows(engine: Engine, start: Any) -> None:
    watch = Watch(engine)
    SCRIPTS.update({f"t{n}": [watch] for n in range(9)})
    run = start(*(task(f"t{n}") for n in range(9)), max_active_tasks=3)
    assert len(engine.messages) == 3
    waiting = TaskInstance.objects.filter(run=run, waits_on="tasks")
    assert waiting.count() == 6
    engine.work()
    assert watch.most == 3
    assert state_of(run) == "success"
    assert len(ScriptedOperator.calls) == 9


def test_a_task_that_waits_for_its_next_try_leaves_its_place(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=3), task("b"), max_active_tasks=1)
    engine.work()
    assert states_of(run) == {"a": "up_for_retry", "b": "success"}


def test_no_more_runs_of_a_dag_are_active_than_it_allows(engine: Engine, start: Any) -> None:
    first = start(task("a"), max_active_runs=1)
    second, third = start(), start()
    assert len(engine.messages) == 1
    assert DagRun.objects.filter(admitted_at__isnull=True).count() == 2
    engine.take()
    assert state_of(first) == "success"
    assert len(engine.messages) == 1
    with engine.committing():
        cancel_run(third, actor=ACTOR)
    engine.work()
    assert (state_of(second), state_of(third)) == ("success", "cancelled")
    assert len(ScriptedOperator.calls) == 2


def test_hundreds_of_waiting_runs_that_are_over_at_once_end_one_after_another(
    engine: Engine, start: Any
) -> None:
    first = start(task("a"), max_active_runs=1)
    save_spec(DagSpec("dag", (task("e", operator="EmptyOperator"),), max_active_runs=1))
    waiting = [start() for _ in range(300)]
    save_spec(DagSpec("dag", (task("b"),), max_active_runs=1))
    last = [start(), start()]
    engine.take()
    assert state_of(first) == "success"
    assert {state_of(run) for run in waiting} == {"success"}
    assert [instance(run, "b").state for run in last] == ["queued", "pending"]
    engine.work()
    assert [state_of(run) for run in last] == ["success", "success"]


def test_no_more_sessions_of_a_connection_are_open_than_it_allows(
    engine: Engine, start: Any, database: Connection
) -> None:
    watch = Watch(engine)
    SCRIPTS.update({f"t{n}": [watch] for n in range(6)})
    first = start(*(sql(f"t{n}") for n in range(3)), dag_id="one")
    second = start(*(sql(f"t{n}") for n in range(3, 6)), dag_id="two")
    engine.work()
    assert watch.most == 2
    assert (state_of(first), state_of(second)) == ("success", "success")
    assert len(ScriptedOperator.calls) == 6


def test_a_task_tells_that_it_waits_for_a_session(
    engine: Engine, start: Any, database: Connection
) -> None:
    Connection.objects.update(max_sessions=1)
    seen: list[tuple[str, str]] = []

    def look(context: Context) -> TaskResult:
        engine.take()
        row = TaskInstance.objects.get(task_id="b")
        seen.append((row.state, row.waits_on))
        return TaskResult("Done")

    SCRIPTS["a"] = [look]
    run = start(sql("a"), sql("b"))
    engine.work()
    assert seen == [("queued", "connection")]
    assert states_of(run) == {"a": "success", "b": "success"}
    assert instance(run, "b").waits_on == ""


def test_a_limit_that_is_lifted_lets_those_go_on_that_wait(
    engine: Engine, start: Any, database: Connection
) -> None:
    start(sql("a"))
    row = TaskInstance.objects.get()
    TaskInstance.objects.update(waits_on="connection")
    engine.messages.clear()
    Connection.objects.update(max_sessions=None)
    assert [each.task_instance_id for each in lost()] == [row.pk]


def test_a_run_that_takes_too_long_is_ended(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=5), task("b", "a"), dagrun_timeout=60.0)
    engine.work()
    clock.end_late_runs(timezone.now() + timedelta(seconds=59))
    assert state_of(run) == "running"
    clock.end_late_runs(timezone.now() + timedelta(seconds=61))
    assert state_of(run) == "failed"
    assert states_of(run) == {"a": "cancelled", "b": "cancelled"}
    assert run.steps.get(number=6).result == (
        "DAG run failed: it took longer than dagrun_timeout (60 s)"
    )


def test_a_further_try_looks_for_a_place_like_all_others(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=3), task("b"), task("c"), max_active_tasks=1)
    engine.take()
    engine.pass_time(10_000)
    assert len(engine.messages) == 1
    assert instance(run, "a").waits_on == "tasks"
    engine.work()
    assert states_of(run) == {"a": "up_for_retry", "b": "success", "c": "success"}
