"""The list of DAGs, a DAG's page, and the switch of its schedule."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from access.audit import Actor
from access.rights import Right, requires
from tasks.models import Dag, DagImportError
from tasks.presentation.care import uses_of
from tasks.presentation.dag_list import SIZE, DagList, line_of, read
from tasks.presentation.graph import graph_of
from tasks.presentation.run_grid import COLUMNS, MOST_ROWS, grid_rows
from tasks.presentation.source_code import lines_of
from tasks.schedules.due import set_paused
from tasks.spec import DagSpec
from tasks.stored_specs import problem_of, shown_spec
from tasks.views.listing import as_bars, bars, run_lines

#: How many of the last runs and versions stand on a DAG's page.
LATEST_RUNS, LATEST_VERSIONS = 10, 5
#: The list of more tasks is folded.
MOST_OPEN = 30
MOST_TAGS = 24


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    found = DagList(read(request.GET))
    page = Paginator(found.matching(), SIZE).get_page(found.filters.page)
    dags: list[Any] = list(page.object_list)
    context = {
        "filters": found.filters,
        "page": page,
        "total": found.total,
        "lines": [(line_of(each.dag), each.bars) for each in bars(dags)],
        "chips": [*found.state_chips(), *found.origin_chips()],
        "tags": found.tag_chips()[:MOST_TAGS],
        "errors": DagImportError.objects.all(),
    }
    return render(request, "tasks/dags.html", context)


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, dag_id: str) -> HttpResponse:
    dag = get_object_or_404(Dag.objects.select_related("current_version"), dag_id=dag_id)
    return render(request, "tasks/dag.html", dag_context(dag))


def dag_context(dag: Dag) -> dict[str, Any]:
    """What the page shows."""
    version = dag.current_version
    spec = shown_spec(version) if version else None
    runs = list(dag.runs.order_by("-queued_at", "-pk").defer("conf", "note")[:COLUMNS])
    grid = grid_rows(spec, runs[::-1]) if spec else []
    return {
        "dag": dag,
        "shown": version,
        "spec": spec,
        "problem": problem_of(version, spec),
        "graph": graph_of(spec) if spec else None,
        "error": DagImportError.objects.filter(filename=dag.filename).first()
        if dag.filename
        else None,
        "bars": as_bars(runs[::-1]),
        "grid": grid,
        "most_rows": MOST_ROWS,
        "runs": run_lines(dag.runs.order_by("-queued_at", "-pk")[:LATEST_RUNS]),
        "versions": list(dag.versions.defer("spec", "source")[:LATEST_VERSIONS]),
        **version_context(spec, version.source if version else ""),
    }


def version_context(spec: DagSpec | None, source: str) -> dict[str, Any]:
    """The parts that the page of an old version has as well."""
    uses = uses_of(spec) if spec else []
    return {
        "uses": uses,
        "use_of": {use.conn_id: use for use in uses},
        "tasks_folded": bool(spec and len(spec.tasks) > MOST_OPEN),
        "code": lines_of(source) if source else [],
    }


@requires(Right.SEE, post=Right.TRIGGER)
@require_http_methods(["GET", "POST"])
def pause(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Stop or start the schedule, and go back to where the switch was."""
    dag = get_object_or_404(Dag, dag_id=dag_id)
    if request.method == "POST" and request.POST.get("paused") in ("0", "1"):
        set_paused(dag, request.POST["paused"] == "1", actor=Actor.of(request.user))
    back = request.POST.get("back", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None) and back.startswith("/"):
        return redirect(back)
    return redirect("dag", dag_id)
