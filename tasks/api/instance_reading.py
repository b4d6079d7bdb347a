"""Lists the tasks of runs and shows one with its tries, as Airflow does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.filtering import Pattern, PrefixPattern, beginning, containing, ordering
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right
from tasks.api.finding import (
    ALL,
    is_possible,
    known_dag,
    known_instance,
    known_run,
    refuse_unknown_filters,
)
from tasks.api.moments import Ranges, duration, run_after, started, within
from tasks.api.routing import task_instances
from tasks.api.run_schemas import (
    TaskInstanceCollection,
    TaskInstanceHistoryCollection,
    TaskInstanceHistoryResponse,
    TaskInstanceResponse,
    TaskInstancesBatchBody,
)
from tasks.api.run_shapes import POOL, instance_shapes, tries_begun, try_shape
from tasks.api.states import STEP, task_states
from tasks.engine.versions import spec_of
from tasks.models import TaskInstance
from tasks.presentation.execution_table import between
from tasks.states import StepState

ORDERS = {
    "id": "pk",
    "state": "state",
    "duration": "duration",
    "start_date": "started",
    "end_date": "ended_at",
    "map_index": "",
    "rendered_map_index": "",
    "try_number": "try_number",
    "logical_date": "run__logical_date",
    "run_after": "run_after",
    "data_interval_start": "run__data_interval_start",
    "data_interval_end": "run__data_interval_end",
    "operator": "operator",
}
_RANGES = {
    "run_after": "run_after",
    "logical_date": "run__logical_date",
    "start_date": "started",
    "end_date": "ended_at",
    "duration": "duration",
}
#: Airflow narrows and pages by these, too.
UNKNOWN = (
    *("cursor", "pool_name_pattern", "pool_name_prefix_pattern"),
    *("rendered_map_index_pattern", "rendered_map_index_prefix_pattern"),
    *("updated_at_gte", "updated_at_gt", "updated_at_lte", "updated_at_lt"),
)


class InstanceFilters(Ranges):
    """Which tasks of runs are asked for."""

    task_id: str | None = None
    task_group_id: str | None = Field(None, description="Only with a run.")
    state: list[str] = Field([], description="Airflow's; `none` are those that wait for others.")
    queue: list[str] = []
    pool: list[str] = Field([], description="All tasks are in `default_pool` here.")
    executor: list[str] = Field([], description="No task has one here.")
    version_number: list[int] = []
    try_number: list[int] = []
    operator: list[str] = []
    map_index: list[int] = []
    order_by: list[str] = Field(
        ["map_index"],
        description=f"Of {', '.join(ORDERS)}; `-` before it for descending. Repeats.",
    )


class InstancePatterns(BaseModel):
    """What the names contain, or begin with."""

    task_display_name_pattern: Pattern = None
    task_display_name_prefix_pattern: PrefixPattern = None
    dag_id_pattern: Pattern = None
    dag_id_prefix_pattern: PrefixPattern = None
    run_id_pattern: Pattern = None
    run_id_prefix_pattern: PrefixPattern = None
    queue_name_pattern: Pattern = None
    queue_name_prefix_pattern: PrefixPattern = None
    operator_name_pattern: Pattern = None
    operator_name_prefix_pattern: PrefixPattern = None


_COLUMNS = {
    "task_display_name": "task_id",
    "dag_id": "run__dag__dag_id",
    "run_id": "run__run_id",
    "queue_name": "queue",
    "operator_name": "operator",
}


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
    auth=Bearer(Right.SEE),
    summary="List tasks of runs",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404)},
)
def get_task_instances(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    filters: Query[InstanceFilters],
    patterns: Query[InstancePatterns],
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """A page of the tasks of a run, of all runs of a DAG (`~` for the run), or of all."""
    refuse_unknown_filters(request, UNKNOWN)
    rows = _narrowed(_of(dag_id, dag_run_id, filters.task_group_id), filters, filters.state)
    for name, column in _COLUMNS.items():
        rows = rows.filter(
            containing(column, getattr(patterns, f"{name}_pattern")),
            beginning(column, getattr(patterns, f"{name}_prefix_pattern")),
        )
    for column, values in (
        ("queue", _possible(filters.queue)),
        ("operator", _possible(filters.operator)),
        ("task_id", _possible([filters.task_id] if filters.task_id else [])),
        ("run__version__number", filters.version_number),
        ("try_number", filters.try_number),
    ):
        rows = rows.filter(**{f"{column}__in": values}) if values else rows
    if (filters.map_index and -1 not in filters.map_index) or _is_elsewhere(filters):
        rows = rows.none()
    return _page(rows, filters.order_by, limit=limit, offset=offset)


@task_instances.post(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/list",
    auth=Bearer(Right.SEE),
    summary="List tasks of runs, by a body",
    response={200: TaskInstanceCollection, 400: Problem, **refusals()},
)
def get_task_instances_batch(
    request: HttpRequest,
    dag_id: Literal["~"],
    dag_run_id: Literal["~"],
    body: TaskInstancesBatchBody,
) -> dict[str, Any]:
    """The same for many DAGs and runs. Both IDs in the address are `~`."""
    rows = _narrowed(all_instances(), body, body.state or [])
    for column, values in (
        ("run__dag__dag_id", body.dag_ids),
        ("run__run_id", body.dag_run_ids),
        ("task_id", body.task_ids),
        ("queue", body.queue),
    ):
        if values:
            rows = rows.filter(**{f"{column}__in": _possible(values)})
    if _is_elsewhere(body):
        rows = rows.none()
    order = [body.order_by] if body.order_by else ["map_index"]
    return _page(rows, order, limit=body.page_limit, offset=body.page_offset)


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}",
    auth=Bearer(Right.SEE),
    summary="Get a task of a run",
    response={200: TaskInstanceResponse, **refusals(404)},
)
def get_task_instance(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str
) -> dict[str, Any]:
    """One task, in its last try."""
    return instance_shapes([known_instance(dag_id, dag_run_id, task_id)])[0]


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries",
    auth=Bearer(Right.SEE),
    summary="The tries of a task of a run",
    response={200: TaskInstanceHistoryCollection, **refusals(404)},
)
def get_task_instance_tries(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str
) -> dict[str, Any]:
    """Every try that has begun, the last one with how it stands."""
    place = f"dag_id: `{dag_id}`, run_id: `{dag_run_id}`, task_id: `{task_id}`"
    words = f"The Task Instance with {place} and map_index: `-1` was not found"
    return shapes_of_tries(known_instance(dag_id, dag_run_id, task_id, words=words))


def shapes_of_tries(row: TaskInstance) -> dict[str, Any]:
    """Of a task that has not begun, its state alone, as in Airflow."""
    found = _tries(row) or [try_shape(row)]
    return {"task_instances": found, "total_entries": len(found)}


@task_instances.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/tries/{task_try_number}",
    auth=Bearer(Right.SEE),
    summary="A try of a task of a run",
    response={200: TaskInstanceHistoryResponse, **refusals(404)},
)
def get_task_instance_try_details(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str, task_try_number: int
) -> dict[str, Any]:
    """One try of a task, with its state and its times."""
    return one_try(dag_id, dag_run_id, task_id, task_try_number)


def one_try(
    dag_id: str, run_id: str, task_id: str, number: int, *, map_index: int = -1
) -> dict[str, Any]:
    """Raise ``Refused``, also for the index of a mapped task."""
    place = f"dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`"
    place = f"{place}, try_number: `{number}` and map_index: `{map_index}`"
    words = f"The Task Instance with {place} was not found"
    tries = _tries(known_instance(dag_id, run_id, task_id, words=words))
    for found in tries if map_index == -1 else ():
        if found["try_number"] == number:
            return found
    raise Refused(404, words)


def _tries(row: TaskInstance) -> list[dict[str, Any]]:
    last = try_shape(row)
    number = tries_begun(row)
    steps = row.steps.filter(try_number__lte=number).order_by("try_number", "position")
    times = steps.order_by("try_number").values_list("try_number")
    states: dict[int, StepState] = {}
    for each, state in steps.values_list("try_number", "state"):
        # What failed or was cancelled tells how it ended; else its last row does.
        if states.get(each) not in (StepState.FAILED, StepState.CANCELLED):
            states[each] = StepState(state)
    found = []
    for each, start, end in times.annotate(Min("started_at"), Max("ended_at")):
        earlier = {
            "try_number": each,
            "start_date": start,
            "end_date": end,
            "duration": between(start, end),
            "state": STEP[states[each]],
            "queued_when": None,
            "scheduled_when": None,
            "hostname": None,
        }
        is_last = each == row.try_number and each == number
        found.append(last if is_last else {**last, **earlier})
    return found


def all_instances() -> QuerySet[TaskInstance]:
    """With what a list shows of them and their runs, and without their specs."""
    rows = TaskInstance.objects.select_related("run__dag", "run__version")
    return rows.defer("run__version__spec", "run__version__source")


def _of(dag_id: str, run_id: str, group: str | None) -> QuerySet[TaskInstance]:
    rows = all_instances()
    if dag_id == ALL:
        if run_id != ALL:
            raise Refused(400, "dag_id is required when dag_run_id is specified")
    elif run_id == ALL:
        rows = rows.filter(run__dag=known_dag(dag_id))
    else:
        words = f"DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"
        run = known_run(dag_id, run_id, words=words)
        rows = rows.filter(run=run)
        if group is not None:
            inside = f"{group}."
            tasks = spec_of(run.version_id).tasks
            names = [each.task_id for each in tasks if f"{each.group}.".startswith(inside)]
            if not names:
                raise Refused(404, f"Task group {group} not found")
            return rows.filter(task_id__in=names)
    if group is not None:
        raise Refused(400, "task_group_id needs a dag_id and a dag_run_id.")
    return rows


def _narrowed(
    rows: QuerySet[TaskInstance], ranges: Ranges, states: Sequence[str | None]
) -> QuerySet[TaskInstance]:
    rows = rows.alias(run_after=run_after("run__"), started=started(), duration=duration())
    if states:
        rows = rows.filter(state__in=task_states(states))
    return within(rows, ranges, _RANGES)


def _is_elsewhere(sent: InstanceFilters | TaskInstancesBatchBody) -> bool:
    """Whether only pools and executors are asked for in which nothing is here."""
    return bool(sent.executor or (sent.pool and POOL not in sent.pool))


def _possible(names: Sequence[str]) -> list[str]:
    """None of ``names`` may hold what no database takes."""
    return [name if is_possible(name) else "" for name in names]


def _page(
    rows: QuerySet[TaskInstance], order: Sequence[str], *, limit: int, offset: int
) -> dict[str, Any]:
    ordered = rows.order_by(*ordering(order, ORDERS, last=("run", "position")))
    page = ordered[page_of(limit=limit, offset=offset)]
    return {"task_instances": instance_shapes(page), "total_entries": rows.count()}
