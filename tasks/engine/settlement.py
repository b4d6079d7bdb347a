"""Ends a try in the database: the state, what it left, and what is ready after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from tasks.engine import ending, hot_rows, places, scheduling, steps
from tasks.engine.ending import Ending
from tasks.engine.outcome import Outcome
from tasks.engine.places import Message
from tasks.engine.resettling import SKIPS_KEY
from tasks.engine.steps import StepChange
from tasks.engine.template_names import RETURN_VALUE
from tasks.models import TaskInstance, XCom
from tasks.spec import DagSpec
from tasks.states import TASK_MOVES, TASK_TERMINAL, TaskState, sources


@dataclass(frozen=True)
class Settled:
    """What is to be sent, and the last row of the run's table, where it is over."""

    messages: tuple[Message, ...]
    last: StepChange | None


def settle(
    row: TaskInstance,
    outcome: Outcome,
    spec: DagSpec,
    *,
    number: int,
    sessions: int | None,
    xcoms: dict[str, Any],
) -> Settled:
    """Move the task instance on, in the transaction that has taken ``number``.

    ``sessions`` is the limit of its connection, where there is one: somebody
    may wait for the place. ``xcoms`` are masked already.
    """
    state = _move(row, outcome, number=number)
    messages: list[Message] = []
    if short := _of_a_short_run(row, state, spec):
        _store(row, xcoms)
        messages += short.messages
    elif state in TASK_TERMINAL:
        skips = _chosen_skips(row, outcome, spec)
        if skips:
            xcoms = {**xcoms, SKIPS_KEY: {"skipped": sorted(skips)}}
        _store(row, xcoms)
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
    return Settled(tuple(messages), short.change if short else None)


def _of_a_short_run(row: TaskInstance, state: TaskState, spec: DagSpec) -> Ending | None:
    """Most runs have one task, and it goes well: nothing is to be asked about the others."""
    if len(spec.tasks) > 1 or state != TaskState.SUCCESS:
        return None
    return ending.ended_by_its_only_task(row.run_id, row.run.dag_id, spec)


def _move(row: TaskInstance, outcome: Outcome, *, number: int) -> TaskState:
    """The state that it got: a cancel that was asked for meanwhile allows no further try."""
    now = timezone.now()
    columns: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "sequence": number}
    state = outcome.state
    if state == TaskState.UP_FOR_RETRY:
        columns |= {
            "due_at": outcome.due_at,
            "try_number": row.try_number + 1,
            "ended_at": now,
            "looks": 0,
            "takeovers": 0,
        }
    elif state == TaskState.UP_FOR_RESCHEDULE:
        columns |= {"due_at": outcome.due_at, "looks": row.looks + 1}
    else:
        columns |= {"ended_at": now, "due_at": None}
    if _try(row, state, columns):
        return state
    # It is being cancelled: only an end is left.
    end = TaskState.FAILED if state == TaskState.UP_FOR_RETRY else TaskState.CANCELLED
    if not _try(row, end, {**_ENDED, "ended_at": now, "sequence": number}):
        raise scheduling.IllegalMove(f"Task instance {row.pk} can't become {state}.")
    return end


_ENDED: dict[str, Any] = {"lease_token": None, "lease_expires_at": None, "due_at": None}


def _try(row: TaskInstance, state: TaskState, columns: dict[str, Any]) -> bool:
    where = {
        "id": row.pk,
        "state": sources(TASK_MOVES, state),
        "lease_token": row.lease_token,
    }
    return bool(hot_rows.update(TaskInstance, {"state": state, **columns}, where=where))


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


def _store(row: TaskInstance, xcoms: dict[str, Any]) -> None:
    if xcoms:
        # What an earlier try had left was deleted when the task was cleared.
        now = timezone.now()
        hot_rows.insert(
            XCom,
            [
                {"task_instance_id": row.pk, "key": key, "value": value, "at": now}
                for key, value in xcoms.items()
            ],
        )


def too_large(xcoms: dict[str, Any]) -> dict[str, Any]:
    """The facts of the first value that is too large to be kept; empty for none."""
    for key, value in xcoms.items():
        size = len(json.dumps(value, ensure_ascii=False).encode())
        if size > settings.XCOM_BYTES:
            return {"key": key, "size": f"{size:,}", "limit": f"{settings.XCOM_BYTES:,}"}
    return {}


def xcoms_of(outcome: Outcome) -> dict[str, Any]:
    """What the try leaves for others, by key."""
    result = outcome.result
    if result is None:
        return {}
    own = {} if result.value is None else {RETURN_VALUE: result.value}
    return {**result.xcoms, **own}
