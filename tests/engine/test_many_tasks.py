"""Runs of many tasks: what is ready next, and when the run ends."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.engine import runner
from tasks.models import DagRun, TaskInstance
from tasks.operators.base import Context, TaskResult
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    layers,
    rows_of,
    state_of,
    states_of,
    task,
    wrong,
)


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param([task(f"t{n}") for n in range(100)], id="100 at once"),
        pytest.param(layers(1, 100), id="a chain of 100"),
        pytest.param(layers(8, 8), id="8 layers of 8"),
    ],
)
def test_every_task_of_a_run_runs_once_and_the_run_ends(
    engine: Engine, start: Any, tasks: list[Any]
) -> None:
    run = start(*tasks)
    engine.work()
    assert state_of(run) == "success"
    assert set(states_of(run).values()) == {"success"}
    assert sorted(name for name, _ in ScriptedOperator.calls) == sorted(t.task_id for t in tasks)
    assert not run.steps.exclude(state__in=("success", "skipped")).exists()


def test_a_task_begins_only_after_all_before_it_have_ended(engine: Engine, start: Any) -> None:
    start(task("a"), task("b"), task("c", "a", "b"))
    engine.take()
    assert [name for name, _ in ScriptedOperator.calls] == ["a"]
    assert len(engine.messages) == 1
    engine.work()
    assert [name for name, _ in ScriptedOperator.calls] == ["a", "b", "c"]


def test_a_failure_ends_what_follows_however_far(engine: Engine, start: Any) -> None:
    SCRIPTS["t0"] = [wrong]
    chain = [task("t0"), *(task(f"t{n}", f"t{n - 1}") for n in range(1, 60))]
    run = start(*chain, task("alone"))
    engine.work()
    states = states_of(run)
    assert states.pop("t0") == "failed"
    assert states.pop("alone") == "success"
    assert set(states.values()) == {"upstream_failed"}
    assert state_of(run) == "failed"
    last = run.steps.get(number=6)
    assert (last.state, last.result) == ("failed", "DAG run failed: t0 failed at step 4")
    assert rows_of(run, "t59") == {1: ["skipped"] * 4}


def test_as_in_airflow_the_last_tasks_decide_how_a_run_ends(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [wrong]
    run = start(task("a"), task("b", "a", trigger_rule="all_done"))
    engine.work()
    assert states_of(run) == {"a": "failed", "b": "success"}
    assert state_of(run) == "success"


def test_a_branch_runs_what_it_chose_and_skips_the_rest(engine: Engine, start: Any) -> None:
    def choose(context: Context) -> TaskResult:
        assert context.downstream == ("left", "right", "join")
        return TaskResult("Chose left", follow=("left",))

    SCRIPTS["choice"] = [choose]
    run = start(
        task("choice"),
        task("left", "choice"),
        task("right", "choice"),
        task("after_right", "right"),
        task("join", "choice", "left", "after_right", trigger_rule="none_failed_min_one_success"),
    )
    engine.work()
    assert states_of(run) == {
        "choice": "success",
        "left": "success",
        "right": "skipped",
        "after_right": "skipped",
        "join": "success",
    }
    assert state_of(run) == "success"
    assert run.steps.filter(task_instance__task_id="right").first().result == (
        "choice chose otherwise"
    )


@pytest.mark.parametrize(("skip", "last"), [("all", "skipped"), ("direct", "success")])
def test_a_short_circuit_skips_all_or_only_what_directly_follows(
    engine: Engine, start: Any, skip: str, last: str
) -> None:
    SCRIPTS["gate"] = [lambda _: TaskResult("Closed", skip=skip)]
    run = start(task("gate"), task("next", "gate"), task("last", "next", trigger_rule="all_done"))
    engine.work()
    assert states_of(run) == {"gate": "success", "next": "skipped", "last": last}


def test_an_empty_task_costs_no_message(engine: Engine, start: Any) -> None:
    run = start(
        task("begin", operator="EmptyOperator"),
        task("work", "begin"),
        task("end", "work", operator="EmptyOperator"),
    )
    assert len(engine.messages) == 1
    engine.work()
    assert set(states_of(run).values()) == {"success"}
    assert state_of(run) == "success"


def test_a_run_of_empty_tasks_is_over_when_it_is_made(engine: Engine, start: Any) -> None:
    run = start(
        *(task(f"t{n}", *([f"t{n - 1}"] if n else []), operator="EmptyOperator") for n in range(80))
    )
    assert engine.messages == []
    assert state_of(run) == "success"
    assert TaskInstance.objects.filter(run=run, upstream_left__gt=0).count() == 0


def queries_of_a_task(engine: Engine, run: DagRun) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        engine.take()
    assert run.pk
    return len(captured)


def test_a_task_costs_as_many_queries_in_a_large_run_as_in_a_small_one(
    engine: Engine, start: Any
) -> None:
    counts = []
    for size in (3, 30, 300):
        run = start(*(task(f"t{n}") for n in range(size)), dag_id=f"dag{size}")
        engine.take()
        counts.append(queries_of_a_task(engine, run))
        engine.messages.clear()
    assert len(set(counts)) == 1


def test_a_message_that_comes_twice_does_nothing_the_second_time(
    engine: Engine, start: Any
) -> None:
    run = start(task("a"), task("b", "a"))
    first = engine.messages[0]
    engine.take()
    before = DagRun.objects.get(pk=run.pk).sequence
    assert runner.run(first) == []
    assert DagRun.objects.get(pk=run.pk).sequence == before
    engine.work()
    assert [name for name, _ in ScriptedOperator.calls] == ["a", "b"]


def test_what_a_task_left_is_read_by_the_next(engine: Engine, start: Any) -> None:
    seen: list[Any] = []

    def look(context: Context) -> TaskResult:
        seen.append(context.names["ti"].xcom_pull("a"))
        return TaskResult("Seen")

    SCRIPTS["a"] = [lambda _: TaskResult("Done", value={"rows": 3})]
    SCRIPTS["b"] = [look]
    run = start(
        task("a"), task("b", "a", arguments={"text": "{{ ti.xcom_pull('a')['rows'] }} rows"})
    )
    engine.work()
    assert seen == [{"rows": 3}]
    rendered = instance(run, "b").rendered.get()
    assert (rendered.try_number, rendered.fields) == (1, {"text": "3 rows"})


def test_a_result_that_is_too_large_fails_the_task(
    engine: Engine, start: Any, settings: Any
) -> None:
    settings.XCOM_BYTES = 100
    SCRIPTS["a"] = [lambda _: TaskResult("Done", value="x" * 200)]
    run = start(task("a"))
    engine.work()
    assert run.steps.get(number=4).error_code == "task:xcom-too-large"
    assert not instance(run, "a").xcoms.exists()
