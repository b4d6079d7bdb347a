"""The first page: what runs, what failed, what needs care."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.engine.workers import workers
from tasks.models import Dag, DagImportError, DagRun
from tasks.presentation.care import connections_that_need_care
from tasks.queues import listeners, unheard_queues
from tasks.states import RunState
from tasks.views.listing import ACTIVE, RunLine, bars, run_lines

#: How many of each kind are shown; the list behind has all.
RUNNING, FAILED, ENDED, NEXT, DAGS, CARE = 10, 8, 6, 6, 12, 8


@requires(Right.SEE)
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "tasks/dashboard.html", dashboard_context())


def dashboard_context() -> dict[str, Any]:
    """What the page shows; its live refresh renders the same part with it.

    It is drawn again for every watcher at each change, so all it asks for is in
    an index, and no number of runs makes it longer.
    """
    now = timezone.now()
    day_ago = now - timedelta(days=1)
    runs = DagRun.objects.order_by("-queued_at", "-pk")
    recent = DagRun.objects.filter(queued_at__gte=day_ago).order_by()
    live = runs.filter(state__in=ACTIVE)
    failed = runs.filter(state=RunState.FAILED, queued_at__gte=day_ago)
    ended = runs.filter(state__in=(RunState.SUCCESS, RunState.CANCELLED))
    lines = _lines(live[:RUNNING], failed[:FAILED], ended[:ENDED])
    found = workers()
    needs = connections_that_need_care()
    return {
        "live_count": live.order_by().count(),
        "failed_count": failed.order_by().count(),
        "recent_count": recent.count(),
        "day_ago": timezone.localdate(day_ago),
        "running": lines[0],
        "failed": lines[1],
        "ended": lines[2],
        "has_runs": any(lines) or DagRun.objects.exists(),
        "workers": found,
        "listeners": listeners(found),
        "unheard": unheard_queues(found),
        "slots": sum(worker.slots for worker in found or ()),
        "busy": sum(worker.busy for worker in found or ()),
        "dags": bars(_lately_run()),
        "next_dags": _next_dags(),
        "import_errors": DagImportError.objects.count(),
        "connection_count": needs.total,
        "unused_count": needs.unused,
        "care": needs.care[:CARE],
        "care_count": len(needs.care),
    }


def _lines(*kinds: Any) -> list[list[RunLine]]:
    """The rows of several lists, by the queries of one."""
    runs = [
        list(kind.select_related("dag", "version").defer("version__spec", "version__source"))
        for kind in kinds
    ]
    lines = {line.run.pk: line for line in run_lines([run for kind in runs for run in kind])}
    return [[lines[run.pk] for run in kind] for kind in runs]


def _lately_run() -> list[Dag]:
    """The DAGs that ran last come first; those that never did come last."""
    newest = DagRun.objects.filter(dag=OuterRef("pk")).order_by("-queued_at").values("queued_at")
    rows = Dag.objects.filter(is_missing=False).annotate(last_run=Subquery(newest[:1]))
    return list(rows.order_by(F("last_run").desc(nulls_last=True), "dag_id")[:DAGS])


def _next_dags() -> list[Dag]:
    rows = Dag.objects.filter(next_run_at__isnull=False, is_paused=False, is_missing=False)
    return list(rows.order_by("next_run_at", "dag_id")[:NEXT])
