"""What testers found, each with the way to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.services import create_connection
from connections.validation import Draft
from tasks import clock
from tasks.acts import cancel_run, cancel_task, clear_tasks, mark_task
from tasks.engine import leases
from tasks.engine.recovery import lost
from tasks.exceptions import ActRefused
from tasks.models import DagRun, TaskInstance
from tasks.operators.base import Context, TaskResult
from tasks.spec import DagSpec
from tasks.states import TaskState
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    instance,
    ok,
    rows_of,
    save_spec,
    state_of,
    states_of,
    task,
    transient,
    wrong,
)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ds | ds_nodash }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'a' * 10 ** 10 }}",
        "{{ 'a' * 10000000000 }}",
        "{{ '%10000000000d' % 1 }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ ti.xcom_pull('a\\0b') }}",
    ],
)
def test_a_template_that_is_wrong_fails_its_task_and_holds_nobody(
    engine: Engine, start: Any, template: str
) -> None:
    run = start(task("a", arguments={"text": template}))
    engine.work()
    assert states_of(run) == {"a": "failed"}
    assert run.steps.get(number=4).error_code == "task:template-error"


@pytest.mark.parametrize("end", [SystemExit, KeyboardInterrupt, GeneratorExit, RecursionError])
def test_an_operator_that_would_end_its_thread_fails(engine: Engine, start: Any, end: Any) -> None:
    def leave(context: Context) -> TaskResult:
        raise end

    SCRIPTS["a"] = [leave]
    run = start(task("a"))
    engine.work()
    assert states_of(run) == {"a": "failed"}


def test_a_result_that_is_no_json_fails_the_task(engine: Engine, start: Any) -> None:
    values: list[Any] = [float("nan"), {"at": timezone.now()}, {1, 2}]

    def leave(context: Context) -> TaskResult:
        return TaskResult("Done", value=values[0])

    SCRIPTS["a"] = [leave]
    while values:
        run = start(task("a"))
        engine.work()
        assert states_of(run) == {"a": "failed"}
        values.pop(0)


def test_facts_that_are_no_json_are_told_as_text(engine: Engine, start: Any) -> None:
    moment = timezone.now()

    def tell(context: Context) -> TaskResult:
        return TaskResult("Done", {"at": moment, "share": float("nan")})

    SCRIPTS["a"] = [tell]
    run = start(task("a"))
    engine.work()
    assert states_of(run) == {"a": "success"}
    assert run.steps.get(number=4).facts == {"at": str(moment), "share": "NaN"}


def test_a_run_that_waits_begins_when_its_dag_has_a_place(engine: Engine, start: Any) -> None:
    """The run that ended knew of no limit: the sweep finds who waits."""
    first = start(task("a"))
    save_spec(DagSpec("dag", (task("a"),), max_active_runs=1))
    second = start()
    assert DagRun.objects.get(pk=second.pk).admitted_at is None
    engine.work()
    assert state_of(first) == "success"
    engine.send(lost())
    engine.work()
    assert state_of(second) == "success"


def test_a_task_that_is_cancelled_in_a_run_that_waits_lets_nothing_begin(
    engine: Engine, start: Any
) -> None:
    start(task("a"), task("b", "a", trigger_rule="all_done"), max_active_runs=1)
    second = start()
    engine.messages.clear()
    with engine.committing():
        cancel_task(instance(second, "a"), actor=ACTOR)
    assert engine.messages == []
    assert states_of(second) == {"a": "cancelled", "b": "pending"}


def test_a_mark_in_a_run_that_is_being_cancelled_is_refused(engine: Engine, start: Any) -> None:
    def cancel_and_mark(context: Context) -> TaskResult:
        run = DagRun.objects.get()
        cancel_run(run, actor=ACTOR)
        with pytest.raises(ActRefused):
            mark_task(instance(run, "b"), TaskState.SUCCESS, actor=ACTOR, reason="x")
        return TaskResult("Done")

    SCRIPTS["a"] = [cancel_and_mark]
    run = start(task("a"), task("b"), task("c", "b"))
    engine.work()
    assert states_of(run) == {"a": "success", "b": "cancelled", "c": "cancelled"}


def test_clearing_keeps_the_record_of_earlier_tries(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient, ok]
    run = start(task("a", retries=1))
    engine.work()
    engine.pass_time(301)
    with engine.committing():
        cancel_run(run, actor=ACTOR)
    with engine.committing():
        clear_tasks(run, actor=ACTOR)
    engine.work()
    assert rows_of(run, "a")[1][2] == "failed"
    assert states_of(run) == {"a": "success"}


def test_a_sensor_that_is_cancelled_while_it_looks_leaves_no_row_open(
    engine: Engine, start: Any
) -> None:
    def cancel_me(context: Context) -> None:
        cancel_run(DagRun.objects.get(), actor=ACTOR)

    SCRIPTS["a"] = [cancel_me]
    run = start(task("a", operator="ScriptedSensor"))
    engine.work()
    assert state_of(run) == "cancelled"
    assert not run.steps.filter(state__in=("pending", "running")).exists()


def test_a_worker_that_stops_in_order_counts_as_no_loss(engine: Engine, start: Any) -> None:
    def stopped(context: Context) -> TaskResult:
        leases.stop_all()
        try:
            context.wait(5)
        finally:
            leases.stopping.clear()
        raise AssertionError

    SCRIPTS["a"] = [stopped]
    run = start(task("a"))
    for _ in range(6):
        engine.work()
        engine.messages.append(instance(run, "a").pk)
    assert instance(run, "a").takeovers == 0
    SCRIPTS["a"] = [ok]
    engine.work()
    assert states_of(run) == {"a": "success"}


def test_a_task_that_comes_back_with_a_later_version_runs_again(engine: Engine, start: Any) -> None:
    SCRIPTS["b"] = [wrong]
    run = start(task("a"), task("b"))
    engine.work()
    for tasks in ((task("b"),), (task("a"), task("b"))):
        save_spec(DagSpec("dag", tasks))
        with engine.committing():
            clear_tasks(run, actor=ACTOR, task_ids=["b"], version="now")
        engine.work()
    assert states_of(run) == {"a": "success", "b": "failed"}


def test_one_part_of_a_tick_that_fails_stops_no_other(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(now: Any) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr("tasks.clock.end_late_runs", fail)
    SCRIPTS["a"] = [transient, ok]
    run = start(task("a", retries=1))
    engine.work()
    clock.tick(timezone.now() + timedelta(seconds=301))
    engine.work()
    assert states_of(run) == {"a": "success"}


def test_a_run_of_empty_tasks_tells_that_it_began(engine: Engine, start: Any) -> None:
    run = start(task("a", operator="EmptyOperator"))
    assert [step.state for step in run.steps.filter(number__in=(1, 6))] == ["success", "success"]


def test_step_1_is_not_later_than_step_2(engine: Engine, start: Any) -> None:
    create_connection(Draft("db", "sqlite", host=":memory:"), actor=ACTOR)
    run = start(task("a", operator="ScriptedSqlOperator", conn_id="db"))
    engine.work()
    first, second = run.steps.get(number=1), run.steps.get(number=2)
    assert first.started_at <= second.started_at
    assert TaskInstance.objects.get().state == "success"
