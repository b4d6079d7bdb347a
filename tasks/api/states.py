"""Our states in Airflow's words, and back: it has none for what is being cancelled or was."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from access.problems import Refused
from tasks.states import RunState, StepState, TaskState


class DagRunState(StrEnum):
    """Airflow's states of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class DagRunMutableState(StrEnum):
    """Airflow's states that a run may be set to."""

    QUEUED = "queued"
    SUCCESS = "success"
    FAILED = "failed"


class TaskInstanceState(StrEnum):
    """Airflow's states of a task of a run, in its order; here are no tasks in some of them."""

    REMOVED = "removed"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    RESTARTING = "restarting"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    AWAITING_INPUT = "awaiting_input"


class RunType(StrEnum):
    """Airflow's types of runs. Here are only those by hand and by schedule."""

    BACKFILL = "backfill"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    OPERATOR_TRIGGERED = "operator_triggered"
    ASSET_TRIGGERED = "asset_triggered"
    ASSET_MATERIALIZATION = "asset_materialization"


RUN: dict[RunState, DagRunState] = {
    RunState.QUEUED: DagRunState.QUEUED,
    RunState.RUNNING: DagRunState.RUNNING,
    RunState.CANCELLING: DagRunState.RUNNING,
    RunState.SUCCESS: DagRunState.SUCCESS,
    RunState.FAILED: DagRunState.FAILED,
    RunState.CANCELLED: DagRunState.FAILED,
}
#: ``None``: Airflow's tasks that wait for others have no state.
TASK: dict[TaskState, str | None] = {
    TaskState.PENDING: None,
    TaskState.CANCELLING: "running",
    TaskState.CANCELLED: "failed",
} | {
    state: state.value
    for state in TaskState
    if state not in (TaskState.PENDING, TaskState.CANCELLING, TaskState.CANCELLED)
}
STEP: dict[StepState, str | None] = {
    StepState.PENDING: None,
    StepState.RUNNING: "running",
    StepState.SUCCESS: "success",
    StepState.FAILED: "failed",
    StepState.SKIPPED: "skipped",
    StepState.CANCELLED: "failed",
}
_NO_STATE = ("none", "null", "no_status")


def run_states(names: Iterable[str]) -> list[RunState]:
    """Our states that Airflow calls one of ``names``. Raise ``Refused``."""
    wanted = set(names)
    if not wanted <= set(DagRunState):
        raise Refused(422, _one_of("state", DagRunState))
    return [state for state, name in RUN.items() if name in wanted]


def run_types(names: Iterable[str]) -> list[str]:
    """Raise ``Refused``."""
    wanted = set(names)
    if not wanted <= set(RunType):
        raise Refused(422, _one_of("run type", RunType))
    return sorted(wanted)


def task_states(names: Iterable[str | None]) -> list[TaskState]:
    """The same for tasks; ``none`` are those that wait for others. Raise ``Refused``."""
    wanted = {None if name in _NO_STATE else name for name in names}
    if not wanted - {None} <= set(TaskInstanceState):
        raise Refused(422, _one_of("state", TaskInstanceState))
    return [state for state, name in TASK.items() if name in wanted]


def _one_of(what: str, names: Iterable[str]) -> str:
    return f"Invalid value for {what}. Valid values are {', '.join(names)}"
