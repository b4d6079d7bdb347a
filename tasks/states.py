"""The states of runs, task instances and steps, and every move that is allowed.

Names are Airflow's where it has one; it has none for ``cancelling`` and ``cancelled``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RunState(StrEnum):
    #: No worker has begun it, or it waits for a place among its DAG's active runs.
    QUEUED = "queued"
    RUNNING = "running"
    #: A cancel was asked for, and a task of it still runs.
    CANCELLING = "cancelling"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    #: Waits for the tasks before it.
    PENDING = "pending"
    #: A message was or will be sent, or it waits for a place (``TaskInstance.waits_on``).
    QUEUED = "queued"
    RUNNING = "running"
    #: A cancel was asked for; the worker that holds it has not told the end yet.
    CANCELLING = "cancelling"
    #: The try before failed; the next one comes at ``TaskInstance.due_at``.
    UP_FOR_RETRY = "up_for_retry"
    #: A sensor that looks again at ``TaskInstance.due_at``, and holds nothing until then.
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    #: A task before it failed.
    UPSTREAM_FAILED = "upstream_failed"
    CANCELLED = "cancelled"
    #: The version that the run was moved to doesn't have it.
    REMOVED = "removed"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


R, T, S = RunState, TaskState, StepState

RUN_TERMINAL = frozenset({R.SUCCESS, R.FAILED, R.CANCELLED})
TASK_TERMINAL = frozenset(
    {T.SUCCESS, T.FAILED, T.SKIPPED, T.UPSTREAM_FAILED, T.CANCELLED, T.REMOVED}
)
STEP_TERMINAL = frozenset({S.SUCCESS, S.FAILED, S.SKIPPED, S.CANCELLED})

#: A worker holds the task instance, by a lease.
TASK_HELD = frozenset({T.RUNNING, T.CANCELLING})
#: Neither held nor over: nothing has to be stopped to end it.
TASK_WAITING = frozenset({T.PENDING, T.QUEUED, T.UP_FOR_RETRY, T.UP_FOR_RESCHEDULE})

#: From an end back: some of its tasks were cleared.
RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    R.QUEUED: frozenset({R.RUNNING, R.SUCCESS, R.FAILED, R.CANCELLED}),
    R.RUNNING: frozenset({R.SUCCESS, R.FAILED, R.CANCELLING, R.CANCELLED}),
    # To failed: what cancels it is its time limit.
    R.CANCELLING: frozenset({R.CANCELLED, R.FAILED}),
    R.SUCCESS: frozenset({R.QUEUED, R.RUNNING}),
    R.FAILED: frozenset({R.QUEUED, R.RUNNING}),
    R.CANCELLED: frozenset({R.QUEUED, R.RUNNING}),
}

_BY_HAND = frozenset({T.SUCCESS, T.FAILED, T.SKIPPED})
#: To ``pending`` from an end: it was cleared. ``removed``: another version was chosen.
TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    T.PENDING: _BY_HAND | {T.QUEUED, T.UPSTREAM_FAILED, T.CANCELLED, T.REMOVED},
    T.QUEUED: _BY_HAND | {T.RUNNING, T.CANCELLED},
    # To itself: another worker takes over a lapsed lease. To queued: it waits for a place.
    T.RUNNING: frozenset(
        {T.RUNNING, T.QUEUED, T.SUCCESS, T.FAILED, T.SKIPPED, T.CANCELLING}
        | {T.UP_FOR_RETRY, T.UP_FOR_RESCHEDULE}
    ),
    T.CANCELLING: frozenset({T.CANCELLING, T.CANCELLED, T.SUCCESS, T.FAILED}),
    T.UP_FOR_RETRY: _BY_HAND | {T.QUEUED, T.CANCELLED},
    T.UP_FOR_RESCHEDULE: _BY_HAND | {T.QUEUED, T.CANCELLED},
    T.SUCCESS: frozenset({T.PENDING, T.FAILED, T.SKIPPED, T.REMOVED}),
    T.FAILED: frozenset({T.PENDING, T.SUCCESS, T.SKIPPED, T.REMOVED}),
    T.SKIPPED: frozenset({T.PENDING, T.SUCCESS, T.FAILED, T.REMOVED}),
    T.UPSTREAM_FAILED: frozenset({T.PENDING, T.SUCCESS, T.FAILED, T.SKIPPED, T.REMOVED}),
    T.CANCELLED: frozenset({T.PENDING, T.SUCCESS, T.FAILED, T.SKIPPED, T.REMOVED}),
    T.REMOVED: frozenset({T.PENDING}),
}

STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    S.PENDING: frozenset({S.RUNNING, S.SUCCESS, S.FAILED, S.SKIPPED, S.CANCELLED}),
    # To pending: a worker that takes over begins the unfinished steps anew.
    S.RUNNING: frozenset({S.SUCCESS, S.FAILED, S.PENDING, S.SKIPPED, S.CANCELLED}),
    S.SUCCESS: frozenset({S.PENDING}),
    S.FAILED: frozenset({S.PENDING}),
    S.SKIPPED: frozenset({S.PENDING}),
    S.CANCELLED: frozenset({S.PENDING}),
}


State = TypeVar("State", bound=StrEnum)


def sources(moves: Mapping[State, frozenset[State]], target: State) -> list[State]:
    """The states from which ``target`` may be reached."""
    return [state for state, targets in moves.items() if target in targets]
