"""Decides what runs next, in the transaction in which a task instance ends."""

from __future__ import annotations

from django.utils import timezone

from tasks import steps
from tasks.models import DagRun, Step, TaskInstance
from tasks.spec import DagSpec
from tasks.states import (
    RUN_MOVES,
    TASK_MOVES,
    TASK_TERMINAL,
    RunState,
    StepState,
    TaskState,
    sources,
)


def finish(task_instance: TaskInstance, state: TaskState, spec: DagSpec) -> list[int]:
    """Move a running task instance to its end; return the ids of those that are ready now.

    The caller holds the row of the run locked, so that two tasks that end at
    once see each other.
    """
    now = timezone.now()
    moved = TaskInstance.objects.filter(
        pk=task_instance.pk, state=TaskState.RUNNING, lease_token=task_instance.lease_token
    ).update(state=state, ended_at=now, lease_token=None, lease_expires_at=None)
    if not moved:
        raise RuntimeError(f"Task instance {task_instance.pk} was not running.")
    task_instance.state = state
    if len(spec.tasks) == 1:
        # Most runs have one task, and nothing is to be asked about the others.
        _end(task_instance.run_id, [task_instance])
        return []
    return release(task_instance.run_id, spec)


def release(run_id: int, spec: DagSpec) -> list[int]:
    """Queue what waits for nothing more, and end the run when nothing is left."""
    rows = {row.task_id: row for row in TaskInstance.objects.filter(run_id=run_id)}
    _fail_downstream(run_id, rows, spec)
    ready = [
        row
        for task in spec.tasks
        if (row := rows[task.task_id]).state == TaskState.PENDING
        and all(rows[name].state == TaskState.SUCCESS for name in task.upstream)
    ]
    now = timezone.now()
    ids = [row.pk for row in ready]
    if ids:
        TaskInstance.objects.filter(pk__in=ids, state=TaskState.PENDING).update(
            state=TaskState.QUEUED, queued_at=now, sent_at=now
        )
    elif all(row.state in TASK_TERMINAL for row in rows.values()):
        _end(run_id, list(rows.values()))
    return ids


def _fail_downstream(run_id: int, rows: dict[str, TaskInstance], spec: DagSpec) -> None:
    """Mark all that stands after a failure, however far."""
    dead = {TaskState.FAILED, TaskState.UPSTREAM_FAILED}
    allowed = sources(TASK_MOVES, TaskState.UPSTREAM_FAILED)
    while found := [
        (rows[task.task_id], name)
        for task in spec.tasks
        if rows[task.task_id].state in allowed
        for name in task.upstream
        if rows[name].state in dead
    ]:
        for row, name in found:
            if row.state not in allowed:
                continue
            row.state = TaskState.UPSTREAM_FAILED
            TaskInstance.objects.filter(pk=row.pk, state__in=allowed).update(
                state=row.state, ended_at=timezone.now()
            )
            steps.write(
                run_id,
                [
                    steps.skipped(steps.position_of(number, row.position), f"{name} failed")
                    for number in steps.TASK_STEPS
                ],
            )


def _end(run_id: int, rows: list[TaskInstance]) -> None:
    failed = [row for row in rows if row.state == TaskState.FAILED]
    state = RunState.FAILED if failed else RunState.SUCCESS
    now = timezone.now()
    running = DagRun.objects.filter(pk=run_id, state__in=sources(RUN_MOVES, state))
    if not running.update(state=state, ended_at=now):
        raise RuntimeError(f"Run {run_id} was not running.")
    position = steps.position_of(6, None)
    if not failed:
        change = steps.succeeded(position, steps.KINDS[6].done, started_at=now)
    else:
        change = steps.failed(position, _why(run_id, failed), started_at=now)
    steps.write(run_id, [change])


def _why(run_id: int, failed: list[TaskInstance]) -> str:
    numbers = dict(
        Step.objects.filter(run_id=run_id, state=StepState.FAILED, number__in=(2, 3, 4))
        .order_by("position")
        .values_list("task_instance_id", "number")
    )
    parts = [
        f"{row.task_id} failed at step {numbers[row.pk]}"
        if row.pk in numbers
        else f"{row.task_id} failed"
        for row in failed
    ]
    return f"DAG run failed: {', '.join(parts)}"
