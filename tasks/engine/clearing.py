"""Makes tasks that are over run again, in the same run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasks.engine import admission, places, steps
from tasks.engine.places import Message
from tasks.engine.resettling import resettle
from tasks.engine.rows import new_instances
from tasks.engine.steps import MOST_TRIES
from tasks.engine.versions import spec_of
from tasks.exceptions import ActRefused
from tasks.models import DagRun, DagVersion, TaskInstance, XCom
from tasks.spec import DagSpec
from tasks.states import (
    RUN_TERMINAL,
    TASK_HELD,
    TASK_TERMINAL,
    TASK_WAITING,
    RunState,
    StepState,
    TaskState,
)

FAILED = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})
_ANEW: dict[str, Any] = {
    "state": TaskState.PENDING,
    "queued_at": None,
    "started_at": None,
    "ended_at": None,
    "due_at": None,
    "sent_at": None,
    "looks": 0,
    "takeovers": 0,
    "worker": "",
    "note": "",
    "marked_by_name": "",
    "conn_version": None,
}


def clear(
    run: DagRun,
    *,
    number: int,
    task_ids: set[str] | None,
    only_failed: bool,
    downstream: bool,
    to_present_version: bool,
) -> tuple[list[str], list[Message]]:
    """The tasks that run again, and the messages for those that are ready."""
    if to_present_version:
        _change_version(run, number=number)
    spec = spec_of(run.version_id)
    rows = _chosen(run, spec, task_ids, only_failed=only_failed, downstream=downstream)
    _make_pending(run, rows, spec, number=number)
    reopen(run, spec, number=number)
    return [row.task_id for row in rows], resettle(run.pk, spec, number=number)


def _chosen(
    run: DagRun, spec: DagSpec, task_ids: set[str] | None, *, only_failed: bool, downstream: bool
) -> list[TaskInstance]:
    if task_ids is not None and (unknown := sorted(task_ids - spec.by_id.keys())):
        raise ActRefused(f"The DAG has no task {', '.join(unknown[:3])}.")
    names = set(spec.by_id) if task_ids is None else set(task_ids)
    if downstream:
        names |= spec.all_downstream(names)
    rows = list(run.task_instances.filter(task_id__in=names).order_by("position"))
    if running := [row.task_id for row in rows if row.state in TASK_HELD]:
        raise ActRefused(f"{', '.join(running[:3])} is running: cancel it first.")
    wanted = FAILED if only_failed else TASK_TERMINAL
    found = [row for row in rows if row.state in wanted]
    if not found:
        what = "failed" if only_failed else "is over"
        raise ActRefused(f"Nothing is to be cleared: none of these tasks {what}.")
    return found


def _make_pending(run: DagRun, rows: list[TaskInstance], spec: DagSpec, *, number: int) -> None:
    """What has begun before gets a further try with rows of its own; the rest its rows anew."""
    begun = [row for row in rows if row.started_at is not None]
    if full := [row.task_id for row in begun if row.try_number >= MOST_TRIES]:
        raise ActRefused(f"{full[0]} has had {MOST_TRIES:,} tries: trigger a new run.")
    fresh = [row.pk for row in rows if row.started_at is None]
    for row in begun:
        row.try_number += 1
        row.max_tries = row.try_number + spec.task(row.task_id).retries
    TaskInstance.objects.bulk_update(begun, ["try_number", "max_tries"], batch_size=500)
    ids = [row.pk for row in rows]
    moved = TaskInstance.objects.filter(pk__in=ids, state__in=TASK_TERMINAL)
    if moved.update(**_ANEW, sequence=number) != len(ids):
        raise ActRefused("A task went on meanwhile. Look again.")
    XCom.objects.filter(task_instance__in=ids).delete()
    steps.reset_tries(run.pk, fresh, number=number)
    steps.insert_tries(run.pk, number, [row.pk for row in begun])


def reopen(run: DagRun, spec: DagSpec, *, number: int) -> None:
    """Let a run that was over go on, when it has a place among its DAG's active runs."""
    if not run.is_over:
        return
    has_place = places.has_place(run.dag_id, spec.max_active_runs)
    goes_on = has_place and run.started_at is not None
    DagRun.objects.filter(pk=run.pk, state__in=RUN_TERMINAL).update(
        state=RunState.RUNNING if goes_on else RunState.QUEUED,
        started_at=run.started_at if goes_on else None,
        ended_at=None,
        cancelled_by_name="",
        cancel_reason="",
        **admission.columns(spec, is_admitted=has_place),
    )
    steps.reopen_frame(run.pk, number=number, with_first=not goes_on)


def reopen_after(run: DagRun, spec: DagSpec, task_ids: Iterable[str], *, number: int) -> None:
    """What failed or was skipped only because of ``task_ids`` waits again."""
    names = spec.all_downstream(task_ids)
    idle = run.task_instances.filter(
        task_id__in=names, state=TaskState.UPSTREAM_FAILED, started_at__isnull=True
    )
    _make_pending(run, list(idle), spec, number=number)


def _change_version(run: DagRun, *, number: int) -> None:
    """Move the run to the DAG's present version: tasks come and go with it."""
    present = run.dag.current_version_id
    if present is None or present == run.version_id:
        return
    if run.task_instances.filter(state__in=TASK_HELD).exists():
        raise ActRefused("A task is running: the run stays at its version until it is over.")
    spec = spec_of(present)
    rows = {row.task_id: row for row in run.task_instances.all()}
    DagRun.objects.filter(pk=run.pk).update(version=present)
    run.version = DagVersion.objects.get(pk=present)
    gone = [row.pk for name, row in rows.items() if name not in spec.by_id]
    _remove(run, gone, number=number)
    back = [name for name, row in rows.items() if row.state == TaskState.REMOVED]
    returned = run.task_instances.filter(task_id__in=[name for name in back if name in spec.by_id])
    _make_pending(run, list(returned), spec, number=number)
    _place(run, [row for name, row in rows.items() if name in spec.by_id], spec, gone=gone)
    new = [task.task_id for task in spec.tasks if task.task_id not in rows]
    made = TaskInstance.objects.bulk_create(new_instances(run, spec, new, sequence=number))
    steps.insert_tries(run.pk, number, [row.pk for row in made])


def _remove(run: DagRun, ids: list[int], *, number: int) -> None:
    """What waits ends as cancelled first: only what is over can be removed."""
    rows = run.task_instances.filter(pk__in=ids)
    waiting = rows.filter(state__in=TASK_WAITING - {TaskState.PENDING})
    waiting.update(state=TaskState.CANCELLED, due_at=None, waits_on="")
    rows.update(state=TaskState.REMOVED, sequence=number)
    reasons = {"The version of the run has no such task": ids}
    steps.end_tries(run.pk, number, StepState.SKIPPED, reasons=reasons)


def _place(run: DagRun, rows: Iterable[TaskInstance], spec: DagSpec, *, gone: list[int]) -> None:
    """Positions are those of the new version; the rows of the table follow."""
    for position, pk in enumerate(gone):
        TaskInstance.objects.filter(pk=pk).update(position=len(spec.tasks) + position)
    kept = list(rows)
    for row in kept:
        task = spec.task(row.task_id)
        row.position = spec.position_of[row.task_id]
        row.operator, row.queue = task.operator, task.queue
        if row.started_at is None:
            row.conn_id = task.conn_id or ""
    TaskInstance.objects.bulk_update(
        kept, ["position", "operator", "queue", "conn_id"], batch_size=500
    )
    steps.place_anew(run.pk)
