"""The tasks, versions and files of DAGs, and the files that can't be read, as Airflow has them."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query

from access.bearer import Bearer
from access.filtering import Pattern, PrefixPattern, beginning, containing, ordering
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right
from tasks.api.accepting import wanted_type
from tasks.api.dag_schemas import (
    DagSourceResponse,
    DagVersionCollection,
    DagVersionResponse,
    ImportErrorCollection,
    ImportErrorResponse,
    TaskCollection,
    TaskResponse,
)
from tasks.api.dag_shapes import BUNDLE, task_shape, version_shape
from tasks.api.finding import is_possible, known_dag, refuse_unknown_filters
from tasks.api.routing import dags
from tasks.dagfiles.writing import NotWritable, airflow_file
from tasks.engine.versions import spec_of
from tasks.models import DagImportError, DagOrigin, DagVersion
from tasks.spec import DagSpec
from tasks.stored_specs import problem_of, shown_spec

VERSION_ORDERS = {
    "id": "pk",
    "version_number": "number",
    "bundle_name": "",
    "bundle_version": "",
}
ERROR_ORDERS = {
    "id": "pk",
    "import_error_id": "pk",
    "timestamp": "since",
    "filename": "filename",
    "stacktrace": "message",
    "bundle_name": "",
}
_REPEATS = "`-` before it for descending. Repeats."
VERSION_WORDS = f"Of {', '.join(VERSION_ORDERS)}; {_REPEATS}"
ERROR_WORDS = f"Of {', '.join(ERROR_ORDERS)}; {_REPEATS}"
#: By which the tasks of a DAG may be ordered.
TASK_ORDERS = ("task_id", "operator_name", "queue", "retries", "trigger_rule")


@dags.get(
    "/dags/{dag_id}/tasks",
    auth=Bearer(Right.SEE),
    summary="The tasks of a DAG",
    response={200: TaskCollection, 400: Problem, **refusals(404)},
    by_alias=True,
)
def get_tasks(
    request: HttpRequest,
    dag_id: str,
    order_by: Annotated[str, Query(description=f"One of {', '.join(TASK_ORDERS)}.")] = "task_id",
) -> dict[str, Any]:
    """All tasks of its present version: as in Airflow, this list has no pages."""
    spec = _spec(dag_id)
    name = order_by.lstrip("-")
    if name not in TASK_ORDERS:
        words = "is disallowed or the attribute does not exist on the model"
        raise Refused(400, f"Ordering with '{name}' {words}")
    shown = [task_shape(task, spec) for task in spec.tasks]
    shown.sort(key=lambda task: task[name], reverse=order_by.startswith("-"))
    return {"tasks": shown, "total_entries": len(shown)}


@dags.get(
    "/dags/{dag_id}/tasks/{task_id}",
    auth=Bearer(Right.SEE),
    summary="A task of a DAG",
    response={200: TaskResponse, **refusals(404)},
    by_alias=True,
)
def get_task(request: HttpRequest, dag_id: str, task_id: str) -> dict[str, Any]:
    """As the DAG's present version has it."""
    spec = _spec(dag_id)
    task = spec.by_id.get(task_id)
    if task is None:
        raise Refused(404, f"Task with id {task_id} was not found")
    return task_shape(task, spec)


def _spec(dag_id: str) -> DagSpec:
    version = known_dag(dag_id).current_version_id
    assert version is not None
    return spec_of(version)


@dags.get(
    "/dags/{dag_id}/dagVersions",
    auth=Bearer(Right.SEE),
    summary="The versions of a DAG",
    response={200: DagVersionCollection, 400: Problem, **refusals(404)},
)
def get_dag_versions(
    request: HttpRequest,
    dag_id: str,
    limit: Limit = 50,
    offset: Offset = 0,
    version_number: int | None = None,
    order_by: Annotated[list[str], Query(description=VERSION_WORDS)] = ["id"],  # noqa: B006
) -> dict[str, Any]:
    """A page of versions. Runs say which one they ran."""
    refuse_unknown_filters(request, ("bundle_name", "bundle_version"))
    if dag_id == "~":
        rows = DagVersion.objects.all()
    else:
        rows = known_dag(dag_id).versions.all()
    rows = rows.select_related("dag").defer("spec", "source")
    if version_number is not None:
        rows = rows.filter(number=version_number) if 0 < version_number < 2**31 else rows.none()
    rows = rows.order_by(*ordering(order_by, VERSION_ORDERS))
    page = rows[page_of(limit=limit, offset=offset)]
    return {"dag_versions": [_version(row) for row in page], "total_entries": rows.count()}


