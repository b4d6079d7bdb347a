"""A run's page, with its live execution table."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from tasks.engine.versions import spec_of
from tasks.live import light_runs
from tasks.models import DagRun
from tasks.presentation.execution_table import tasks_table
from tasks.presentation.graph import graph_of
from tasks.presentation.heads import heads_of
from tasks.presentation.tracker import COLUMNS
from tasks.states import TaskState
from tasks.views.run_page import Asked, run_context


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The page; ``part`` asks for a piece of it, as its live events bring them."""
    run = get_object_or_404(light_runs(), pk=pk)
    asked = Asked.of(request.GET)
    part = request.GET.get("part")
    if part == "task":
        return JsonResponse(_task_part(run, asked))
    context = run_context(run, asked)
    if part == "heads":
        return JsonResponse(_heads_part(context))
    if part == "log":
        html = render_to_string("tasks/_run_log.html", context)
        return JsonResponse({"replace": {"run-log-panel": html}})
    if context["is_many"]:
        context |= _graph(run)
    return render(request, "tasks/run.html", context)


def _graph(run: DagRun) -> dict[str, Any]:
    spec = spec_of(run.version_id)
    rows = list(run.task_instances.values_list("task_id", "state", "position"))
    positions = {name: position for name, _, position in rows}

    def address(place: int) -> str:
        name = spec.tasks[place].task_id
        return f"?{urlencode({'task': name})}#task-{positions.get(name, place)}"

    states = {name: TaskState(state) for name, state, _ in rows}
    return {"graph": graph_of(spec, states, href=address, positions=positions)}


def _task_part(run: DagRun, asked: Asked) -> dict[str, Any]:
    """The steps of the tasks that are asked for, and the tracker of the last of them."""
    instances = list(run.task_instances.filter(task_id__in=asked.task_ids))
    opened = {each.position for each in instances}
    table = tasks_table(run, instances)
    heads = heads_of(run, instances, opened=opened)
    replace = {
        f"task-{head.task_instance.position}": render_to_string(
            "tasks/_task_head.html", {"head": head, "run": run}
        )
        for head in heads
    }
    if table.tasks:
        context = {"chosen": table.tasks[-1], "columns": COLUMNS, "is_many": True}
        replace["run-tracker"] = render_to_string("tasks/_run_tracker.html", context)
    rows = {
        str(task.task_instance.position): render_to_string(
            "tasks/_task_rows.html", {"task": task, "run": run}
        )
        for task in table.tasks
    }
    return {"replace": replace, "rows": rows}


def _heads_part(context: dict[str, Any]) -> dict[str, Any]:
    """The next window of the list, for who scrolls."""
    return {
        "heads": render_to_string("tasks/_run_heads.html", context),
        "lanes": render_to_string("tasks/_run_lanes.html", context),
    }
