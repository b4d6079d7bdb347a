"""The first page: what runs, what failed, what needs care."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from connections.models import Connection
from tasks.care import connections_that_need_care
from tasks.models import Dag, DagImportError, DagRun
from tasks.states import RUN_TERMINAL, RunState
from tasks.views.listing import DagBars, RunLine, bars, run_lines
from tasks.workers import workers

LATEST = 10


@requires(Right.SEE)
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "tasks/dashboard.html", dashboard_context())


def dashboard_context() -> dict[str, Any]:
    """What the page shows; its live refresh renders the same part with it."""
    day_ago = timezone.now() - timedelta(days=1)
    recent = DagRun.objects.filter(queued_at__gte=day_ago)
    dags = list(Dag.objects.filter(is_missing=False).select_related("current_version"))
    found = workers()
    runs: list[RunLine] = run_lines(DagRun.objects.all()[:LATEST])
    graphs: list[DagBars] = bars(dags)
    return {
        "live_count": DagRun.objects.exclude(state__in=RUN_TERMINAL).count(),
        "failed_count": recent.filter(state=RunState.FAILED).count(),
        "recent_count": recent.count(),
        "workers": found,
        "slots": sum(worker.slots for worker in found or ()),
        "busy": sum(worker.busy for worker in found or ()),
        "runs": runs,
        "dags": graphs,
        "import_errors": DagImportError.objects.count(),
        "connection_count": Connection.objects.count(),
        "care": connections_that_need_care(dags),
    }
