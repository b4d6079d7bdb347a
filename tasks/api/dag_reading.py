"""Lists DAGs and shows one, as Airflow does, and switches their schedules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from ninja import Query, Status
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.filtering import Pattern, PrefixPattern, beginning, containing, ordering
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from tasks.api.dag_schemas import (
    DAGCollection,
    DAGDetailsResponse,
    DAGPatchBody,
    DAGResponse,
)
from tasks.api.dag_shapes import dag_shape, details_shape
from tasks.api.finding import (
    dag_not_found,
    is_possible,
    known_dag,
    refuse_unknown_filters,
)
from tasks.api.moments import Asked, started, within
from tasks.api.routing import dags
from tasks.api.states import DagRunState, run_states
from tasks.drafting import saving
from tasks.drafting.saving import SaveRefused
from tasks.exceptions import DagNotFound
from tasks.models import Dag, DagImportError, DagRun
from tasks.schedules.due import set_paused
from tasks.spec import DagSpec
from tasks.states import RUN_TERMINAL
from tasks.stored_specs import problem_of, shown_spec

_SPEC = "current_version__spec"
#: What of a spec a list shows, taken out of it by the database: a spec may be large.
_TAKEN = ("schedule", "interval", "timezone", "tags", "max_active_runs", "max_active_tasks")
ORDERS = {
    "dag_id": "dag_id",
    "dag_display_name": "dag_id",
    "next_dagrun": "next_run_at",
    "state": "last_state",
    "last_run_state": "last_state",
    "start_date": "last_start",
    "last_run_start_date": "last_start",
}
#: Airflow narrows by these, too.
UNKNOWN = (
    *("owners", "bundle_name", "bundle_version", "has_asset_schedule", "asset_dependency"),
    *("is_favorite", "timetable_type"),
)


class RunDates(BaseModel):
    """Bounds of the moments at which a run of the DAG began and ended."""

    dag_run_start_date_gte: Asked | None = None
    dag_run_start_date_gt: Asked | None = None
    dag_run_start_date_lte: Asked | None = None
    dag_run_start_date_lt: Asked | None = None
    dag_run_end_date_gte: Asked | None = None
    dag_run_end_date_gt: Asked | None = None
    dag_run_end_date_lte: Asked | None = None
    dag_run_end_date_lt: Asked | None = None


class DagFilters(RunDates):
    """Which DAGs are asked for."""

    tags: list[str] = []
    tags_match_mode: Literal["any", "all"] | None = None
    exclude_stale: bool = Field(True, description="Without those that their files lack.")
    paused: bool | None = None
    has_import_errors: bool | None = None
    last_dag_run_state: DagRunState | None = None
    dag_run_state: list[str] = Field([], description="A run of theirs has one of these states.")
    order_by: list[str] = Field(
        ["dag_id"], description=f"Of {', '.join(ORDERS)}; `-` before it for descending. Repeats."
    )


@dags.get(
    "/dags",
    auth=Bearer(Right.SEE),
    summary="List DAGs",
    response={200: DAGCollection, 400: Problem, **refusals()},
)
def get_dags(
    request: HttpRequest,
    filters: Query[DagFilters],
    limit: Limit = 50,
    offset: Offset = 0,
    dag_id_pattern: Pattern = None,
    dag_id_prefix_pattern: PrefixPattern = None,
    dag_display_name_pattern: Pattern = None,
    dag_display_name_prefix_pattern: PrefixPattern = None,
) -> dict[str, Any]:
    """A page of DAGs, with their schedules and tags."""
    refuse_unknown_filters(request, UNKNOWN)
    rows = _matching(filters).filter(
        containing("dag_id", dag_id_pattern),
        containing("dag_id", dag_display_name_pattern),
        beginning("dag_id", dag_id_prefix_pattern),
        beginning("dag_id", dag_display_name_prefix_pattern),
    )
    return _page(rows, limit=limit, offset=offset)


def _page(rows: QuerySet[Dag], *, limit: int, offset: int) -> dict[str, Any]:
    page = _taken(rows)[page_of(limit=limit, offset=offset)]
    return {"dags": [_shown(dag) for dag in page], "total_entries": rows.count()}


@dags.get(
    "/dags/{dag_id}",
    auth=Bearer(Right.SEE),
    summary="Get a DAG",
    response={200: DAGResponse, **refusals(404)},
)
def get_dag(request: HttpRequest, dag_id: str) -> dict[str, Any]:
    """One DAG, with its schedule, tags and next run."""
    return _one(dag_id)


@dags.get(
    "/dags/{dag_id}/details",
    auth=Bearer(Right.SEE),
    summary="Get a DAG with all that its file says",
    response={200: DAGDetailsResponse, **refusals(404, 409)},
)
def get_dag_details(request: HttpRequest, dag_id: str) -> dict[str, Any]:
    """Its params, its limits, its dates, its present version."""
    dag = known_dag(dag_id)
    version = dag.current_version
    assert version is not None
    spec = shown_spec(version)
    if problem := problem_of(version, spec):
        raise Refused(409, problem)
    active = dag.runs.exclude(state__in=RUN_TERMINAL).count()
    errors = _errors_of(dag.filename).exists() if dag.filename else False
    return details_shape(dag, spec, has_errors=errors, active=active)


@dags.patch(
    "/dags/{dag_id}",
    auth=Bearer(Right.TRIGGER),
    summary="Pause a DAG, or let its schedule go on",
    response={200: DAGResponse, 400: Problem, **refusals(404)},
)
def patch_dag(
    request: HttpRequest,
    dag_id: str,
    body: DAGPatchBody,
    update_mask: Annotated[list[str] | None, Query(description="Only `is_paused`.")] = None,
) -> dict[str, Any]:
    """A pause stops the schedule only: runs that there are go on, and a paused DAG can be
    triggered."""
    try:
        dag = known_dag(dag_id)
    except Refused:
        raise Refused(404, f"Dag with id: {dag_id} was not found") from None
    if update_mask and update_mask != ["is_paused"]:
        raise Refused(400, "Only `is_paused` field can be updated through the REST API")
    set_paused(dag, body.is_paused, actor=caller_of(request).actor)
    return _one(dag_id)


@dags.patch(
    "/dags",
    auth=Bearer(Right.TRIGGER),
    summary="Pause many DAGs, or let their schedules go on",
    response={200: DAGCollection, 400: Problem, **refusals()},
)
def patch_dags(
    request: HttpRequest,
    body: DAGPatchBody,
    filters: Query[DagFilters],
    limit: Limit = 50,
    offset: Offset = 0,
    dag_id_pattern: Pattern = None,
    dag_id_prefix_pattern: PrefixPattern = None,
    update_mask: Annotated[list[str] | None, Query(description="Only `is_paused`.")] = None,
) -> dict[str, Any]:
    """The page of DAGs that is asked for. Without a pattern it is none: `~` stands for all."""
    if update_mask and update_mask != ["is_paused"]:
        raise Refused(400, "Only `is_paused` field can be updated through the REST API")
    refuse_unknown_filters(request, UNKNOWN)
    if not (dag_id_pattern or dag_id_prefix_pattern):
        return {"dags": [], "total_entries": 0}
    rows = _matching(filters).filter(
        containing("dag_id", dag_id_pattern), beginning("dag_id", dag_id_prefix_pattern)
    )
    count = rows.count()
    found = list(rows[page_of(limit=limit, offset=offset)])
    actor = caller_of(request).actor
    with transaction.atomic():
        for dag in sorted(found, key=lambda dag: dag.pk):
            set_paused(dag, body.is_paused, actor=actor)
    shown = _taken(Dag.objects.filter(pk__in=[dag.pk for dag in found]).order_by("dag_id"))
    return {"dags": [_shown(dag) for dag in shown], "total_entries": count}


@dags.delete(
    "/dags/{dag_id}",
    auth=Bearer(Right.WRITE_DAGS),
    summary="Delete a DAG that was made in the browser",
    response={200: None, **refusals(404, 409)},
)
def delete_dag(request: HttpRequest, dag_id: str) -> Any:
    """With its versions and runs. Refused while one of them isn't over, and for a DAG of a file:
    take it out of its file."""
    words = f"Dag with id: {dag_id} was not found"
    if not is_possible(dag_id):
        raise Refused(404, words)
    try:
        saving.delete_dag(dag_id, actor=caller_of(request).actor)
    except DagNotFound:
        raise Refused(404, words) from None
    except SaveRefused as error:
        raise Refused(409, str(error)) from None
    return Status(200, None)


def _one(dag_id: str) -> dict[str, Any]:
    rows = _taken(Dag.objects.filter(dag_id=dag_id)) if is_possible(dag_id) else Dag.objects.none()
    dag = rows.filter(current_version__isnull=False).first()
    if dag is None:
        raise dag_not_found(dag_id)
    return _shown(dag)


def _errors_of(filename: Any) -> QuerySet[DagImportError]:
    return DagImportError.objects.filter(filename=filename)


def _taken(rows: QuerySet[Dag]) -> QuerySet[Dag]:
    """With what a list shows of a spec, and whether its file can be read now."""
    keys = {f"spec_{name}": KeyTransform(name, _SPEC) for name in _TAKEN}
    return rows.annotate(has_errors=Exists(_errors_of(OuterRef("filename"))), **keys)


def _shown(dag: Any) -> dict[str, Any]:
    """``dag`` is a row of ``_taken``."""
    taken = {name: getattr(dag, f"spec_{name}") for name in _TAKEN}
    known = {name: value for name, value in taken.items() if value is not None}
    spec = DagSpec(dag.dag_id, (), **{**known, "tags": tuple(known.get("tags", ()))})
    return dag_shape(dag, spec, has_errors=bool(dag.filename and dag.has_errors))


def _matching(filters: DagFilters) -> QuerySet[Dag]:
    last = DagRun.objects.filter(dag=OuterRef("pk")).order_by("-queued_at", "-pk")
    rows: Any = Dag.objects.filter(current_version__isnull=False).alias(
        last_state=Subquery(last.values("state")[:1]),
        last_start=Subquery(last.annotate(started=started()).values("started")[:1]),
    )
    if filters.exclude_stale:
        rows = rows.filter(is_missing=False)
    if filters.paused is not None:
        rows = rows.filter(is_paused=filters.paused)
    if filters.has_import_errors is not None:
        has_errors = ~Q(filename="") & Exists(_errors_of(OuterRef("filename")))
        rows = rows.filter(has_errors if filters.has_import_errors else ~has_errors)
    if filters.last_dag_run_state is not None:
        rows = rows.filter(last_state__in=run_states([filters.last_dag_run_state]))
    rows = _with_tags(_with_a_run(rows, filters), filters)
    found: QuerySet[Dag] = rows.order_by(*ordering(filters.order_by, ORDERS, last=("dag_id",)))
    return found


def _with_a_run(rows: QuerySet[Dag], filters: DagFilters) -> QuerySet[Dag]:
    columns = {"start_date": "started", "end_date": "ended_at"}
    every = DagRun.objects.filter(dag=OuterRef("pk")).alias(started=started())
    runs = within(every, filters, columns, prefix="dag_run_")
    if filters.dag_run_state:
        runs = runs.filter(state__in=run_states(filters.dag_run_state))
    return rows if runs is every else rows.filter(Exists(runs))


def _with_tags(rows: QuerySet[Dag], filters: DagFilters) -> QuerySet[Dag]:
    wanted = set(filters.tags)
    if not wanted:
        return rows
    tags = Dag.objects.annotate(tags=KeyTransform("tags", _SPEC)).values_list("pk", "tags")
    needs_all = filters.tags_match_mode == "all"
    found = [
        pk
        for pk, has in tags
        if (wanted <= set(has or ()) if needs_all else wanted & set(has or ()))
    ]
    return rows.filter(pk__in=found)
