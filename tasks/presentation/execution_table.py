"""Prepares rows for the pages and the terminal: the same words in both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connections.diagnosis import Explanation, explain
from tasks.engine.steps import KINDS
from tasks.models import DagRun, Step, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators.base import CLOUD_CALL, Work
from tasks.presentation.tracker import Tracker, track
from tasks.presentation.waits import run_wait
from tasks.states import StepState

#: Links out of the page lead here and nowhere else, whatever a step's facts say.
CONSOLE = "https://console.cloud.google.com/"


@dataclass(frozen=True)
class StepRow:
    """One row of the execution table, in words.

    ``result`` of a pending row is what is expected of it; of a running one, how
    far it is. ``seconds`` is how long it took; ``None`` while it goes on. ``of``
    is the position of its task in the run; ``None`` for the run's own rows.
    """

    key: str
    of: int | None
    try_number: int
    number: int
    action: str
    conn_id: str
    internal_state: str
    state: StepState
    result: str
    facts: str
    console_url: str
    retries: int
    started_at: datetime | None
    seconds: float | None
    explanation: Explanation | None
    vendor_message: str


@dataclass(frozen=True)
class TryRows:
    """The rows of an earlier try; ``reason`` is what its failed step said."""

    number: int
    rows: tuple[StepRow, ...]
    state: StepState
    reason: str
    started_at: datetime | None
    seconds: float | None


@dataclass(frozen=True)
class TaskRows:
    """The rows of one task instance's present try, its tracker, and its earlier tries."""

    task_instance: TaskInstance
    rows: tuple[StepRow, ...]
    tracker: Tracker
    earlier: tuple[TryRows, ...]
    seconds_queued: float | None
    seconds: float | None


@dataclass(frozen=True)
class RunTable:
    """The execution table of a run."""

    first: StepRow
    tasks: tuple[TaskRows, ...]
    last: StepRow

    @property
    def rows(self) -> list[StepRow]:
        return [self.first, *(row for task in self.tasks for row in task.rows), self.last]


def run_table(run: DagRun) -> RunTable:
    """The whole table, in two queries; see ``tasks_table`` for some of its tasks."""
    return table_of(run.steps.order_by("position"), run.task_instances.order_by("position"))


def tasks_table(run: DagRun, instances: Iterable[TaskInstance]) -> RunTable:
    """The run's own rows and those of ``instances``, in one query."""
    instances = list(instances)
    frame = run.steps.filter(task_instance=None)
    steps = frame | run.steps.filter(task_instance__in=instances) if instances else frame
    return table_of(steps.order_by("position"), instances)


def table_of(steps: Iterable[Step], instances: Iterable[TaskInstance]) -> RunTable:
    """``steps`` in their order, those of the run itself among them."""
    frame: list[Step] = []
    by_task: dict[int, list[Step]] = {}
    for step in steps:
        if step.task_instance_id is None:
            frame.append(step)
        else:
            by_task.setdefault(step.task_instance_id, []).append(step)
    first, last = frame
    tasks = [task_rows(each, by_task.get(each.pk, []), (first, last)) for each in instances]
    return RunTable(step_row(first), tuple(tasks), step_row(last))


def task_rows(instance: TaskInstance, steps: Iterable[Step], frame: tuple[Step, Step]) -> TaskRows:
    """``steps`` are those of all its tries, ``frame`` the first and last of the run."""
    tries: dict[int, list[Step]] = {}
    for step in steps:
        tries.setdefault(step.try_number, []).append(step)
    own = tries.pop(instance.try_number, [])
    states = dict.fromkeys(KINDS, StepState.PENDING)
    states |= {step.number: StepState(step.state) for step in (frame[0], *own, frame[1])}
    return TaskRows(
        task_instance=instance,
        rows=tuple(step_row(step, instance) for step in own),
        tracker=track(states),
        earlier=tuple(_try_rows(number, tries[number], instance) for number in sorted(tries)),
        seconds_queued=between(instance.queued_at, instance.started_at),
        seconds=between(instance.started_at, instance.ended_at),
    )


def _try_rows(number: int, steps: list[Step], instance: TaskInstance) -> TryRows:
    failed = next((step for step in steps if step.state == StepState.FAILED), None)
    told = failed or _telling(steps)
    started = min((step.started_at for step in steps if step.started_at), default=None)
    ended = max((step.ended_at for step in steps if step.ended_at), default=None)
    return TryRows(
        number=number,
        rows=tuple(step_row(step, instance) for step in steps),
        state=StepState(told.state),
        reason=f"step {failed.number}: {failed.result}" if failed else told.result,
        started_at=started,
        seconds=between(started, ended),
    )


def _telling(steps: list[Step]) -> Step:
    """The step that tells how a try went that didn't fail: where it was cancelled, or its work.
    A session that was never asked for is skipped, and tells nothing."""
    cancelled = (step for step in steps if step.state == StepState.CANCELLED)
    work = (step for step in steps if step.number == 4)
    return next(cancelled, None) or next(work, steps[-1])


def work_of(number: int, operator: str) -> Work:
    """What row ``number`` says of a task with this operator. An operator that isn't there any more
    counts as one that calls a cloud."""
    if number != 4:
        kind = KINDS[number]
        return Work(kind.action, kind.internal_state, kind.done)
    known = OPERATORS.get(operator)
    return known.work if known else CLOUD_CALL


#: Of a row in one of these states: that it is expected, or that it has come.
_TELLS_WHAT_IS_DONE = (StepState.PENDING, StepState.SUCCESS)


def step_row(step: Step, instance: TaskInstance | None = None) -> StepRow:
    """``instance`` is that of the step, for those of a task."""
    kind = work_of(step.number, instance.operator if instance else "")
    explanation = explain(step.error_code, step.facts) if step.error_code else None
    return StepRow(
        key=f"step-{step.position}",
        of=instance.position if instance else None,
        try_number=step.try_number,
        number=step.number,
        action=kind.action,
        conn_id=step.conn_id,
        internal_state=kind.internal_state,
        state=StepState(step.state),
        result=step.result or (kind.done if step.state in _TELLS_WHAT_IS_DONE else ""),
        facts=_facts(step),
        console_url=_console_url(step),
        retries=step.retries,
        started_at=step.started_at,
        seconds=between(step.started_at, step.ended_at),
        explanation=explanation,
        vendor_message=step.vendor_message,
    )


def waiting_for(run: DagRun) -> str:
    """What a run waits for in which no task is under way; empty for any other."""
    return str(run_wait(run) or "")


def _facts(step: Step) -> str:
    """What is worth showing beside the result: as whom, or which job."""
    if step.number == 3 and "identity" in step.facts and not step.error_code:
        return f"as {step.facts['identity']}"
    return str(step.facts.get("job_id", "")) if step.number == 4 else ""


def _console_url(step: Step) -> str:
    address = str(step.facts.get("console_url", ""))
    return address if address.startswith(CONSOLE) else ""


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from ``start`` to ``end``, where both are known."""
    return (end - start).total_seconds() if start and end else None
