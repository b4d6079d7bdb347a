"""The page of one task of a run: its tries, what it was given, what it left, what it said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET

from access.rights import Right, requires
from patchbay.templatetags.patchbay import sql_of
from tasks.acts import MARKS
from tasks.engine.versions import spec_of
from tasks.live import light_runs
from tasks.models import DagRun, TaskInstance
from tasks.presentation.execution_table import TaskRows, tasks_table
from tasks.presentation.heads import heads_of
from tasks.presentation.mark_outcomes import marks_of
from tasks.presentation.tracker import COLUMNS
from tasks.spec import TaskSpec
from tasks.states import TASK_HELD, TASK_MOVES, TASK_TERMINAL, TaskState
from tasks.views.run_log import LogFilter, log_context

#: Names of arguments that hold SQL, in the operators that aren't BigQuery's.
SQL_NAMES = ("sql", "query", "insert_query", "pretasks", "posttasks")
#: A value that is longer is cut on the page.
LONGEST_VALUE = 6_000


@dataclass(frozen=True)
class Field:
    """One argument: ``text`` is SQL or JSON, or as it is."""

    name: str
    text: str
    is_sql: bool
    value: Any


@dataclass(frozen=True)
class Arguments:
    """The arguments of one try as they were filled; of none, as the DAG has them."""

    try_number: int | None
    fields: tuple[Field, ...]


@requires(Right.SEE)
@require_GET
def detail(request: HttpRequest, pk: int, task_id: str) -> HttpResponse:
    run = get_object_or_404(light_runs(), pk=pk)
    instance = get_object_or_404(run.task_instances.all(), task_id=task_id)
    wanted = replace(LogFilter.of(request.GET), task_id=task_id)
    context = {"run": run, "row": instance, **_log(run, instance, wanted)}
    if request.GET.get("part") == "log":
        html = render_to_string("tasks/_run_log.html", context)
        return JsonResponse({"replace": {"run-log-panel": html}})
    if request.GET.get("part") == "acts":
        context |= _acts(run, instance)
        html = render_to_string("tasks/_task_acts.html", context, request)
        return JsonResponse({"replace": {"task-acts": html}})
    return render(request, "tasks/task_instance.html", {**context, **_context(run, instance)})


def _log(run: DagRun, instance: TaskInstance, wanted: LogFilter) -> dict[str, Any]:
    tries = range(1, instance.try_number + 1) if instance.try_number > 1 else ()
    return {**log_context(run, wanted), "only_task": True, "tries": tries}


def _context(run: DagRun, instance: TaskInstance) -> dict[str, Any]:
    table = tasks_table(run, [instance])
    [task] = table.tasks
    [head] = heads_of(run, [instance], opened=[instance.position])
    spec = spec_of(run.version_id).by_id.get(instance.task_id)
    return {
        "task": task,
        "head": head,
        "chosen": task,
        "columns": COLUMNS,
        "spec": spec,
        "filled": _filled(instance, spec),
        "xcoms": instance.xcoms.order_by("key"),
        "console_url": _console_url(task),
        **_acts(run, instance),
        "stream": (
            f"shown={instance.position}&open={instance.position}.{instance.try_number}"
            f"&keep={instance.position}&chosen={instance.position}&sort=order"
        ),
        "longest": LONGEST_VALUE,
    }


def _acts(run: DagRun, instance: TaskInstance) -> dict[str, Any]:
    """What decides which acts are offered."""
    possible = [
        state
        for state in MARKS
        if instance.state not in (state, *TASK_HELD)
        and state in TASK_MOVES[TaskState(instance.state)]
    ]
    return {
        "is_over": instance.state in TASK_TERMINAL,
        "marks": marks_of(run, instance, possible),
    }


def _console_url(task: TaskRows) -> str:
    return next((row.console_url for row in task.rows if row.console_url), "")


def _filled(instance: TaskInstance, spec: TaskSpec | None) -> list[Arguments]:
    """The last try first."""
    found = [
        Arguments(each.try_number, _fields(each.fields))
        for each in instance.rendered.order_by("-try_number")
    ]
    if not found and spec and spec.arguments:
        found.append(Arguments(None, _fields(spec.arguments)))
    return found


def _fields(values: Mapping[str, Any]) -> tuple[Field, ...]:
    return tuple(_field(name, value) for name, value in values.items())


def _field(name: str, value: Any) -> Field:
    if sql := sql_of({name: value}):
        return Field(name, sql, True, value)
    if name in SQL_NAMES:
        texts = value if isinstance(value, list) else [value]
        if all(isinstance(text, str) for text in texts):
            return Field(name, ";\n".join(text.strip() for text in texts), True, value)
    return Field(name, value if isinstance(value, str) else "", False, value)
