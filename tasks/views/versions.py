"""The versions of a DAG: who made which when, what changed between two, and each as it was."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.models import Dag, DagVersion
from tasks.presentation.comparison import Comparison, compare
from tasks.presentation.graph import graph_of
from tasks.stored_specs import problem_of, shown_spec
from tasks.views.dags import version_context

PAGE_SIZE = 25


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest, dag_id: str) -> HttpResponse:
    """``?from=1&to=3`` compares; without them, the newest is compared with the one before."""
    dag = get_object_or_404(Dag, dag_id=dag_id)
    versions = dag.versions.defer("spec", "source")
    page = Paginator(versions, PAGE_SIZE).get_page(request.GET.get("page"))
    counts = DagVersion.objects.filter(pk__in=[row.pk for row in page]).annotate(n=Count("runs"))
    old, new = _chosen(dag, request.GET.get("from", ""), request.GET.get("to", ""))
    problems = [problem_of(each, shown_spec(each)) for each in (old, new) if each]
    problem = next(filter(None, problems), "")
    comparison: Comparison | None = compare(old, new) if old and new and not problem else None
    has_chosen = bool(request.GET.get("from") or request.GET.get("to"))
    context = {
        "dag": dag,
        "page": page,
        "runs_of": dict(counts.order_by().values_list("pk", "n")),
        "old": old,
        "new": new,
        "comparison": comparison,
        "problem": problem,
        "is_unknown": has_chosen and not comparison and not problem,
    }
    return render(request, "tasks/versions.html", context)


def _chosen(dag: Dag, old: str, new: str) -> tuple[DagVersion | None, DagVersion | None]:
    if not old and not new:
        newest = list(dag.versions.all()[:2])
        return (newest[1], newest[0]) if len(newest) == 2 else (None, None)
    numbers = [
        int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
        for text in (old, new)
    ]
    found = {row.number: row for row in dag.versions.filter(number__in=numbers)}
    return found.get(numbers[0]), found.get(numbers[1])


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, dag_id: str, number: int) -> HttpResponse:
    version = get_object_or_404(
        DagVersion.objects.select_related("dag"), dag__dag_id=dag_id, number=number
    )
    spec = shown_spec(version)
    context = {
        "dag": version.dag,
        "shown": version,
        "spec": spec,
        "problem": problem_of(version, spec),
        "graph": graph_of(spec),
        "run_count": version.runs.count(),
        "is_present": version.dag.current_version_id == version.pk,
        **version_context(spec, version.source),
    }
    return render(request, "tasks/version.html", context)
