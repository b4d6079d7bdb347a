"""Ends a try in the database: the state, what it left, and what is ready after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from tasks.engine import hot_rows, places, scheduling, steps
from tasks.engine.hot_rows import Statement
from tasks.engine.outcome import Outcome
from tasks.engine.places import Message
from tasks.engine.resettling import SKIPS_KEY
from tasks.engine.steps import StepChange
from tasks.engine.template_names import RETURN_VALUE
from tasks.engine.writing import Taken
from tasks.models import DagRun, TaskInstance, XCom
from tasks.spec import DagSpec
from tasks.states import TASK_MOVES, TASK_TERMINAL, RunState, StepState, TaskState, sources


@dataclass(frozen=True)
class Settled:
    """What is to be sent, and what is to be written with the try's rows.

    ``last`` is the change of the last row of the run's table, where the run is over.
    """

    messages: tuple[Message, ...] = ()
    last: StepChange | None = None
    also: tuple[Statement, ...] = ()


def settle(
    row: TaskInstance,
    outcome: Outcome,
    spec: DagSpec,
    *,
    taken: Taken,
    sessions: int | None,
    xcoms: dict[str, Any],
) -> Settled:
    """Move the task instance on, in the transaction that has taken a number.

    ``sessions`` is the limit of its connection, where there is one: somebody
    may wait for the place. ``xcoms`` are masked already.
    """
    number = taken.number
    is_plain = outcome.state == TaskState.SUCCESS and not sessions and not spec.max_active_runs
    if is_plain and len(spec.tasks) == 1 and taken.run_state == RunState.RUNNING:
        return _a_short_run(row, outcome, number=number, xcoms=xcoms)
    state, move = _moved(row, outcome, taken)
    hot_rows.execute(move)
    if outcome.is_pause and state in TASK_TERMINAL:
        # A cancel came while it looked: its rows were left open for the next look.
        steps.end_tries(row.run_id, number, StepState.CANCELLED, reasons={"Cancelled": [row.pk]})
    messages: list[Message] = []
    if state in TASK_TERMINAL:
        skips = _chosen_skips(row, outcome, spec)
        if skips:
            xcoms = {**xcoms, SKIPS_KEY: {"skipped": sorted(skips)}}
        for statement in _stored(row, xcoms):
            hot_rows.execute(statement)
        skip = dict.fromkeys(skips, f"{row.task_id} chose otherwise")
        messages = scheduling.follow(
            row.run_id, spec, {row.task_id: state}, number=number, skip=skip
        )
    elif state == TaskState.UP_FOR_RETRY:
        steps.insert_tries(row.run_id, number, [row.pk])
    if spec.max_active_tasks and state not in TASK_TERMINAL:
        messages += places.admit_tasks(row.run_id, spec.max_active_tasks, number=number)
    if sessions:
        places.lock_sessions(row.conn_id)
        messages += places.next_for_session(row.conn_id, sessions)
    return Settled(tuple(messages))


def _a_short_run(
    row: TaskInstance, outcome: Outcome, *, number: int, xcoms: dict[str, Any]
) -> Settled:
    """Most runs have one task, and it goes well: nothing is to be asked, all is one write."""
    now = timezone.now()
    move = _moving(row, outcome.state, _columns(row, outcome, number=number))
    end = hot_rows.updating(
        DagRun,
        {"state": RunState.SUCCESS, "ended_at": now, "tasks_left": 0},
        where={"id": row.run_id, "state": RunState.RUNNING},
    )
    last = steps.succeeded(steps.position_of(6, None), steps.KINDS[6].done, started_at=now)
    return Settled(last=last, also=(move, end, *_stored(row, xcoms)))


def _moved(row: TaskInstance, outcome: Outcome, taken: Taken) -> tuple[TaskState, Statement]:
    """The state that it gets: a cancel that was asked for meanwhile allows only an end."""
    state = outcome.state
    if state in TASK_MOVES[TaskState(taken.task_state)]:
        return state, _moving(row, state, _columns(row, outcome, number=taken.number))
    end = TaskState.FAILED if state == TaskState.UP_FOR_RETRY else TaskState.CANCELLED
    return end, _moving(row, end, _ended(taken.number))


def _columns(row: TaskInstance, outcome: Outcome, *, number: int) -> dict[str, Any]:
    columns = _ended(number)
    if outcome.state == TaskState.UP_FOR_RETRY:
        columns |= {"try_number": row.try_number + 1, "looks": 0, "takeovers": 0}
    elif outcome.state == TaskState.UP_FOR_RESCHEDULE:
        columns |= {"looks": row.looks + 1, "ended_at": None}
    return {**columns, "due_at": outcome.due_at}


def _ended(number: int) -> dict[str, Any]:
    return {
        "lease_token": None,
        "lease_expires_at": None,
        "due_at": None,
        "ended_at": timezone.now(),
        "sequence": number,
    }


def _moving(row: TaskInstance, state: TaskState, columns: dict[str, Any]) -> Statement:
    where = {"id": row.pk, "state": sources(TASK_MOVES, state), "lease_token": row.lease_token}
    return hot_rows.updating(TaskInstance, {"state": state, **columns}, where=where)


def _chosen_skips(row: TaskInstance, outcome: Outcome, spec: DagSpec) -> set[str]:
    """The tasks that this one chose not to run: branches not taken, or all that follows."""
    result = outcome.result
    if result is None or outcome.state != TaskState.SUCCESS:
        return set()
    direct = set(spec.downstream[row.task_id])
    if result.skip == "all":
        return spec.all_downstream([row.task_id])
    if result.skip == "direct":
        return direct
    if result.follow is None:
        return set()
    followed = set(result.follow)
    # What a chosen branch leads to is run there, also where it directly follows.
    return direct - followed - spec.all_downstream(followed & direct)


def _stored(row: TaskInstance, xcoms: dict[str, Any]) -> list[Statement]:
    """What an earlier try had left was deleted when the task was cleared."""
    now = timezone.now()
    rows = [
        {"task_instance_id": row.pk, "key": key, "value": value, "at": now}
        for key, value in xcoms.items()
    ]
    return [hot_rows.inserting(XCom, rows)] if rows else []


#: Characters of an XCom's key; the length of its column.
LONGEST_KEY = 250


def too_large(xcoms: dict[str, Any]) -> dict[str, Any]:
    """The facts of the first value that is too large to be kept; empty for none."""
    for key, value in xcoms.items():
        limit = f"{settings.XCOM_BYTES:,}"
        if len(key) > LONGEST_KEY:
            return {"key": f"{key[:LONGEST_KEY]}…", "size": "a longer name than", "limit": limit}
        try:
            size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
        except (TypeError, ValueError):
            # A date, NaN, a number of thousands of digits: JSON has none of them.
            return {"key": key, "size": "other than JSON, and so no number of", "limit": limit}
        if size > settings.XCOM_BYTES:
            return {"key": key, "size": f"{size:,}", "limit": limit}
    return {}


def xcoms_of(outcome: Outcome) -> dict[str, Any]:
    """What the try leaves for others, by key."""
    result = outcome.result
    if result is None:
        return {}
    own = {} if result.value is None else {RETURN_VALUE: result.value}
    return {**result.xcoms, **own}
