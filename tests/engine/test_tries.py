"""Failed tries, sensors, time limits, and workers that are lost."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tasks.engine.outcome import retry_delay
from tasks.models import TaskInstance
from tasks.operators.base import Context, TaskResult
from tasks.spec import TaskSpec
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    ok,
    rows_of,
    state_of,
    states_of,
    task,
    transient,
    wrong,
)


def test_a_transient_failure_is_tried_again_after_its_delay(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient, ok]
    run = start(task("a", retries=2, retry_delay=60.0), task("b", "a"))
    engine.work()
    row = instance(run, "a")
    assert (row.state, row.try_number, row.max_tries) == ("up_for_retry", 2, 3)
    assert row.due_at is not None
    assert 55 < (row.due_at - timezone.now()).total_seconds() <= 60
    assert state_of(run) == "running"
    engine.pass_time(30)
    assert engine.messages == []
    engine.pass_time(61)
    engine.work()
    assert states_of(run) == {"a": "success", "b": "success"}
    assert state_of(run) == "success"


def test_each_try_keeps_its_rows_and_its_reason(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient, ok]
    run = start(task("a", retries=1))
    engine.work()
    assert rows_of(run, "a") == {
        1: ["skipped", "skipped", "failed", "skipped"],
        2: ["pending"] * 4,
    }
    engine.pass_time(301)
    engine.work()
    assert rows_of(run, "a")[2] == ["skipped", "skipped", "success", "skipped"]
    first = run.steps.get(number=4, try_number=1)
    assert first.error_code == "cloud:unavailable"


def test_after_the_last_try_the_task_has_failed(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=2))
    for _ in range(3):
        engine.work()
        engine.pass_time(10_000)
    engine.work()
    assert states_of(run) == {"a": "failed"}
    assert [number for _, number in ScriptedOperator.calls] == [1, 2, 3]


def test_what_a_person_must_mend_is_not_tried_again_unless_asked(
    engine: Engine, start: Any
) -> None:
    SCRIPTS["a"] = SCRIPTS["b"] = [wrong]
    run = start(task("a", retries=3), task("b", retries=3, retry_on="any"))
    engine.work()
    assert states_of(run) == {"a": "failed", "b": "up_for_retry"}


@pytest.mark.parametrize(
    ("fields", "tries", "expected"),
    [
        ({"retry_delay": 10.0}, 3, 10.0),
        ({"retry_delay": 10.0, "retry_exponential_backoff": 2.0}, 1, 10.0),
        ({"retry_delay": 10.0, "retry_exponential_backoff": 2.0}, 4, 80.0),
        (
            {"retry_delay": 10.0, "retry_exponential_backoff": 2.0, "max_retry_delay": 50.0},
            4,
            50.0,
        ),
        ({"retry_delay": 10.0, "retry_exponential_backoff": 3.0}, 5_000, 31_536_000.0),
    ],
)
def test_the_delay_grows_and_is_bounded(
    fields: dict[str, Any], tries: int, expected: float
) -> None:
    assert retry_delay(TaskSpec("a", "X", **fields), tries) == expected


def test_a_service_that_names_a_time_is_asked_no_earlier() -> None:
    assert retry_delay(TaskSpec("a", "X", retry_delay=1.0), 1, asked=30.0) == 30.0


def sensor(task_id: str, **arguments: Any) -> TaskSpec:
    return task(task_id, operator="ScriptedSensor", arguments=arguments)


def test_a_sensor_looks_again_and_holds_no_worker_between(engine: Engine, start: Any) -> None:
    looks: list[int] = []

    def look(context: Context) -> TaskResult | None:
        looks.append(context.look_number)
        return TaskResult("It is there") if len(looks) == 3 else None

    SCRIPTS["wait"] = [look]
    run = start(sensor("wait", poke_interval=10), task("b", "wait"))
    engine.work()
    row = instance(run, "wait")
    assert (row.state, row.lease_token, row.looks) == ("up_for_reschedule", None, 1)
    assert run.log_lines.get().text == "not yet, next look in 10 s"
    assert run.steps.get(number=4, task_instance=row).result == "Not yet: looked once"
    begun = row.started_at
    for _ in range(2):
        engine.pass_time(11)
        engine.work()
    assert looks == [1, 2, 3]
    assert states_of(run) == {"wait": "success", "b": "success"}
    assert instance(run, "wait").started_at == begun
    assert instance(run, "wait").try_number == 1


@pytest.mark.parametrize(("soft", "state"), [(False, "failed"), (True, "skipped")])
def test_a_sensor_gives_up_at_its_timeout(
    engine: Engine, start: Any, soft: bool, state: str
) -> None:
    SCRIPTS["wait"] = [lambda _: None]
    run = start(sensor("wait", timeout=60, soft_fail=soft))
    engine.work()
    TaskInstance.objects.update(started_at=timezone.now() - timedelta(seconds=61))
    engine.pass_time(61)
    engine.work()
    assert states_of(run) == {"wait": state}


def lose_the_worker(run: Any, task_id: str) -> None:
    """As if the worker had died after its claim."""
    past = timezone.now() - timedelta(seconds=5)
    TaskInstance.objects.filter(run=run, task_id=task_id).update(
        state="running",
        started_at=past,
        lease_token=uuid.uuid4(),
        lease_expires_at=past,
        sent_at=past - timedelta(seconds=1),
        worker="vm",
    )


def test_a_try_that_can_go_on_is_taken_over(engine: Engine, start: Any) -> None:
    run = start(task("a"))
    lose_the_worker(run, "a")
    engine.work()
    assert states_of(run) == {"a": "success"}
    assert instance(run, "a").takeovers == 1


def test_a_try_that_cannot_go_on_is_lost_with_its_worker(engine: Engine, start: Any) -> None:
    run = start(task("a", operator="FragileOperator", retries=1))
    lose_the_worker(run, "a")
    engine.work()
    assert ScriptedOperator.calls == []
    assert states_of(run) == {"a": "up_for_retry"}
    assert run.steps.get(number=2, try_number=1).error_code == "task:worker-lost"
    engine.pass_time(301)
    engine.work()
    assert states_of(run) == {"a": "success"}


def test_a_task_that_kills_its_worker_each_time_fails_after_its_tries(
    engine: Engine, start: Any
) -> None:
    run = start(task("a", retries=1))
    for _ in range(2):
        for _ in range(3):
            lose_the_worker(run, "a")
            TaskInstance.objects.update(takeovers=TaskInstance.objects.get().takeovers + 1)
        engine.messages[:] = [instance(run, "a").pk]
        engine.work()
        engine.pass_time(301)
    assert states_of(run) == {"a": "failed"}
    assert state_of(run) == "failed"
    assert ScriptedOperator.calls == []


def test_a_try_ends_when_its_time_is_used_up(engine: Engine, start: Any) -> None:
    def long(context: Context) -> TaskResult:
        for _ in range(1_000):
            context.wait(0.05)
        return TaskResult("Done")

    SCRIPTS["a"] = [long]
    run = start(task("a", execution_timeout=0.2))
    engine.work()
    step = run.steps.get(number=4)
    assert (step.state, step.error_code) == ("failed", "task:execution-timeout")
    assert ScriptedOperator.cancels_called == ["a"]
