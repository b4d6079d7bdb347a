"""Prepares rows for the pages and the terminal: the same words in both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from connections.diagnosis import Explanation, explain
from tasks.models import DagRun, Step, TaskInstance
from tasks.states import RunState, StepState, TaskState
from tasks.steps import KINDS
from tasks.tracker import Tracker, track
from tasks.workers import Worker, workers


@dataclass(frozen=True)
class StepRow:
    """One row of the execution table, in words.

    ``result`` of a pending row is what is expected of it; of a running one, how
    far it is. ``seconds`` is how long it took; ``None`` while it goes on.
    """

    key: str
    number: int
    action: str
    conn_id: str
    internal_state: str
    state: StepState
    result: str
    facts: str
    retries: int
    started_at: datetime | None
    seconds: float | None
    explanation: Explanation | None
    vendor_message: str


@dataclass(frozen=True)
class TaskRows:
    """The rows of one task instance, and its tracker."""

    task_instance: TaskInstance
    rows: tuple[StepRow, ...]
    tracker: Tracker
    seconds_queued: float | None
    seconds: float | None


@dataclass(frozen=True)
class RunTable:
    """The whole execution table of a run."""

    first: StepRow
    tasks: tuple[TaskRows, ...]
    last: StepRow

    @property
    def rows(self) -> list[StepRow]:
        return [self.first, *(row for task in self.tasks for row in task.rows), self.last]


def run_table(run: DagRun) -> RunTable:
    """Read the run's steps and instances, in two queries."""
    rows = list(run.steps.order_by("position"))
    instances = list(run.task_instances.order_by("position"))
    return table_of(rows, instances)


def table_of(steps: Iterable[Step], instances: Iterable[TaskInstance]) -> RunTable:
    steps = list(steps)
    first, last = steps[0], steps[-1]
    tasks = []
    for instance in instances:
        own = [step for step in steps if step.task_instance_id == instance.pk]
        states = {step.number: StepState(step.state) for step in (first, *own, last)}
        tasks.append(
            TaskRows(
                task_instance=instance,
                rows=tuple(step_row(step) for step in own),
                tracker=track(states),
                seconds_queued=_between(instance.queued_at, instance.started_at),
                seconds=_between(instance.started_at, instance.ended_at),
            )
        )
    return RunTable(step_row(first), tuple(tasks), step_row(last))


def step_row(step: Step) -> StepRow:
    kind = KINDS[step.number]
    explanation = explain(step.error_code, step.facts) if step.error_code else None
    return StepRow(
        key=f"step-{step.position}",
        number=step.number,
        action=kind.action,
        conn_id=step.conn_id,
        internal_state=kind.internal_state,
        state=StepState(step.state),
        result=step.result or ("" if step.state == StepState.RUNNING else kind.done),
        facts=_facts(step),
        retries=step.retries,
        started_at=step.started_at,
        seconds=_between(step.started_at, step.ended_at),
        explanation=explanation,
        vendor_message=step.vendor_message,
    )


def waiting_for(run: DagRun, table: RunTable) -> str:
    """What a run waits for that no worker has begun; empty for any other."""
    if run.state != RunState.QUEUED:
        return ""
    found = workers()
    now = timezone.now()
    words = (_instance_waits(task.task_instance, found, now) for task in table.tasks)
    return next((text for text in words if text), "")


def _instance_waits(instance: TaskInstance, found: list[Worker] | None, now: datetime) -> str:
    if instance.state != TaskState.QUEUED:
        return ""
    if instance.sent_at is None or found is None:
        return "Waits for the broker, which can't be reached; it is sent as soon as it is back"
    if not found:
        return "Waits for a worker: none is running"
    waited = int(_between(instance.queued_at, now) or 0)
    return f"Waits for a free worker for {waited} s" if waited else ""


def _facts(step: Step) -> str:
    """What is worth showing beside the result: as whom, or which job."""
    if step.number == 3 and "identity" in step.facts and not step.error_code:
        return f"as {step.facts['identity']}"
    return str(step.facts.get("job_id", "")) if step.number == 4 else ""


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None
