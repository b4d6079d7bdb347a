"""A database that goes away at the worst moment, clocks that differ."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from connections.services import create_connection
from connections.validation import Draft
from tasks.acts import clear_tasks
from tasks.engine import database_time, leases
from tasks.engine.recovery import lost
from tasks.engine.steps import MOST_TRIES
from tasks.exceptions import ActRefused
from tasks.models import DagRun, Step, TaskInstance
from tasks.operators.base import Context, TaskResult
from tasks.presentation.heads import heads_of
from tasks.presentation.waits import run_wait
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    rows_of,
    state_of,
    states_of,
    task,
    transient,
)
from tests.engine.faults import answers_lost, committed, cut_at, cut_while_waiting

# A database that goes away


def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has the clock of its machine, and no server")


def fragile(task_id: str = "a", **fields: Any) -> Any:
    """A task that is lost if it is ever taken over."""
    return task(task_id, operator="FragileOperator", **fields)


@committed
@pytest.mark.parametrize(
    "words", ["tasks_dagrun SET sequence", "tasks_step", "tasks_left = tasks_left", "tasks_xcom"]
)
def test_a_task_whose_end_met_a_dropped_connection_ends_right(
    engine: Engine, start: Any, words: str
) -> None:
    run = start(fragile(), task("b", "a"))

    def work(context: Context) -> TaskResult:
        cuts.append(stack.__enter__())
        return TaskResult("Done", value=1)

    cuts: list[list[str]] = []
    stack = cut_at(words, times=2)
    SCRIPTS["a"] = [work]
    try:
        engine.take()
    finally:
        stack.__exit__(None, None, None)
    assert cuts[0]
    engine.work()
    assert states_of(run) == {"a": "success", "b": "success"}
    assert state_of(run) == "success"
    assert [name for name, _ in ScriptedOperator.calls] == ["a", "b"]
    assert rows_of(run, "a")[1] == ["skipped", "skipped", "success", "skipped"]


@committed
@pytest.mark.parametrize("number", range(1, 7))
def test_an_answer_to_a_commit_that_is_lost_changes_nothing(
    engine: Engine, start: Any, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def work(context: Context) -> TaskResult:
        context.log("one")
        context.flush()
        return TaskResult("Done", value=1)

    SCRIPTS["a"] = SCRIPTS["b"] = [work]
    run = start(fragile(), task("b", "a"))
    with answers_lost(monkeypatch, number=number):
        engine.work()
    assert states_of(run) == {"a": "success", "b": "success"}
    assert [name for name, _ in ScriptedOperator.calls] == ["a", "b"]
    assert state_of(run) == "success"
    assert run.log_lines.filter(text="one").count() == 2
    assert not Step.objects.filter(run=run, state__in=("pending", "running")).exists()


@committed
def test_a_claim_that_met_a_dropped_connection_is_made_again(engine: Engine, start: Any) -> None:
    run = start(fragile())
    with cut_at("lease_token", times=2) as cuts:
        engine.take()
    assert cuts
    assert states_of(run) == {"a": "success"}
    assert instance(run, "a").takeovers == 0


@committed
def test_what_a_task_tells_is_told_after_the_database_is_back(engine: Engine, start: Any) -> None:
    def work(context: Context) -> TaskResult:
        with cut_at("tasks_", times=3) as cuts:
            context.progress("half", rows=7)
            context.log("and on")
            context.flush()
        assert cuts
        return TaskResult("Done")

    SCRIPTS["a"] = [work]
    run = start(fragile())
    engine.work()
    assert states_of(run) == {"a": "success"}
    texts = list(run.log_lines.values_list("text", flat=True))
    assert (texts.count("half, rows 7"), texts.count("and on")) == (1, 1)


@committed
@pytest.mark.parametrize("words", ["tasks_logline", "stepped AS"])
def test_a_write_that_still_waits_in_the_server_is_not_done_twice(
    engine: Engine, start: Any, words: str
) -> None:
    """Its connection is gone, and what it asked for is done all the same, later."""
    only_postgresql()
    run = start(fragile())

    def work(context: Context) -> TaskResult:
        with cut_while_waiting(words, run_id=run.pk) as cuts:
            context.progress("half", rows=7)
            context.log("one")
            context.flush()
        assert cuts
        return TaskResult("Done")

    SCRIPTS["a"] = [work]
    engine.take()
    texts = list(run.log_lines.values_list("text", flat=True))
    assert (texts.count("half, rows 7"), texts.count("one")) == (1, 1)
    assert rows_of(run, "a")[1] == ["skipped", "skipped", "success", "skipped"]
    assert state_of(run) == "success"


@committed
def test_the_end_of_a_session_that_still_waits_in_the_server_is_told_once(
    engine: Engine, start: Any
) -> None:
    only_postgresql()
    create_connection(Draft("db", "sqlite", host=":memory:"), actor=ACTOR)
    run = start(task("a", operator="ScriptedSqlOperator", conn_id="db"))
    with cut_while_waiting("taken AS", and_words="stepped AS", run_id=run.pk) as cuts:
        engine.take()
    assert cuts
    assert rows_of(run, "a")[1] == ["success", "success", "success", "success"]
    texts = list(run.log_lines.values_list("text", flat=True))
    assert len(texts) == len(set(texts))
    assert state_of(run) == "success"


# Clocks


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let this machine's clock run ahead of the database's."""
    own = timezone.now

    def set_ahead(seconds: float) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: own() + timedelta(seconds=seconds))

    return set_ahead


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
def test_a_worker_whose_clock_is_wrong_takes_no_task_from_another(
    engine: Engine, start: Any, fast_clock: Any, seconds: float
) -> None:
    only_postgresql()
    left: list[float] = []

    def work(context: Context) -> TaskResult:
        row = TaskInstance.objects.get(task_id=context.task_id)
        assert row.lease_expires_at is not None
        left.append((row.lease_expires_at - database_time.ask()).total_seconds())
        # Another worker, with another clock, gets the message once more.
        fast_clock(seconds)
        engine.send(lost())
        engine.messages.append(row.pk)
        engine.work()
        [lease] = leases._held.values()
        lease.renewed_at -= 1_000
        leases.renew([lease])
        row.refresh_from_db()
        left.append((row.lease_expires_at - database_time.ask()).total_seconds())
        return TaskResult("Done")

    SCRIPTS["a"] = [work]
    run = start(task("a"))
    engine.take()
    assert len(ScriptedOperator.calls) == 1
    assert states_of(run) == {"a": "success"}
    limit = leases.expiry().total_seconds()
    assert all(limit - 2 < each <= limit for each in left)


