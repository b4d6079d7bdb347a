"""An engine that loses nothing: versions nobody can read, messages that are gone, a database that
goes away, clocks that differ, connections that a task asks for while it runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone

from tasks import clock
from tasks.acts import cancel_run
from tasks.engine import broker_contents, recovery, writing
from tasks.engine.recovery import lost
from tasks.engine.versions import spec_of
from tasks.exceptions import RunGone, TriggerRefused
from tasks.models import DagRun, DagVersion, TaskInstance
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    ok,
    state_of,
    states_of,
    task,
    transient,
)

# Versions that can't be read


def spoil(change: Callable[[dict[str, Any]], Any]) -> None:
    """Another release stored the version, after the run was made."""
    version = DagVersion.objects.get()
    change(version.spec)
    version.save()
    spec_of.cache_clear()


SPOILT: list[Callable[[dict[str, Any]], Any]] = [
    lambda spec: spec.update(colour="blue"),
    lambda spec: spec["tasks"][0].update(pool="small"),
    lambda spec: spec["tasks"][1].update(trigger_rule="when_the_moon_is_full"),
    lambda spec: spec["tasks"][1].update(upstream=7),
    lambda spec: spec.update(tasks="none"),
    lambda spec: spec.clear(),
]


@pytest.mark.parametrize("change", SPOILT)
def test_a_version_that_cannot_be_read_fails_its_tasks_with_words(
    engine: Engine, start: Any, change: Any
) -> None:
    run = start(task("a"), task("b", "a"), task("c"))
    spoil(change)
    engine.work()
    assert ScriptedOperator.calls == []
    assert state_of(run) == "failed"
    assert not set(states_of(run).values()) - {"failed", "upstream_failed"}
    assert instance(run, "c").state == "failed"
    step = run.steps.get(number=2, task_instance__task_id="c")
    assert step.error_code == "task:spec-unreadable"
    assert not run.steps.filter(state__in=("pending", "running")).exclude(number=1).exists()


def test_a_version_that_cannot_be_read_holds_up_no_other_run(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    first = start(task("a", retries=1), max_active_tasks=1)
    engine.work()
    spoil(lambda spec: spec.update(colour="blue"))
    second = start(task("b"), dag_id="other")
    TaskInstance.objects.filter(run=second).update(sent_at=None)
    engine.messages.clear()
    engine.pass_time(10_000)
    engine.send(lost())
    engine.work()
    assert (state_of(first), state_of(second)) == ("failed", "success")


def test_a_run_of_a_version_that_cannot_be_read_can_be_cancelled(
    engine: Engine, start: Any
) -> None:
    run = start(task("a"), task("b", "a"))
    spoil(lambda spec: spec.clear())
    with engine.committing():
        cancel_run(run, actor=ACTOR)
    assert state_of(run) == "cancelled"


def test_a_present_version_that_cannot_be_read_is_not_triggered(engine: Engine, start: Any) -> None:
    start(task("a"))
    spoil(lambda spec: spec.update(colour="blue"))
    with pytest.raises(TriggerRefused, match="stored by another release"):
        trigger_dag_run("dag", actor=ACTOR)
    assert DagRun.objects.count() == 1


def test_an_operator_that_is_no_longer_installed_fails_its_task(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(task("a", operator="GoneOperator"))
    engine.work()
    assert states_of(run) == {"a": "failed"}
    assert run.steps.get(number=2).error_code == "task:not-runnable"


# Messages


@pytest.fixture
def broker() -> Any:
    client: Any = redis.Redis.from_url(settings.BROKER_URL)
    client.delete("default", broker_contents.MARK, broker_contents.LOCK)
    yield client
    client.delete("default", broker_contents.MARK, broker_contents.LOCK)


def wait_for_long() -> None:
    TaskInstance.objects.update(sent_at=timezone.now() - timedelta(minutes=5))


def test_what_waits_in_the_broker_is_not_sent_again(
    engine: Engine, start: Any, broker: Any
) -> None:
    start(*(task(f"t{n}") for n in range(20)))
    broker.rpush("default", *["a message"] * 20)
    for _ in range(10):
        wait_for_long()
        assert lost() == []


def test_only_so_many_are_sent_again_as_messages_are_missing(
    engine: Engine, start: Any, broker: Any
) -> None:
    start(*(task(f"t{n}") for n in range(20)))
    broker.rpush("default", *["a message"] * 17)
    wait_for_long()
    last = TaskInstance.objects.get(task_id="t19")
    TaskInstance.objects.filter(pk=last.pk).update(sent_at=timezone.now() - timedelta(minutes=9))
    found = lost()
    assert len(found) == 3
    assert last.pk in [each.task_instance_id for each in found]


def test_a_broker_that_cannot_be_asked_is_sent_nothing_again(
    engine: Engine, start: Any, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(task("a"))
    wait_for_long()
    sent = TaskInstance.objects.get().sent_at
    monkeypatch.setattr("tasks.engine.broker_contents.waiting", lambda queues: None)
    assert lost() == []
    assert TaskInstance.objects.get().sent_at == sent


def test_after_the_broker_was_emptied_all_that_waits_is_sent_at_once(
    engine: Engine, start: Any, broker: Any
) -> None:
    clock.fill_broker()
    run = start(*(task(f"t{n}") for n in range(9)), task("z", "t0"))
    engine.messages.clear()
    clock.fill_broker()
    assert engine.messages == []
    broker.flushall()
    clock.fill_broker()
    assert len(engine.messages) == 9
    clock.fill_broker()
    assert len(engine.messages) == 9
    engine.work()
    assert state_of(run) == "success"


def test_one_worker_of_many_fills_a_broker_that_was_emptied(
    engine: Engine, start: Any, broker: Any
) -> None:
    assert broker_contents.is_to_be_filled()
    assert not broker_contents.is_to_be_filled()


def test_a_broker_that_goes_away_while_it_is_filled_is_filled_again(
    engine: Engine, start: Any, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(task("a"))
    engine.messages.clear()
    with monkeypatch.context() as patch:
        patch.setattr("tasks.clock.send", lambda ready, at_once: False)
        clock.fill_broker()
    broker.delete(broker_contents.LOCK)
    clock.fill_broker()
    assert len(engine.messages) == 1


def test_one_part_of_a_sweep_that_fails_keeps_no_other(
    engine: Engine, start: Any, broker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[Any]:
        raise ValueError("a defect")

    start(task("a"))
    engine.messages.clear()
    TaskInstance.objects.update(sent_at=None)
    monkeypatch.setattr(recovery, "PARTS", (fail, *recovery.PARTS))
    clock.sweep()
    assert len(engine.messages) == 1


@pytest.mark.parametrize("limit", ["max_active_tasks", "max_active_runs"])
def test_one_run_or_dag_that_a_sweep_fails_at_keeps_no_other(
    engine: Engine, start: Any, broker: Any, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """What it found before is sent, and it goes on to what comes after."""
    is_of_run = limit == "max_active_tasks"
    names = ("one", "two", "three")
    for name in names:
        start(task("a"), task("b"), dag_id=name, **{limit: 1})
        if not is_of_run:
            start(dag_id=name)
    engine.messages.clear()
    # A place is free, and nobody has looked.
    over = TaskInstance.objects.filter(task_id="a") if is_of_run else TaskInstance.objects.none()
    over.update(state="success")
    if not is_of_run:
        DagRun.objects.filter(admitted_at__isnull=False).update(state="success")
        TaskInstance.objects.filter(run__state="success").update(state="success")
    broken = DagRun.objects.get(dag__dag_id="two", state__in=("queued", "running"))
    take_number = writing.take_number

    def take(run_id: int) -> int:
        if run_id == broken.pk:
            raise RunGone
        return take_number(run_id)

    monkeypatch.setattr(writing, "take_number", take)
    clock.sweep()
    found = TaskInstance.objects.filter(pk__in=engine.messages)
    assert set(found.values_list("run__dag__dag_id", flat=True)) == {"one", "three"}
    assert len(engine.messages) == (2 if is_of_run else 4)


# The clock


def test_a_tick_that_did_not_do_all_says_so(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "BATCH", 2)
    SCRIPTS.update({name: [transient, ok] for name in "abc"})
    run = start(*(task(name, retries=1) for name in "abc"))
    engine.work()
    later = timezone.now() + timedelta(seconds=301)
    assert clock.tick(later)
    assert not clock.tick(later)
    engine.work()
    assert state_of(run) == "success"


def test_a_run_that_cannot_go_on_keeps_no_other(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    SCRIPTS["a"] = [transient, ok]
    first, second = start(task("a", retries=1)), start()
    engine.work()
    take_number = writing.take_number

    def take(run_id: int) -> int:
        if run_id == first.pk:
            raise ValueError("a defect")
        return take_number(run_id)

    with monkeypatch.context() as patch:
        patch.setattr(writing, "take_number", take)
        engine.pass_time(301)
    engine.work()
    assert (state_of(first), state_of(second)) == ("running", "success")


def test_a_wait_is_measured_by_a_clock_that_nobody_sets() -> None:
    every = clock.Every(3_600)
    assert [every.is_due, every.is_due] == [True, False]
