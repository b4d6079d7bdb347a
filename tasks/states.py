"""The states of runs, task instances and steps, and every move that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class TaskState(StrEnum):
    #: Waits for the tasks before it.
    PENDING = "pending"
    #: A message was or will be sent; no worker has it yet.
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    #: A task before it failed.
    UPSTREAM_FAILED = "upstream_failed"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


RUN_TERMINAL = frozenset({RunState.SUCCESS, RunState.FAILED})
TASK_TERMINAL = frozenset({TaskState.SUCCESS, TaskState.FAILED, TaskState.UPSTREAM_FAILED})
STEP_TERMINAL = frozenset({StepState.SUCCESS, StepState.FAILED, StepState.SKIPPED})

RUN_MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING}),
    RunState.RUNNING: frozenset({RunState.SUCCESS, RunState.FAILED}),
    RunState.SUCCESS: frozenset(),
    RunState.FAILED: frozenset(),
}

TASK_MOVES: dict[TaskState, frozenset[TaskState]] = {
    TaskState.PENDING: frozenset({TaskState.QUEUED, TaskState.UPSTREAM_FAILED}),
    TaskState.QUEUED: frozenset({TaskState.RUNNING}),
    # To itself: another worker takes over a lapsed lease.
    TaskState.RUNNING: frozenset({TaskState.RUNNING, TaskState.SUCCESS, TaskState.FAILED}),
    TaskState.SUCCESS: frozenset(),
    TaskState.FAILED: frozenset(),
    TaskState.UPSTREAM_FAILED: frozenset(),
}

STEP_MOVES: dict[StepState, frozenset[StepState]] = {
    StepState.PENDING: frozenset(
        {StepState.RUNNING, StepState.SUCCESS, StepState.FAILED, StepState.SKIPPED}
    ),
    # To pending: a worker that takes over begins the unfinished steps anew.
    StepState.RUNNING: frozenset(
        {StepState.SUCCESS, StepState.FAILED, StepState.PENDING, StepState.SKIPPED}
    ),
    StepState.SUCCESS: frozenset({StepState.PENDING}),
    StepState.FAILED: frozenset({StepState.PENDING}),
    StepState.SKIPPED: frozenset({StepState.PENDING}),
}


State = TypeVar("State", bound=StrEnum)


def sources(moves: Mapping[State, frozenset[State]], target: State) -> list[State]:
    """The states from which ``target`` may be reached."""
    return [state for state, targets in moves.items() if target in targets]
