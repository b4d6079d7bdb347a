"""The end of a run: when its last task instance is over, and how it ended."""

from __future__ import annotations

from django.utils import timezone

from connections.database import kept_cursor
from tasks.engine import steps, writing
from tasks.engine.places import Message
from tasks.models import DagRun, Step, TaskInstance
from tasks.spec import DagSpec
from tasks.states import RUN_MOVES, RunState, StepState, TaskState, sources

#: Named in the last row; of others their number is told.
NAMED = 3
_DEAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED)


def count_down(run_id: int, spec: DagSpec, *, over: int, number: int) -> list[Message]:
    """``over`` more task instances are over; end the run if they were the last."""
    if not over:
        return []
    with kept_cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_dagrun SET tasks_left = tasks_left - %s WHERE id = %s "
            "RETURNING tasks_left",
            [over, run_id],
        )
        left = cursor.fetchone()[0]
    return [] if left else end(run_id, spec, number=number)


def end(run_id: int, spec: DagSpec, *, number: int, admits: bool = True) -> list[Message]:
    """End the run; the messages of runs of its DAG that have a place now.

    Without ``admits`` the caller looks for those itself.
    """
    columns = ("state", "dag_id", "cancelled_by_name", "cancel_reason", "deadline_at")
    run = DagRun.objects.only(*columns).get(pk=run_id)
    state, words = _outcome(run, spec)
    now = timezone.now()
    moved = DagRun.objects.filter(pk=run_id, state__in=sources(RUN_MOVES, state))
    if not moved.update(state=state, ended_at=now):
        raise RuntimeError(f"Run {run_id} can't become {state}.")
    make = _LAST_ROWS[state]
    changes = [make(steps.position_of(6, None), words, started_at=now)]
    if run.state == RunState.QUEUED:
        # No worker was needed for it, or none has begun it.
        first = steps.position_of(1, None)
        is_done = state == RunState.SUCCESS
        changes.append(
            steps.succeeded(first, steps.KINDS[1].done) if is_done else steps.skipped(first, words)
        )
    writing.write(run_id, changes, number=number)
    return _admitted(run.dag_id, spec) if admits else []


_LAST_ROWS = {
    RunState.SUCCESS: steps.succeeded,
    RunState.FAILED: steps.failed,
    RunState.CANCELLED: steps.cancelled,
}


def _admitted(dag_pk: int, spec: DagSpec) -> list[Message]:
    if not spec.max_active_runs:
        return []
    from tasks.engine.admission import admit

    return admit(dag_pk, spec.max_active_runs)


def _outcome(run: DagRun, spec: DagSpec) -> tuple[RunState, str]:
    """As in Airflow, the tasks that nothing follows decide."""
    if run.state == RunState.CANCELLING:
        if run.cancelled_by_name:
            return RunState.CANCELLED, _cancelled(run)
        limit = f"{spec.dagrun_timeout:g}" if spec.dagrun_timeout else "?"
        return RunState.FAILED, f"DAG run failed: it took longer than dagrun_timeout ({limit} s)"
    dead = dict(
        TaskInstance.objects.filter(run_id=run.pk, state__in=_DEAD)
        .order_by("position")
        .values_list("task_id", "state")
    )
    if not any(task_id in dead and not spec.downstream.get(task_id) for task_id in dead):
        return RunState.SUCCESS, steps.KINDS[6].done
    if run.cancelled_by_name and run.state == RunState.QUEUED:
        return RunState.CANCELLED, _cancelled(run)
    return RunState.FAILED, _why(run.pk, dead)


def _cancelled(run: DagRun) -> str:
    reason = f": {run.cancel_reason}" if run.cancel_reason else ""
    return f"Cancelled by {run.cancelled_by_name}{reason}"


def _why(run_id: int, dead: dict[str, str]) -> str:
    first = [name for name, state in dead.items() if state == TaskState.FAILED]
    first = first or [name for name, state in dead.items() if state == TaskState.CANCELLED]
    numbers = dict(
        Step.objects.filter(
            run_id=run_id,
            task_instance__task_id__in=first[:NAMED],
            state=StepState.FAILED,
            number__in=(2, 3, 4),
        )
        .order_by("position")
        .values_list("task_instance__task_id", "number")
    )
    parts = [_part(name, dead[name], numbers.get(name)) for name in first[:NAMED]]
    if len(first) > NAMED:
        parts.append(f"{len(first) - NAMED} more")
    return f"DAG run failed: {', '.join(parts)}"


def _part(task_id: str, state: str, number: int | None) -> str:
    if state == TaskState.CANCELLED:
        return f"{task_id} was cancelled"
    return f"{task_id} failed at step {number}" if number else f"{task_id} failed"