def test_a_next_try_is_due_by_the_clock_of_the_database(
    engine: Engine, start: Any, fast_clock: Any
) -> None:
    only_postgresql()
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=1, retry_delay=60.0))
    fast_clock(3600)
    engine.work()
    due_at = instance(run, "a").due_at
    assert due_at is not None
    assert due_at < database_time.ask() + timedelta(seconds=61)


def test_a_task_is_not_shown_as_lost_by_a_clock_that_is_ahead(
    engine: Engine, start: Any, fast_clock: Any
) -> None:
    only_postgresql()
    seen: list[object] = []

    def work(context: Context) -> TaskResult:
        fast_clock(3600)
        seen.extend(head.state for head in heads_of(run, [instance(run, "a")]))
        seen.append(run_wait(DagRun.objects.get(pk=run.pk)))
        return TaskResult("Done")

    SCRIPTS["a"] = [work]
    run = start(task("a"))
    engine.take()
    assert seen == ["running", None]


# Tries without an end


def test_no_try_has_rows_where_those_of_the_next_task_stand(engine: Engine, start: Any) -> None:
    SCRIPTS["a"] = [transient]
    run = start(task("a", retries=1_000), task("b"))
    TaskInstance.objects.filter(task_id="a").update(try_number=MOST_TRIES, max_tries=20_000)
    Step.objects.filter(task_instance__task_id="a").delete()
    from tasks.engine import steps

    steps.insert_tries(run.pk, 1, [instance(run, "a").pk])
    engine.work()
    assert states_of(run) == {"a": "failed", "b": "success"}
    with pytest.raises(ActRefused, match="has had 9,999 tries"):
        clear_tasks(run, actor=ACTOR, task_ids=["a"])
    assert instance(run, "a").try_number == MOST_TRIES
