"""Connections that a task asks for while it runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connections.services import create_connection
from connections.validation import Draft
from tasks.engine import brokering, places
from tasks.models import HeldSession, TaskInstance
from tasks.operators.base import TaskResult
from tasks.presentation.waits import Circumstances
from tests.conftest import ACTOR
from tests.engine.driving import (
    SCRIPTS,
    Engine,
    ScriptedOperator,
    instance,
    state_of,
    states_of,
    task,
)
from tests.engine.faults import answers_lost, committed


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


@committed
@pytest.mark.parametrize("number", range(1, 8))
def test_an_answer_that_is_lost_while_a_task_asks_is_told_once(
    engine: Engine, start: Any, asking: None, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    SCRIPTS["a"] = [asks("apples", "pears")]
    run = start(asker("a"))
    with answers_lost(monkeypatch, number=number):
        engine.take()
    texts = list(run.log_lines.values_list("text", flat=True))
    assert sum("connection pears" in text for text in texts) == 1
    assert len(texts) == len(set(texts))
    assert states_of(run) == {"a": "success"}
    assert not HeldSession.objects.exists()


def test_a_session_of_a_connection_without_a_limit_is_given_back(
    engine: Engine, start: Any, asking: None
) -> None:
    create_connection(Draft("plums", "sqlite", host=":memory:"), actor=ACTOR)
    held: list[int] = []
    SCRIPTS["a"] = [asks("apples", "plums", then=lambda: held.append(HeldSession.objects.count()))]
    start(asker("a"))
    engine.work()
    assert held == [1]
    assert not HeldSession.objects.exists()


def test_a_session_of_a_worker_that_died_is_forgotten_when_its_task_is_taken_over(
    engine: Engine, start: Any, asking: None
) -> None:
    run = start(asker("a"))
    lapsed = timezone.now() - timedelta(hours=1)
    TaskInstance.objects.update(
        state="running", lease_token=uuid.uuid4(), lease_expires_at=lapsed, worker="gone"
    )
    HeldSession.objects.create(
        task_instance=instance(run, "a"), conn_id="pears", lease_token=uuid.uuid4()
    )
    SCRIPTS["a"] = [asks("apples")]
    engine.take()
    assert states_of(run) == {"a": "success"}
    assert not HeldSession.objects.exists()


def test_who_waits_is_told_of_further_sessions_too(
    engine: Engine, start: Any, asking: None
) -> None:
    run = start(asker("a"))
    seen: list[str] = []
    SCRIPTS["a"] = [
        asks("apples", "pears", then=lambda: seen.append(Circumstances(run).sessions("pears")))
    ]
    engine.take()
    assert seen == ["1 of 1"]
