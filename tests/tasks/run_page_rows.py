"""Runs of many tasks in any state, as rows: what a run's page is tested with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from tasks.engine import steps
from tasks.models import DagRun, LogLine, Step, TaskInstance
from tasks.spec import TaskSpec
from tasks.states import TASK_TERMINAL, RunState, StepState, TaskState
from tests.tasks.conftest import query_task, save_dag

P, R, S, F, X, C = (
    StepState.PENDING,
    StepState.RUNNING,
    StepState.SUCCESS,
    StepState.FAILED,
    StepState.SKIPPED,
    StepState.CANCELLED,
)
#: How steps 2 to 5 stand for each state of a task.
STEPS: dict[str, tuple[StepState, ...]] = {
    TaskState.RUNNING: (S, S, R, P),
    TaskState.CANCELLING: (S, S, R, P),
    TaskState.SUCCESS: (S, S, S, S),
    TaskState.FAILED: (S, S, F, S),
    TaskState.UP_FOR_RETRY: (P, P, P, P),
    TaskState.SKIPPED: (X, X, X, X),
    TaskState.UPSTREAM_FAILED: (X, X, X, X),
    TaskState.CANCELLED: (C, C, C, C),
}
BEGUN = {TaskState.RUNNING, TaskState.CANCELLING, TaskState.SUCCESS, TaskState.FAILED}
RESULTS = {4: {S: "Cloud job done, 5 rows", R: "Cloud job started successfully"}}
SYNTAX_ERROR: dict[str, Any] = {
    "error_code": "job:invalid-query",
    "result": "Query is not valid",
    "vendor_message": "Syntax error: Unexpected keyword FORM at [1:10]",
}


@dataclass(frozen=True)
class Plan:
    """How a task of the run stands."""

    state: str = TaskState.SUCCESS
    try_number: int = 1
    max_tries: int = 1
    columns: Mapping[str, Any] | None = None


def make_run(
    plans: Mapping[str, Plan],
    *,
    state: str = RunState.RUNNING,
    tasks: tuple[TaskSpec, ...] = (),
    **columns: Any,
) -> DagRun:
    """A run whose tasks stand as ``plans`` says; its sequence begins at 10."""
    dag = save_dag(*(tasks or tuple(query_task(name) for name in plans)))
    now = timezone.now()
    given: dict[str, Any] = {
        "run_id": f"manual__{now.isoformat()}",
        "queued_at": now - timedelta(seconds=60),
        "admitted_at": now - timedelta(seconds=60),
        "started_at": now - timedelta(seconds=59),
        "ended_at": now if state in ("success", "failed", "cancelled") else None,
        "triggered_by_name": "tester",
        "sequence": 10,
        **columns,
    }
    assert dag.current_version
    run = DagRun.objects.create(dag=dag, version=dag.current_version, state=state, **given)
    instances = TaskInstance.objects.bulk_create(
        _instance(run, position, name, plan) for position, (name, plan) in enumerate(plans.items())
    )
    rows = [_frame(run, 1, S), _frame(run, 6, _end_of(state))]
    for instance in instances:
        for number in range(1, instance.try_number):
            rows += _steps(instance, number, TaskState.FAILED)
        rows += _steps(instance, instance.try_number, instance.state)
    Step.objects.bulk_create(rows)
    return run


def _end_of(state: str) -> StepState:
    return {"success": S, "failed": F, "cancelled": C}.get(state, P)


def _frame(run: DagRun, number: int, state: StepState) -> Step:
    position = steps.position_of(number, None)
    return Step(run=run, number=number, position=position, state=state, sequence=1)


def _instance(run: DagRun, position: int, name: str, plan: Plan) -> TaskInstance:
    begun = run.queued_at + timedelta(seconds=2 + position % 30)
    is_over = plan.state in TASK_TERMINAL
    given: dict[str, Any] = {
        "queued_at": None if plan.state == TaskState.PENDING else run.queued_at,
        "sent_at": run.queued_at,
        "started_at": begun if plan.state in BEGUN else None,
        "ended_at": begun + timedelta(seconds=5) if is_over and plan.state in BEGUN else None,
        "conn_version": 3 if plan.state in BEGUN else None,
        "operator": "BigQueryInsertJobOperator",
        **(plan.columns or {}),
    }
    return TaskInstance(
        run=run,
        task_id=name,
        position=position,
        conn_id="my_gcp_conn",
        state=plan.state,
        try_number=plan.try_number,
        max_tries=plan.max_tries,
        sequence=2,
        **given,
    )


def _steps(instance: TaskInstance, try_number: int, state: str) -> list[Step]:
    rows = []
    for number, step_state in zip(steps.TASK_STEPS, STEPS.get(state, (P, P, P, P)), strict=True):
        has_begun = step_state in (R, S, F)
        at = (instance.started_at or instance.run.queued_at) + timedelta(seconds=number)
        columns: dict[str, Any] = {"result": RESULTS.get(number, {}).get(step_state, "")}
        if step_state == F:
            columns = dict(SYNTAX_ERROR)
        rows.append(
            Step(
                run=instance.run,
                task_instance=instance,
                number=number,
                position=steps.position_of(number, instance.position, try_number),
                try_number=try_number,
                state=step_state,
                conn_id=instance.conn_id,
                started_at=at if has_begun else None,
                ended_at=at + timedelta(milliseconds=40) if step_state in (S, F) else None,
                sequence=2,
                **columns,
            )
        )
    return rows


@transaction.atomic
def add_lines(instance: TaskInstance, *lines: tuple[str, str], try_number: int = 1) -> None:
    """Lines of (level, text), all with the next number of the run's sequence."""
    run = instance.run
    run.sequence += 1
    for level, text in lines:
        LogLine.objects.create(
            run=run,
            task_instance=instance,
            try_number=try_number,
            sequence=run.sequence,
            level=level,
            text=text,
        )
    run.save(update_fields=["sequence"])


@transaction.atomic
def change(
    run: DagRun, *task_ids: str, state: str, step: tuple[int, StepState] | None = None
) -> None:
    """Tasks of the run become ``state``, under the next number of its sequence."""
    run.refresh_from_db()
    run.sequence += 1
    run.save(update_fields=["sequence"])
    rows = TaskInstance.objects.filter(run=run, task_id__in=task_ids)
    moment: dict[str, datetime] = {}
    if state in TASK_TERMINAL:
        moment["ended_at"] = timezone.now()
    if state == TaskState.RUNNING:
        moment["started_at"] = timezone.now()
    rows.update(state=state, sequence=run.sequence, **moment)
    if step:
        number, step_state = step
        present = Step.objects.filter(
            task_instance__in=rows, number=number, try_number=models.F("task_instance__try_number")
        )
        Step.objects.filter(pk__in=list(present.values_list("pk", flat=True))).update(
            state=step_state, sequence=run.sequence
        )


def many(count: int, **states: str) -> dict[str, Plan]:
    """``count`` tasks that went well, but for those of ``states`` (task ID -> state)."""
    names = [f"task_{number:04}" for number in range(count)]
    return {name: Plan(states.get(name, TaskState.SUCCESS)) for name in names}
