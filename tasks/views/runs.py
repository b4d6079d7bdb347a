"""The list of runs, and a run's page with its live execution table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.models import DagRun
from tasks.presentation import RunTable, run_table, waiting_for
from tasks.states import RUN_TERMINAL, RunState
from tasks.tracker import COLUMNS
from tasks.views.listing import run_lines

PAGE_SIZE = 25
LONGEST_LOG = 2_000
STATES = {"live": "Running", "failed": "Failed", "success": "Success"}


@requires(Right.SEE)
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    runs = DagRun.objects.select_related("dag")
    chosen = request.GET.get("state", "")
    if chosen == "live":
        runs = runs.exclude(state__in=RUN_TERMINAL)
    elif chosen in (RunState.FAILED, RunState.SUCCESS):
        runs = runs.filter(state=chosen)
    page = Paginator(runs, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "runs": run_lines(page.object_list),
        "chosen": chosen,
        "states": STATES,
    }
    return render(request, "tasks/runs.html", context)


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(DagRun.objects.select_related("dag", "version"), pk=pk)
    return render(request, "tasks/run.html", run_context(run))


def run_context(run: DagRun) -> dict[str, Any]:
    """What the page shows; the live stream renders the same parts with it."""
    table = run_table(run)
    lines = run.log_lines.filter(sequence__lte=run.sequence).select_related("task_instance")
    return {
        "run": run,
        "table": table,
        "columns": COLUMNS,
        "lines": list(reversed(lines.order_by("-sequence")[:LONGEST_LOG])),
        "waiting": waiting_for(run, table),
        "timeline": timeline(run, table),
    }


def timeline(run: DagRun, table: RunTable) -> list[dict[str, Any]]:
    """For each task, where its queued and running parts lie, in percent of the run."""
    end = run.ended_at or timezone.now()
    total = max((end - run.queued_at).total_seconds(), 0.001)

    def percent(moment: datetime) -> float:
        return round(100 * (moment - run.queued_at).total_seconds() / total, 2)

    bars = []
    for task in table.tasks:
        row = task.task_instance
        queued = percent(row.queued_at) if row.queued_at else 100.0
        started = percent(row.started_at) if row.started_at else 100.0
        ended = percent(row.ended_at) if row.ended_at else 100.0
        bars.append(
            {
                "task_id": row.task_id,
                "state": row.state,
                "queued": {"x": queued, "width": max(started - queued, 0)},
                "running": {"x": started, "width": max(ended - started, 0.5)}
                if row.started_at
                else None,
                "seconds_queued": task.seconds_queued,
                "seconds": task.seconds,
            }
        )
    return bars
