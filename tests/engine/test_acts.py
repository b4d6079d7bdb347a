"""Cancel, clear and mark."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from access.models import AuditEvent
from tasks.acts import cancel_run, cancel_task, clear_tasks, mark_task, set_note
from tasks.engine import leases
from tasks.exceptions import ActRefused
from tasks.models import DagRun, TaskInstance
from tasks.operators.base import AlreadyDone, Context, TaskResult
from tasks.spec import DagSpec
from tasks.states import TaskState
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
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


def cancel_meanwhile(context: Context) -> TaskResult:
    """While the task runs, its run is cancelled; the worker's thread hears of it."""
    row = TaskInstance.objects.get(task_id=context.task_id)
    cancel_run(row.run, actor=ACTOR, reason="too dear")
    assert state_of(row.run) == "cancelling"
    assert states_of(row.run)[context.task_id] == "cancelling"
    leases.look(list(leases._held.values()))
    context.wait(5)
    raise AssertionError("wait must not come back")


def test_a_cancelled_run_stops_what_runs_and_ends_what_waits(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [cancel_meanwhile]
    run = start(task("a"), task("b", "a"), task("c"))
    engine.work()
    assert states_of(run) == {"a": "cancelled", "b": "cancelled", "c": "cancelled"}
    assert state_of(run) == "cancelled"
    assert ScriptedOperator.cancels_called == ["a"]
    row = run.steps.get(number=4, task_instance__task_id="a")
    assert (row.state, row.result) == ("cancelled", "Cancelled: stopped what ran")
    assert run.steps.get(number=6).result == "Cancelled by tester: too dear"
    assert AuditEvent.objects.filter(action="cancelled").count() == 1


def test_what_ended_well_before_the_cancel_reached_it_is_a_success(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: Any) -> str:
        raise AlreadyDone(TaskResult("12 rows", {"rows": 12}))

    monkeypatch.setattr(ScriptedOperator, "cancel", too_late)
    SCRIPTS["a"] = [cancel_meanwhile]
    run = start(task("a"), task("b", "a"))
    engine.work()
    assert states_of(run) == {"a": "success", "b": "cancelled"}
    assert state_of(run) == "cancelled"


def test_a_run_that_no_worker_has_is_cancelled_at_once(engine: Engine, start: Any) -> None:
    run = start(task("a"), task("b", "a"))
    with engine.committing():
        cancel_run(run, actor=ACTOR)
    assert state_of(run) == "cancelled"
    engine.work()
    assert ScriptedOperator.calls == []


def test_a_run_that_is_over_cannot_be_cancelled(engine: Engine, start: Any) -> None:
    run = start(task("a"))
    engine.work()
    with pytest.raises(ActRefused):
        cancel_run(run, actor=ACTOR)
    with pytest.raises(ActRefused):
        cancel_task(instance(run, "a"), actor=ACTOR)
    assert state_of(run) == "success"


def test_who_takes_over_a_task_that_is_being_cancelled_cancels_it(
    engine: Engine, start: Any
) -> None:
    run = start(task("a"))
    past = timezone.now() - timedelta(seconds=5)
    TaskInstance.objects.update(
        state="cancelling", started_at=past, lease_token=uuid.uuid4(), lease_expires_at=past
    )
    DagRun.objects.update(state="cancelling", cancelled_by_name="tester")
    engine.work()
    assert ScriptedOperator.calls == []
    assert ScriptedOperator.cancels_called == ["a"]
    assert states_of(run) == {"a": "cancelled"}
    assert state_of(run) == "cancelled"


def test_one_task_is_cancelled_and_what_follows_does_not_run(engine: Engine, start: Any) -> None:
    run = start(task("a"), task("b", "a"), task("c"))
    with engine.committing():
        cancel_task(instance(run, "a"), actor=ACTOR)
    engine.work()
    assert states_of(run) == {"a": "cancelled", "b": "upstream_failed", "c": "success"}
    assert state_of(run) == "failed"
    assert run.steps.get(number=6).result == "DAG run failed: a was cancelled"


def test_a_task_that_waits_for_its_next_try_is_cancelled(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=5))
    engine.work()
    with engine.committing():
        cancel_run(run, actor=ACTOR)
    engine.pass_time(10_000)
    assert engine.messages == []
    assert state_of(run) == "cancelled"


