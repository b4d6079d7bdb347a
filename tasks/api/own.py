"""Patchbay's own calls about runs, which Airflow has not: cancel, and the execution table."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.paging import Limit, Offset, page_of
from access.problems import Refused, refusals
from access.rights import Right, caller_of
from connections.api.schemas import Body
from tasks.acts import cancel_run, cancel_task
from tasks.api.finding import known_instance, known_run
from tasks.api.moments import Moment
from tasks.api.routing import own
from tasks.exceptions import ActRefused
from tasks.models import DagRun
from tasks.presentation.execution_table import step_row, waiting_for
from tasks.presentation.heads import count_states
from tasks.states import RunState, StepState, TaskState

LONGEST_REASON = 1_000
RUN = "/dags/{dag_id}/dagRuns/{dag_run_id}"


class OwnRun(BaseModel):
    """A run with Patchbay's own states, which tell what is cancelled from what failed."""

    dag_id: str
    dag_run_id: str
    state: RunState
    waits_for: str = Field(description="What it waits for in which no task runs, in words.")
    cancelled_by: str | None
    version_number: int
    tasks: dict[TaskState, int] = Field(description="How many tasks it has in each state.")
    url: str = Field(description="Its page.")


class CancelBody(Body):
    """Why, in words for who looks at the run later."""

    reason: str = Field("", max_length=LONGEST_REASON)


class OwnTask(BaseModel):
    """A task of a run with Patchbay's own state."""

    dag_id: str
    dag_run_id: str
    task_id: str
    state: TaskState


class OwnStep(BaseModel):
    """One row of the execution table."""

    step: int
    action: str
    task_id: str | None = Field(description="Null for the first and the last row, the run's own.")
    try_number: int
    connection_id: str | None
    internal_state: str
    state: StepState
    result: str = Field(description="Of a row that is pending, what is expected of it.")
    started_at: Moment | None
    ended_at: Moment | None
    error_code: str | None
    what_happened: str | None
    likely_cause: str | None
    what_to_do: str | None
    message: str | None = Field(description="The other side's own words, with secrets masked.")
    console_url: str | None


class StepCollection(BaseModel):
    """A page of the execution table, and how many rows it has."""

    steps: list[OwnStep]
    total_entries: int


@own.get(
    RUN,
    auth=Bearer(Right.SEE),
    summary="A run, with Patchbay's own states",
    response={200: OwnRun, **refusals(404)},
)
def read_run(request: HttpRequest, dag_id: str, dag_run_id: str) -> dict[str, Any]:
    """How far it is, and what it waits for."""
    return _shown(known_run(dag_id, dag_run_id))


@own.post(
    f"{RUN}/cancel",
    auth=Bearer(Right.CANCEL),
    summary="Cancel a run",
    response={200: OwnRun, **refusals(404, 409)},
)
def cancel_a_run(
    request: HttpRequest, dag_id: str, dag_run_id: str, body: CancelBody | None = None
) -> dict[str, Any]:
    """What waits ends at once; what runs is asked to stop, and reaches its cloud job. Until then
    the run is `cancelling`."""
    run = known_run(dag_id, dag_run_id)
    reason = (body.reason if body else "").replace("\0", "")
    try:
        cancel_run(run, actor=caller_of(request).actor, reason=reason)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
    return _shown(known_run(dag_id, dag_run_id))


@own.post(
    f"{RUN}/taskInstances/{{task_id}}/cancel",
    auth=Bearer(Right.CANCEL),
    summary="Cancel a task of a run",
    response={200: OwnTask, **refusals(404, 409)},
)
def cancel_a_task(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str
) -> dict[str, Any]:
    """The others go on, as their trigger rules say."""
    row = known_instance(dag_id, dag_run_id, task_id)
    try:
        row = cancel_task(row, actor=caller_of(request).actor)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
    return {
        "dag_id": dag_id,
        "dag_run_id": dag_run_id,
        "task_id": task_id,
        "state": row.state,
    }


@own.get(
    f"{RUN}/steps",
    auth=Bearer(Right.SEE),
    summary="The execution table of a run",
    response={200: StepCollection, **refusals(404)},
)
def list_steps(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    limit: Limit = 50,
    offset: Offset = 0,
    task_id: str | None = None,
) -> dict[str, Any]:
    """A page of its rows in their order, those of earlier tries too; of one task with `task_id`."""
    run = known_run(dag_id, dag_run_id)
    rows = run.steps.order_by("position").select_related("task_instance")
    if task_id is not None:
        known_instance(dag_id, dag_run_id, task_id)
        rows = rows.filter(task_instance__task_id=task_id)
    page = rows[page_of(limit=limit, offset=offset)]
    return {"steps": [_step(row) for row in page], "total_entries": rows.count()}


def _shown(run: DagRun) -> dict[str, Any]:
    return {
        "dag_id": run.dag.dag_id,
        "dag_run_id": run.run_id,
        "state": run.state,
        "waits_for": waiting_for(run),
        "cancelled_by": run.cancelled_by_name or None,
        "version_number": run.version.number,
        "tasks": count_states(run).by_state,
        "url": f"/runs/{run.pk}/",
    }


def _step(step: Any) -> dict[str, Any]:
    row = step_row(step, step.task_instance)
    words = row.explanation
    return {
        "step": row.number,
        "action": row.action,
        "task_id": step.task_instance.task_id if step.task_instance else None,
        "try_number": row.try_number,
        "connection_id": row.conn_id or None,
        "internal_state": row.internal_state,
        "state": row.state,
        "result": row.result,
        "started_at": step.started_at,
        "ended_at": step.ended_at,
        "error_code": step.error_code or None,
        "what_happened": words.happened if words else None,
        "likely_cause": words.cause if words else None,
        "what_to_do": words.remedy if words else None,
        "message": row.vendor_message or None,
        "console_url": row.console_url or None,
    }
