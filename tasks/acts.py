"""What a person may do with runs and their tasks: cancel, clear, mark, note, delete.

Each act is one transaction that begins with a number of the run's sequence, and
so with its row locked; what is no longer as it was is refused in words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from access.audit import Actor, record
from tasks import live
from tasks.engine import ending, scheduling, steps, writing
from tasks.engine.admission import admit
from tasks.engine.clearing import clear, reopen, reopen_after
from tasks.engine.places import Message
from tasks.engine.resettling import resettle
from tasks.engine.versions import spec_of
from tasks.exceptions import ActRefused
from tasks.models import DagRun, LogLine, RenderedFields, Step, TaskInstance, XCom
from tasks.states import (
    RUN_MOVES,
    TASK_HELD,
    TASK_MOVES,
    TASK_WAITING,
    RunState,
    StepState,
    TaskState,
    sources,
)
from tasks.tasks import send

LONGEST_NOTE = 1_000
MARKS = (TaskState.SUCCESS, TaskState.FAILED, TaskState.SKIPPED)
_ENDED: dict[str, Any] = {
    "lease_token": None,
    "lease_expires_at": None,
    "due_at": None,
    "waits_on": TaskInstance.WaitsOn.NOTHING,
}


def cancel_run(run: DagRun, *, actor: Actor, reason: str = "") -> DagRun:
    """End what waits, and ask what runs to stop. Raise ``ActRefused`` for a run that is over."""
    with transaction.atomic():
        number = writing.take_number(run.pk)
        run = _fresh(run)
        if run.is_over:
            raise ActRefused("The run is over; there is nothing to cancel.")
        if run.state == RunState.CANCELLING:
            raise ActRefused("The run is being cancelled already.")
        DagRun.objects.filter(pk=run.pk).update(
            cancelled_by_name=actor.name or "somebody", cancel_reason=reason
        )
        _stop(run, number=number, words=_cancelled_by(actor, reason))
        _record(actor, "cancelled", run, reason=reason)
    return _fresh(run)


def stop_run(run: DagRun) -> None:
    """The same for a run that has used up its time; one that is over meanwhile is left alone."""
    with transaction.atomic():
        number = writing.take_number(run.pk)
        run = _fresh(run)
        if not run.is_over and run.state != RunState.CANCELLING:
            _stop(run, number=number, words="The run took longer than dagrun_timeout")


def _stop(run: DagRun, *, number: int, words: str) -> None:
    spec = spec_of(run.version_id)
    rows = TaskInstance.objects.filter(run=run)
    running = rows.filter(state=TaskState.RUNNING)
    running.update(state=TaskState.CANCELLING, sequence=number)
    if run.state == RunState.RUNNING:
        _move_run(run, RunState.CANCELLING)
    waiting = list(rows.filter(state__in=TASK_WAITING).values_list("pk", flat=True))
    _cancel_waiting(run, waiting, number=number, words=words)
    messages = ending.count_down(run.pk, spec, over=len(waiting), number=number)
    _send_on_commit(run, messages)


def _cancel_waiting(run: DagRun, ids: list[int], *, number: int, words: str) -> None:
    rows = TaskInstance.objects.filter(pk__in=ids, state__in=TASK_WAITING)
    columns = {**_ENDED, "ended_at": timezone.now(), "sequence": number}
    if rows.update(state=TaskState.CANCELLED, **columns) != len(ids):
        raise scheduling.IllegalMove(f"Tasks of run {run.pk} did not wait any more.")
    steps.end_tries(run.pk, number, StepState.CANCELLED, reasons={words: ids})


def cancel_task(instance: TaskInstance, *, actor: Actor) -> TaskInstance:
    """Raise ``ActRefused`` for a task instance that is over."""
    with transaction.atomic():
        number, run, instance = _locked(instance)
        if instance.is_over:
            raise ActRefused(f"{instance.task_id} is over; there is nothing to cancel.")
        if instance.state == TaskState.CANCELLING:
            raise ActRefused(f"{instance.task_id} is being cancelled already.")
        messages: list[Message] = []
        if instance.state in TASK_HELD:
            rows = TaskInstance.objects.filter(pk=instance.pk, state=TaskState.RUNNING)
            rows.update(state=TaskState.CANCELLING, sequence=number)
        else:
            words = _cancelled_by(actor, "")
            _cancel_waiting(run, [instance.pk], number=number, words=words)
            spec = spec_of(run.version_id)
            if run.admitted_at is None:
                # It waits for its place: nothing of it may run yet.
                messages = resettle(run.pk, spec, number=number)
            else:
                ended = {instance.task_id: TaskState.CANCELLED}
                messages = scheduling.follow(run.pk, spec, ended, number=number)
        _record(actor, "cancelled", run, task_id=instance.task_id)
        _send_on_commit(run, messages)
    return TaskInstance.objects.get(pk=instance.pk)


def clear_tasks(
    run: DagRun,
    *,
    actor: Actor,
    task_ids: Iterable[str] | None = None,
    only_failed: bool = False,
    downstream: bool = False,
    version: Literal["then", "now"] = "then",
) -> list[str]:
    """Let tasks that are over run again, as a further try; return their ids.

    ``task_ids`` are all tasks for ``None``. With ``only_failed``, of these the
    ones that failed, were cancelled or stand behind one that did. Raise
    ``ActRefused`` when nothing is to be cleared, or a task of them still runs.
    """
    with transaction.atomic():
        number = writing.take_number(run.pk)
        run = _fresh(run)
        if run.state == RunState.CANCELLING:
            raise ActRefused("The run is being cancelled; wait until it is.")
        cleared, messages = clear(
            run,
            number=number,
            task_ids=None if task_ids is None else set(task_ids),
            only_failed=only_failed,
            downstream=downstream,
            to_present_version=version == "now",
        )
        _record(actor, "cleared", run, task_ids=cleared[:20], tasks=len(cleared), version=version)
        _send_on_commit(run, messages)
    return cleared


def mark_task(
    instance: TaskInstance, state: TaskState, *, actor: Actor, reason: str
) -> TaskInstance:
    """``mark_tasks`` of one."""
    mark_tasks(instance.run, [instance.pk], state, actor=actor, reason=reason)
    return TaskInstance.objects.get(pk=instance.pk)


def mark_tasks(
    run: DagRun, ids: Collection[int], state: TaskState, *, actor: Actor, reason: str
) -> None:
    """Say by hand how tasks of a run ended. Raise ``ActRefused`` while a worker runs one of them.

    Marked as successful, what failed only because of them goes on.
    """
    if state not in MARKS:
        raise ActRefused(f"A task can be marked as {', '.join(MARKS)}.")
    with transaction.atomic():
        number = writing.take_number(run.pk)
        run = _fresh(run)
        if run.state == RunState.CANCELLING:
            raise ActRefused("The run is being cancelled; wait until it is.")
        rows = list(run.task_instances.filter(pk__in=ids).order_by("position"))
        _check_markable(rows, state)
        words = f"Marked as {state} by {actor.name}" + (f": {reason}" if reason else "")
        _mark(run, rows, state, words=words, actor=actor, reason=reason, number=number)
        spec = spec_of(run.version_id)
        names = [row.task_id for row in rows]
        if state != TaskState.FAILED:
            reopen_after(run, spec, names, number=number)
        reopen(run, spec, number=number)
        messages = resettle(run.pk, spec, number=number)
        which = (
            {"task_id": names[0]}
            if len(names) == 1
            else {"task_ids": names[:20], "tasks": len(names)}
        )
        _record(actor, "marked", run, **which, state=state, reason=reason)
        _send_on_commit(run, messages)


def _check_markable(rows: list[TaskInstance], state: TaskState) -> None:
    allowed = sources(TASK_MOVES, state)
    for row in rows:
        if row.state in TASK_HELD:
            raise ActRefused(f"{row.task_id} is running: cancel it first.")
        if row.state == state:
            raise ActRefused(f"{row.task_id} is {state} already.")
        if row.state not in allowed:
            raise ActRefused(f"{row.task_id} is {row.state}: it can't be marked as {state}.")


def _mark(
    run: DagRun,
    rows: list[TaskInstance],
    state: TaskState,
    *,
    words: str,
    actor: Actor,
    reason: str,
    number: int,
) -> None:
    ids = [row.pk for row in rows]
    found = TaskInstance.objects.filter(pk__in=ids, state__in=sources(TASK_MOVES, state))
    columns: dict[str, Any] = {**_ENDED, "sequence": number, "marked_by_name": actor.name}
    if reason:
        columns["note"] = reason[:LONGEST_NOTE]
    ended = Coalesce("ended_at", Value(timezone.now()))
    if found.update(state=state, ended_at=ended, **columns) != len(rows):
        raise ActRefused("A task went on meanwhile. Look again.")
    steps.end_tries(run.pk, number, StepState.SKIPPED, reasons={words: ids})
    steps.add_lines(rows, words, number=number)


def set_note(run: DagRun, note: str, *, actor: Actor) -> None:
    """Raise ``ActRefused`` for a note that is too long."""
    if len(note) > LONGEST_NOTE:
        raise ActRefused(f"A note has at most {LONGEST_NOTE:,} characters.")
    with transaction.atomic():
        writing.take_number(run.pk)
        DagRun.objects.filter(pk=run.pk).update(note=note)
        _record(actor, "noted", run)
        live.publish_on_commit(run.pk)


def delete_run(run: DagRun, *, actor: Actor) -> None:
    """Take the run away with all that is known of it. Raise ``ActRefused`` while it goes on.

    One that has not begun may be deleted: its place goes to the next run of its DAG, and the
    messages that were sent for it find nothing.
    """
    with transaction.atomic():
        writing.take_number(run.pk)
        run = _fresh(run)
        is_held = run.task_instances.filter(state__in=TASK_HELD).exists()
        if is_held or run.state in (RunState.RUNNING, RunState.CANCELLING):
            raise ActRefused("The run goes on. Cancel it, and delete it when it is over.")
        # Row by row it would take long.
        RenderedFields.objects.filter(task_instance__run=run).delete()
        XCom.objects.filter(task_instance__run=run).delete()
        for rows in (LogLine.objects, Step.objects, TaskInstance.objects):
            rows.filter(run=run).delete()
        DagRun.objects.filter(pk=run.pk).delete()
        _record(actor, "deleted", run, state=run.state)
        limit = spec_of(run.version_id).max_active_runs
        had_a_place = run.admitted_at is not None and not run.is_over
        _send_on_commit(run, admit(run.dag_id, limit) if limit and had_a_place else [])


def _move_run(run: DagRun, state: RunState) -> None:
    rows = DagRun.objects.filter(pk=run.pk, state__in=sources(RUN_MOVES, state))
    if not rows.update(state=state):
        raise scheduling.IllegalMove(f"Run {run.pk} can't become {state}.")
    run.state = state


def _fresh(run: DagRun) -> DagRun:
    return DagRun.objects.select_related("dag").get(pk=run.pk)


def _locked(instance: TaskInstance) -> tuple[int, DagRun, TaskInstance]:
    number = writing.take_number(instance.run_id)
    fresh = TaskInstance.objects.select_related("run__dag").get(pk=instance.pk)
    return number, fresh.run, fresh


def _cancelled_by(actor: Actor, reason: str) -> str:
    return f"Cancelled by {actor.name}" + (f": {reason}" if reason else "")


def _record(actor: Actor, action: str, run: DagRun, **detail: Any) -> None:
    record(actor, action, what="run", name=f"{run.dag.dag_id}/{run.run_id}", **detail)


def _send_on_commit(run: DagRun, messages: list[Message]) -> None:
    transaction.on_commit(lambda: send(messages))
    live.publish_on_commit(run.pk)
