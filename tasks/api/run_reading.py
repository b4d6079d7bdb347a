"""Lists runs and shows one, as Airflow does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.filtering import (
    LONGEST_PATTERN,
    Pattern,
    PrefixPattern,
    beginning,
    containing,
    ordering,
)
from access.paging import Limit, Offset, page_of
from access.problems import Problem, refusals
from access.rights import Right
from tasks.api.finding import ALL, is_possible, known_dag, known_run, refuse_unknown_filters
from tasks.api.moments import Ranges, duration, run_after, started, within
from tasks.api.routing import runs
from tasks.api.run_schemas import DAGRunCollection, DAGRunResponse, DAGRunsBatchBody
from tasks.api.run_shapes import run_shape
from tasks.api.states import run_states, run_types
from tasks.models import DagRun

ORDERS = {
    "id": "pk",
    "state": "state",
    "dag_id": "dag__dag_id",
    "run_id": "run_id",
    "dag_run_id": "run_id",
    "logical_date": "logical_date",
    "run_after": "run_after",
    "start_date": "started",
    "end_date": "ended_at",
    "duration": "duration",
    "conf": "conf",
    "updated_at": "sequence",
    "partition_date": "",
}
_RANGES = {
    "run_after": "run_after",
    "logical_date": "logical_date",
    "start_date": "started",
    "end_date": "ended_at",
    "duration": "duration",
}
#: Airflow narrows and pages by these, too.
UNKNOWN = (
    *("cursor", "consuming_asset_pattern"),
    *("partition_key_pattern", "partition_key_prefix_pattern"),
    *("partition_date_gte", "partition_date_lte"),
    *("updated_at_gte", "updated_at_gt", "updated_at_lte", "updated_at_lt"),
)


class RunFilters(Ranges):
    """Which runs are asked for."""

    state: list[str] = Field([], description="Airflow's: queued, running, success, failed.")
    run_type: list[str] = Field([], description="manual or scheduled.")
    dag_version: list[int] = []
    bundle_version: str | None = Field(None, description="No run has one here.")
    conf_contains: str | None = Field(
        None, max_length=LONGEST_PATTERN, description="What its conf contains, as JSON text."
    )
    order_by: list[str] = Field(
        ["id"], description=f"Of {', '.join(ORDERS)}; `-` before it for descending. Repeats."
    )


class RunPatterns(BaseModel):
    """What the IDs and names of the runs contain, or begin with."""

    run_id_pattern: Pattern = None
    run_id_prefix_pattern: PrefixPattern = None
    dag_id_pattern: Pattern = None
    dag_id_prefix_pattern: PrefixPattern = None
    triggering_user_name_pattern: Pattern = None
    triggering_user_name_prefix_pattern: PrefixPattern = None


@runs.get(
    "/dags/{dag_id}/dagRuns",
    auth=Bearer(Right.SEE),
    summary="List runs",
    response={200: DAGRunCollection, 400: Problem, **refusals(404)},
)
def get_dag_runs(
    request: HttpRequest,
    dag_id: str,
    filters: Query[RunFilters],
    patterns: Query[RunPatterns],
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """A page of the runs of a DAG, or of all DAGs for `~`."""
    refuse_unknown_filters(request, UNKNOWN)
    rows = all_runs()
    if dag_id != ALL:
        rows = rows.filter(dag=known_dag(dag_id))
    for name, column in (
        ("run_id", "run_id"),
        ("dag_id", "dag__dag_id"),
        ("triggering_user_name", "triggered_by_name"),
    ):
        rows = rows.filter(
            containing(column, getattr(patterns, f"{name}_pattern")),
            beginning(column, getattr(patterns, f"{name}_prefix_pattern")),
        )
    rows = _narrowed(rows, filters, states=filters.state)
    if filters.run_type:
        rows = rows.filter(run_type__in=run_types(filters.run_type))
    if filters.dag_version:
        rows = rows.filter(
            version__number__in=[number for number in filters.dag_version if 0 < number < 2**31]
        )
    if filters.bundle_version:
        rows = rows.none()
    if filters.conf_contains:
        text = filters.conf_contains
        rows = rows.alias(conf_text=Cast("conf", TextField()))
        rows = rows.filter(conf_text__icontains=text) if is_possible(text) else rows.none()
    return _page(rows, filters.order_by, limit=limit, offset=offset)


@runs.post(
    "/dags/{dag_id}/dagRuns/list",
    auth=Bearer(Right.SEE),
    summary="List runs, by a body",
    response={200: DAGRunCollection, 400: Problem, **refusals()},
)
def get_list_dag_runs_batch(
    request: HttpRequest, dag_id: Literal["~"], body: DAGRunsBatchBody
) -> dict[str, Any]:
    """The same for many DAGs, whose IDs may not fit into an address. `dag_id` is `~`."""
    states = [state for state in body.states or () if state]
    rows = _narrowed(all_runs(), body, states=states)
    if body.states and not states:
        # Airflow means those without a state; every run has one.
        rows = rows.none()
    if body.dag_ids:
        rows = rows.filter(dag__dag_id__in=[name for name in body.dag_ids if is_possible(name)])
    order = [body.order_by] if body.order_by else ["id"]
    return _page(rows, order, limit=body.page_limit, offset=body.page_offset)


@runs.get(
    "/dags/{dag_id}/dagRuns/{dag_run_id}",
    auth=Bearer(Right.SEE),
    summary="Get a run",
    response={200: DAGRunResponse, **refusals(404)},
)
def get_dag_run(request: HttpRequest, dag_id: str, dag_run_id: str) -> dict[str, Any]:
    """One run, with its state and its times."""
    return run_shape(known_run(dag_id, dag_run_id))


def all_runs() -> QuerySet[DagRun]:
    """With what a list shows of them, and without their specs."""
    rows = DagRun.objects.select_related("dag", "version")
    return rows.defer("version__spec", "version__source")


def _narrowed(
    rows: QuerySet[DagRun], ranges: Ranges, *, states: Sequence[str] | None
) -> QuerySet[DagRun]:
    rows = rows.alias(run_after=run_after(), started=started(), duration=duration())
    if states:
        rows = rows.filter(state__in=run_states(states))
    return within(rows, ranges, _RANGES)


def _page(
    rows: QuerySet[DagRun], order: Sequence[str], *, limit: int, offset: int
) -> dict[str, Any]:
    ordered = rows.order_by(*ordering(order, ORDERS))
    page = ordered[page_of(limit=limit, offset=offset)]
    return {"dag_runs": [run_shape(run) for run in page], "total_entries": rows.count()}