@dags.get(
    "/dags/{dag_id}/dagVersions/{version_number}",
    auth=Bearer(Right.SEE),
    summary="A version of a DAG",
    response={200: DagVersionResponse, **refusals(404)},
)
def get_dag_version(request: HttpRequest, dag_id: str, version_number: int) -> dict[str, Any]:
    """When it was made, and by which number it goes."""
    row = _known_version(dag_id, version_number)
    if row is None:
        place = f"dag_id: `{dag_id}` and version_number: `{version_number}`"
        raise Refused(404, f"The DagVersion with {place} was not found")
    return _version(row)


def _known_version(dag_id: str, number: int | None) -> DagVersion | None:
    """The present version for ``None``."""
    if not is_possible(dag_id) or (number is not None and not 0 < number < 2**31):
        return None
    rows = DagVersion.objects.select_related("dag").filter(dag__dag_id=dag_id)
    if number is None:
        return rows.order_by("-number").first()
    return rows.filter(number=number).first()


def _version(row: DagVersion) -> dict[str, Any]:
    return version_shape(row, row.dag.dag_id, origin=row.dag.origin)


@dags.get(
    "/dagSources/{dag_id}",
    auth=Bearer(Right.SEE),
    summary="The text of a DAG's file",
    response={200: DagSourceResponse, **refusals(404, 406)},
)
def get_dag_source(request: HttpRequest, dag_id: str, version_number: int | None = None) -> Any:
    """As JSON, or as the plain text for `Accept: text/plain`. A DAG that was made in the browser
    is answered as the Airflow file that it can be downloaded as."""
    row = _known_version(dag_id, version_number)
    if row is None:
        place = f"Dag {dag_id}, version_number {version_number}"
        raise Refused(404, f"The source code of the {place} was not found")
    text = _source(row)
    if wanted_type(request, "application/json", "text/plain") == "text/plain":
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    return {
        "content": text,
        "dag_id": dag_id,
        "version_number": row.number,
        "dag_display_name": dag_id,
    }


def _source(row: DagVersion) -> str:
    if row.dag.origin == DagOrigin.FILE:
        return row.source
    spec = shown_spec(row)
    if problem := problem_of(row, spec):
        raise Refused(404, problem)
    try:
        return airflow_file(spec)
    except NotWritable as error:
        raise Refused(404, str(error)) from None


@dags.get(
    "/importErrors",
    auth=Bearer(Right.SEE),
    summary="DAG files that can't be read",
    response={200: ImportErrorCollection, 400: Problem, **refusals()},
)
def get_import_errors(
    request: HttpRequest,
    limit: Limit = 50,
    offset: Offset = 0,
    filename_pattern: Pattern = None,
    filename_prefix_pattern: PrefixPattern = None,
    filename: str | None = None,
    order_by: Annotated[list[str], Query(description=ERROR_WORDS)] = ["id"],  # noqa: B006
) -> dict[str, Any]:
    """A page of them, with what is wrong and where."""
    refuse_unknown_filters(request, ("bundle_name",))
    rows = DagImportError.objects.filter(
        containing("filename", filename_pattern), beginning("filename", filename_prefix_pattern)
    )
    if filename is not None:
        rows = rows.filter(filename=filename) if is_possible(filename) else rows.none()
    rows = rows.order_by(*ordering(order_by, ERROR_ORDERS))
    page = rows[page_of(limit=limit, offset=offset)]
    return {"import_errors": [_error(row) for row in page], "total_entries": rows.count()}


@dags.get(
    "/importErrors/{import_error_id}",
    auth=Bearer(Right.SEE),
    summary="A DAG file that can't be read",
    response={200: ImportErrorResponse, **refusals(404)},
)
def get_import_error(request: HttpRequest, import_error_id: int) -> dict[str, Any]:
    """What is wrong, and where."""
    is_number = 0 < import_error_id < 2**63
    row = DagImportError.objects.filter(pk=import_error_id).first() if is_number else None
    if row is None:
        place = f"import_error_id: `{import_error_id}`"
        raise Refused(404, f"The ImportError with {place} was not found")
    return _error(row)


def _error(row: DagImportError) -> dict[str, Any]:
    return {
        "import_error_id": row.pk,
        "timestamp": row.since,
        "filename": row.filename,
        "bundle_name": BUNDLE,
        "stack_trace": f"{row}: {row.message}",
    }
