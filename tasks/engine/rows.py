"""The rows of a new run: its task instances, and all steps of their first try."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.engine import admission, hot_rows, places, steps
from tasks.engine.places import Message
from tasks.engine.resettling import resettle
from tasks.engine.scheduling import is_instant
from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.spec import DagSpec
from tasks.states import TaskState


def insert_run(run: DagRun) -> list[Message]:
    """Save a new run with all its rows; the messages for what is ready. In a transaction."""
    spec = spec_of(run.version_id)
    has_place = places.has_place(run.dag_id, spec.max_active_runs)
    for name, value in admission.columns(spec, is_admitted=has_place).items():
        setattr(run, name, value)
    run.tasks_left = len(spec.tasks)
    hot_rows.insert(DagRun, [run])
    rows = new_instances(run, spec, spec.by_id, sequence=run.sequence)
    first = _first(spec)
    is_plain = not spec.max_active_tasks and not any(is_instant(spec, name) for name in first)
    if has_place and is_plain:
        _queue(rows, first, run)
    hot_rows.insert(TaskInstance, rows)
    steps.insert_all(run)
    if not has_place:
        return []
    if is_plain:
        return [Message(row.pk, row.queue) for row in rows if row.state == TaskState.QUEUED]
    return resettle(run.pk, spec, number=run.sequence)


def _first(spec: DagSpec) -> set[str]:
    """The tasks that run whatever happens to others."""
    found = set()
    for task in spec.tasks:
        count = len(task.upstream)
        if verdict(task.trigger_rule, Upstream(count, count, 0, 0)) is Verdict.RUN:
            found.add(task.task_id)
    return found


def _queue(rows: list[TaskInstance], first: set[str], run: DagRun) -> None:
    for row in rows:
        if row.task_id in first:
            row.state = TaskState.QUEUED
            row.queued_at = row.sent_at = run.queued_at


def new_instances(
    run: DagRun, spec: DagSpec, task_ids: Iterable[str], *, sequence: int
) -> list[TaskInstance]:
    """Task instances that wait for all tasks before them. They are not saved."""
    return [
        TaskInstance(
            run=run,
            task_id=task.task_id,
            position=spec.position_of[task.task_id],
            operator=task.operator,
            conn_id=task.conn_id or "",
            queue=task.queue,
            max_tries=task.retries + 1,
            upstream_left=len(task.upstream),
            sequence=sequence,
        )
        for task in (spec.task(task_id) for task_id in task_ids)
    ]