def test_failed_tasks_run_again_with_what_stood_behind_them(engine: Engine, start: Any) -> None:
    SCRIPTS["b"] = [wrong, ok]
    run = start(task("a"), task("b", "a"), task("c", "b"))
    engine.work()
    with engine.committing():
        assert clear_tasks(run, actor=ACTOR, only_failed=True) == ["b", "c"]
    assert state_of(run) == "running"
    engine.work()
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert state_of(run) == "success"
    assert [name for name, _ in ScriptedOperator.calls] == ["a", "b", "b", "c"]
    assert list(rows_of(run, "b")) == [1, 2]
    assert list(rows_of(run, "c")) == [1]
    assert run.steps.get(number=6).state == "success"


def test_clearing_from_a_task_runs_it_and_all_that_follows(engine: Engine, start: Any) -> None:
    run = start(task("a"), task("b", "a"), task("c", "b"), task("d", "a"))
    engine.work()
    with engine.committing():
        clear_tasks(run, actor=ACTOR, task_ids=["b"], downstream=True)
    engine.work()
    assert [name for name, _ in ScriptedOperator.calls][4:] == ["b", "c"]
    assert state_of(run) == "success"


def test_a_branch_that_was_not_taken_stays_so_when_it_is_cleared_alone(
    engine: Engine, start: Any
) -> None:
    SCRIPTS["choice"] = [lambda _: TaskResult("Left", follow=("left",))]
    run = start(task("choice"), task("left", "choice"), task("right", "choice"))
    engine.work()
    with engine.committing():
        clear_tasks(run, actor=ACTOR, task_ids=["right"])
    engine.work()
    assert states_of(run)["right"] == "skipped"
    assert state_of(run) == "success"


def test_a_running_task_cannot_be_cleared(engine: Engine, start: Any) -> None:
    def clear_me(context: Context) -> TaskResult:
        run = DagRun.objects.get()
        with pytest.raises(ActRefused, match="a is running: cancel it first"):
            clear_tasks(run, actor=ACTOR, task_ids=["a"])
        return TaskResult("Done")

    SCRIPTS["a"] = [clear_me]
    run = start(task("a"))
    engine.work()
    assert states_of(run) == {"a": "success"}


def test_what_is_cleared_runs_with_the_version_then_or_the_version_now(
    engine: Engine, start: Any
) -> None:
    SCRIPTS["b"] = [wrong, ok]
    run = start(task("a"), task("b", "a"), task("old", "a"))
    engine.work()
    save_spec(DagSpec("dag", (task("new"), task("a"), task("b", "a", "new"), task("last", "b"))))
    with engine.committing():
        clear_tasks(run, actor=ACTOR, only_failed=True, version="now")
    engine.work()
    run = DagRun.objects.get()
    assert run.version.number == 2
    assert states_of(run) == {
        "a": "success",
        "b": "success",
        "new": "success",
        "last": "success",
        "old": "removed",
    }
    assert run.state == "success"
    order = list(run.task_instances.order_by("position").values_list("task_id", flat=True))
    assert order == ["new", "a", "b", "last", "old"]
    positions = list(run.steps.order_by("position").values_list("task_instance__task_id", "number"))
    assert positions[1][0] == "new"


def test_a_failed_task_that_is_marked_as_successful_lets_the_run_go_on(
    engine: Engine, start: Any
) -> None:
    SCRIPTS["a"] = [wrong]
    run = start(task("a"), task("b", "a"))
    engine.work()
    assert state_of(run) == "failed"
    with engine.committing():
        mark_task(instance(run, "a"), TaskState.SUCCESS, actor=ACTOR, reason="loaded by hand")
    engine.work()
    assert states_of(run) == {"a": "success", "b": "success"}
    assert state_of(run) == "success"
    row = instance(run, "a")
    assert (row.note, row.marked_by_name) == ("loaded by hand", "tester")
    event = AuditEvent.objects.get(action="marked")
    assert event.detail["reason"] == "loaded by hand"


def test_a_waiting_task_that_is_marked_is_not_run(engine: Engine, start: Any) -> None:
    run = start(task("a"), task("b", "a"))
    with engine.committing():
        mark_task(instance(run, "a"), TaskState.FAILED, actor=ACTOR, reason="no")
    engine.work()
    assert states_of(run) == {"a": "failed", "b": "upstream_failed"}
    assert ScriptedOperator.calls == []
    assert state_of(run) == "failed"


def test_a_note_is_kept_and_a_long_one_refused(engine: Engine, start: Any) -> None:
    run = start(task("a"))
    set_note(run, "a test", actor=ACTOR)
    with pytest.raises(ActRefused):
        set_note(run, "x" * 1_001, actor=ACTOR)
    assert DagRun.objects.get().note == "a test"
