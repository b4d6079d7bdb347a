"""A database that goes away at the worst moment, clocks that differ, connections that a task asks
for while it runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from connections.services import create_connection
from connections.validation import Draft
from tasks.acts import clear_tasks
from tasks.engine import brokering, database_time, leases, places
from tasks.engine.recovery import lost
from tasks.engine.steps import MOST_TRIES
from tasks.exceptions import ActRefused
from tasks.models import HeldSession, Step, TaskInstance
from tasks.operators.base import Context, TaskResult
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

committed = pytest.mark.django_db(transaction=True)

# A database that goes away


@contextmanager
def cut_at(words: str, *, times: int = 1) -> Iterator[list[str]]:
    """The server ends the connection before a statement with these words; the statements."""
    hit: list[str] = []

    def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if words in sql and len(hit) < times:
            hit.append(sql)
            if connection.vendor == "sqlite":
                raise OperationalError("disk I/O error")
            _terminate(connection.connection.info.backend_pid)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut):
        yield hit


def _terminate(pid: int) -> None:
    own = connection.settings_dict
    with psycopg.connect(
        dbname=own["NAME"], host=own["HOST"], user=own["USER"], port=own["PORT"] or None
    ) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


@contextmanager
def answers_lost(monkeypatch: pytest.MonkeyPatch, *, number: int) -> Iterator[None]:
    """The commit of this number is done, and its answer is lost."""
    commits = 0
    commit = getattr(connection, "_commit")  # noqa: B009 - Django's stubs don't know it

    def lose() -> None:
        nonlocal commits
        commit()
        commits += 1
        if commits == number:
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", lose)
        yield


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


# Clocks


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let this machine's clock run ahead of the database's."""
    own = timezone.now

    def set_ahead(seconds: float) -> None:
        monkeypatch.setattr("django.utils.timezone.now", lambda: own() + timedelta(seconds=seconds))

    return set_ahead


def only_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has the clock of its machine")


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


# Connections that a task asks for while it runs


class AskingOperator(ScriptedOperator):
    """Asks for connections while it runs."""

    name = "AskingOperator"
    asks_for_connections = True


@pytest.fixture
def asking(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.operators import OPERATORS

    monkeypatch.setitem(OPERATORS.own, AskingOperator.name, AskingOperator)
    monkeypatch.setattr(brokering, "HOLDER_PAUSE", 0.01)
    for conn_id in ("apples", "pears"):
        draft = Draft(conn_id, "sqlite", host=":memory:", max_sessions=1)
        create_connection(draft, actor=ACTOR)


def asks(*conn_ids: str, then: Callable[[], object] = lambda: None) -> Any:
    def work(context: Any) -> TaskResult:
        for conn_id in conn_ids:
            context.request_connection(conn_id)
        then()
        return TaskResult("Done")

    return work


def asker(task_id: str, *upstream: str, **fields: Any) -> Any:
    return task(task_id, *upstream, operator="AskingOperator", **fields)


def test_each_connection_that_a_task_asks_for_counts(
    engine: Engine, start: Any, asking: None
) -> None:
    held: list[int] = []

    def look() -> None:
        held.extend(places.sessions_held(conn_id) for conn_id in ("apples", "pears"))

    SCRIPTS["a"] = [asks("apples", "pears", "apples", "pears", then=look)]
    run = start(asker("a"))
    engine.work()
    assert held == [1, 1]
    assert states_of(run) == {"a": "success"}
    assert [places.sessions_held(conn_id) for conn_id in ("apples", "pears")] == [0, 0]
    assert not HeldSession.objects.exists()


def test_a_task_that_waits_for_a_further_session_goes_on_when_it_is_free(
    engine: Engine, start: Any, asking: None
) -> None:
    """The parked task of another DAG is sent when the further session is given back."""
    sql = task("b", operator="ScriptedSqlOperator", conn_id="pears")
    second = start(sql, dag_id="two")
    SCRIPTS["a"] = [asks("apples", "pears", then=lambda: engine.take(0))]
    first = start(asker("a"), dag_id="one")
    engine.take(1)
    assert instance(first, "a").state == "success"
    assert len(engine.messages) == 1
    engine.work()
    assert state_of(second) == "success"


def test_two_tasks_that_wait_for_each_other_do_not_wait_for_ever(
    engine: Engine, start: Any, asking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokering, "LONGEST_WAIT", 0.05)
    other: list[str] = []

    def ask_the_other_way_round() -> None:
        # The other one holds pears, asks for apples, which this one holds.
        engine.take(0)
        other.append(instance(run, "b").state)

    SCRIPTS["a"] = [asks("apples", then=ask_the_other_way_round)]
    SCRIPTS["b"] = [asks("pears", "apples")]
    run = start(asker("a"), asker("b", retries=1))
    engine.take()
    assert other == ["up_for_retry"]
    step = run.steps.get(number=4, task_instance__task_id="b", try_number=1)
    assert step.error_code == "task:no-session-free"
    assert places.sessions_held("pears") == 0
    engine.pass_time(10_000)
    engine.work()
    assert states_of(run) == {"a": "success", "b": "success"}


def test_who_asks_in_order_waits_as_long_as_it_may(
    engine: Engine, start: Any, asking: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brokering, "LONGEST_WAIT", 0.01)
    start(task("b", operator="ScriptedSqlOperator", conn_id="pears"), dag_id="two")
    SCRIPTS["a"] = [asks("apples", "pears")]

    def begin_the_other() -> TaskResult:
        engine.take(0)
        return TaskResult("Done")

    SCRIPTS["b"] = [lambda _: begin_the_other()]
    run = start(asker("a", execution_timeout=0.3), dag_id="one")
    engine.take(0)
    step = run.steps.get(number=4)
    assert step.error_code == "task:execution-timeout"


def test_the_place_of_a_worker_that_died_is_free(engine: Engine, start: Any, asking: None) -> None:
    run = start(asker("a"))
    row = instance(run, "a")
    TaskInstance.objects.update(state="running", lease_token=uuid.uuid4())
    HeldSession.objects.create(task_instance=row, conn_id="pears", lease_token=uuid.uuid4())
    assert places.sessions_held("pears") == 0


def test_a_worker_that_lost_its_task_takes_no_place(
    engine: Engine, start: Any, asking: None
) -> None:
    other = uuid.uuid4()

    def lose() -> None:
        TaskInstance.objects.update(lease_token=other)

    def work(context: Any) -> TaskResult:
        lose()
        context.request_connection("apples")
        raise AssertionError

    SCRIPTS["a"] = [work]
    run = start(asker("a"))
    engine.work()
    row = instance(run, "a")
    assert (row.lease_token, row.conn_id, row.state) == (other, "", "running")
    assert places.sessions_held("apples") == 0
