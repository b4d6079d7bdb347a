"""What there is: DAGs, their versions and next runs, runs, and files that can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils import timezone

from access.output import formatted
from connections.command_line.session import FAILED, wrong_usage
from tasks.command_line.session import (
    PROGRAMS,
    Options,
    known_dag,
    known_run,
    one,
    took,
    when,
)
from tasks.models import Dag, DagImportError, DagRun, DagVersion
from tasks.presentation.dag_list import line_of
from tasks.presentation.execution_table import StepRow, run_table, waiting_for
from tasks.presentation.heads import heads_of
from tasks.schedules.planning import timetable_of
from tasks.schedules.timetable import Timetable
from tasks.spec import SpecError
from tasks.stored_specs import problem_of, shown_spec

_SPEC = "current_version__spec"
_DAGS = ("dag_id", "state", "schedule", "next_run", "connections", "file")
_RUNS = ("run_id", "state", "type", "logical_date", "started", "took", "by")
_VERSIONS = ("version", "created", "by", "runs")
_ERRORS = ("file", "line", "message")


def list_dags(options: Options) -> str:
    """Every DAG; with ``--ids`` the IDs alone."""
    rows = _dags(options)
    if options["ids"]:
        return "\n".join(rows.values_list("dag_id", flat=True))
    found = [_dag_row(dag, options["output"]) for dag in rows]
    return formatted(found, options["output"], names=_DAGS)


def _dags(options: Options) -> QuerySet[Dag]:
    keys = {name: KeyTransform(name, _SPEC) for name in ("schedule", "interval", "tags")}
    rows: Any = Dag.objects.filter(current_version__isnull=False)
    rows = rows.select_related("current_version").defer(
        "current_version__spec", "current_version__source"
    )
    rows = rows.annotate(**keys, zone=KeyTransform("timezone", _SPEC))
    if options["tag"]:
        tags = rows.values_list("pk", "tags")
        wanted = set(options["tag"])
        rows = rows.filter(pk__in=[pk for pk, has in tags if wanted <= set(has or ())])
    found: QuerySet[Dag] = rows.order_by("dag_id")
    return found


def _dag_row(dag: Dag, output: str) -> dict[str, Any]:
    line = line_of(dag)
    conn_ids, tags = list(line.conn_ids), list(line.tags)
    row = {
        "dag_id": dag.dag_id,
        "state": "missing" if dag.is_missing else "paused" if dag.is_paused else "active",
        "version": dag.current_version.number if dag.current_version else None,
        "schedule": line.schedule,
        "next_run": when(dag.next_run_at, output),
        "tags": tags if output in PROGRAMS else ", ".join(tags),
        "connections": conn_ids if output in PROGRAMS else ", ".join(conn_ids),
        "file": dag.filename,
    }
    return row if output in PROGRAMS else {**row, "version": f"v{row['version']}"}


def show_dag(options: Options) -> str:
    """A DAG and its tasks."""
    output = options["output"]
    dag = known_dag(options["dag_id"])
    version = dag.current_version
    assert version is not None
    spec = shown_spec(version)
    if problem := problem_of(version, spec):
        wrong_usage(problem)
    row: dict[str, Any] = {
        "dag_id": dag.dag_id,
        "description": dag.description or spec.description,
        "state": "missing" if dag.is_missing else "paused" if dag.is_paused else "active",
        "version": version.number,
        "file": dag.filename or "made in the browser",
        "schedule": spec.schedule_words,
        "timezone": spec.timezone,
        "next_run": when(dag.next_run_at, output),
        "catchup": spec.catchup,
        "max_active_runs": spec.max_active_runs,
        "max_active_tasks": spec.max_active_tasks,
        "dagrun_timeout": spec.dagrun_timeout,
        "tags": list(spec.tags),
        "params": spec.params,
        "connections": list(spec.conn_ids),
        "notices": dag.notices,
    }
    tasks: list[dict[str, Any]] = [
        {
            "task_id": task.task_id,
            "operator": task.operator,
            "connection": task.conn_id,
            "after": list(task.upstream) if output in PROGRAMS else ", ".join(task.upstream),
            "retries": task.retries,
            "trigger_rule": task.trigger_rule,
            "queue": task.queue,
        }
        for task in spec.ordered
    ]
    if output in PROGRAMS:
        return formatted([{**row, "tasks": tasks}], output)
    known = {name: value for name, value in row.items() if value not in (None, "", [], {})}
    return f"{one(known, output)}\n\n{formatted(tasks, output)}"


def list_versions(options: Options) -> str:
    """The versions of a DAG, the last one first."""
    output, dag = options["output"], known_dag(options["dag_id"])
    rows = list(dag.versions.order_by("-number").defer("spec", "source")[: options["limit"]])
    numbers = _run_counts(rows)
    found = [
        {
            "version": row.number,
            "created": when(row.created_at, output),
            "by": row.created_by_name or dag.filename,
            "runs": numbers.get(row.pk, 0),
        }
        for row in rows
    ]
    return formatted(found, output, names=_VERSIONS)


def _run_counts(rows: list[DagVersion]) -> dict[int, int]:
    runs = DagRun.objects.filter(version__in=rows).order_by()
    return dict(runs.values_list("version").annotate(Count("pk")))


def next_executions(options: Options) -> str:
    """When the schedule makes the next runs, also of a DAG that is paused."""
    output, dag = options["output"], known_dag(options["dag_id"])
    try:
        timetable = timetable_of(dag.current_version_id or 0)
    except SpecError as error:
        wrong_usage(f"{dag.dag_id} can't be scheduled: {error}")
    moments = islice(_next_moments(timetable), options["num_executions"])
    rows = [
        {"run_after": when(after, output), "logical_date": when(date, output)}
        for after, date in moments
    ]
    return formatted(rows, output, names=("run_after", "logical_date"))


def _next_moments(timetable: Timetable) -> Iterator[tuple[datetime, datetime]]:
    slot = timetable.next_after(timezone.now())
    while slot is not None:
        yield slot.run_after, slot.logical_date
        slot = timetable.next_after(slot.run_after)


def list_errors(options: Options) -> tuple[str, int]:
    """Files that can't be read, and the exit code."""
    errors = list(DagImportError.objects.all())
    rows = [
        {"file": error.filename, "line": error.line, "message": error.message} for error in errors
    ]
    if options["output"] == "table":
        return "\n".join(f"{error}: {error.message}" for error in errors), FAILED if rows else 0
    return formatted(rows, options["output"], names=_ERRORS), FAILED if rows else 0


def list_runs(options: Options) -> str:
    """The last runs of a DAG, or of all."""
    output = options["output"]
    rows = DagRun.objects.select_related("dag").order_by("-queued_at", "-pk")
    if options["dag_id"]:
        rows = rows.filter(dag=known_dag(options["dag_id"]))
    if options["state"]:
        rows = rows.filter(state=options["state"])
    rows = rows[: options["limit"]]
    if options["ids"]:
        return "\n".join(run.run_id for run in rows)
    found = [_run_row(run, output) for run in rows]
    if not options["dag_id"]:
        found = [{"dag_id": run.dag.dag_id, **row} for run, row in zip(rows, found, strict=True)]
    return formatted(found, output, names=_RUNS)


def _run_row(run: DagRun, output: str) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "state": run.state,
        "type": run.run_type,
        "logical_date": when(run.logical_date, output),
        "started": when(run.started_at, output),
        "took": took(run.seconds, output),
        "by": run.triggered_by_name,
    }


def show_run(options: Options) -> str:
    """A run and its tasks; with ``--steps`` its execution table."""
    output = options["output"]
    run = known_run(options["dag_id"], options["run_id"])
    if options["steps"]:
        return _steps(run, output)
    row = {
        "dag_id": run.dag.dag_id,
        **_run_row(run, output),
        "version": run.version.number,
        "ended": when(run.ended_at, output),
        "waits_for": waiting_for(run),
        "conf": run.conf,
        "note": run.note,
        "page": f"/runs/{run.pk}/",
    }
    tasks = _tasks(run, output)
    if output in PROGRAMS:
        return formatted([{**row, "tasks": tasks}], output)
    known = {name: value for name, value in row.items() if value not in (None, "", {})}
    return f"{one(known, output)}\n\n{formatted(tasks, output)}"


def _tasks(run: DagRun, output: str) -> list[dict[str, Any]]:
    heads = heads_of(run, list(run.task_instances.order_by("position")))
    return [
        {
            "task_id": head.task_instance.task_id,
            "state": head.state,
            "try": head.task_instance.try_number,
            "where": str(head.wait or head.where),
            "took": took(head.seconds, output),
        }
        for head in heads
    ]


def _steps(run: DagRun, output: str) -> str:
    names = dict(run.task_instances.values_list("position", "task_id"))

    def row(step: StepRow) -> dict[str, Any]:
        return {
            "step": step.number,
            "task_id": "" if step.of is None else names[step.of],
            "action": step.action,
            "connection": step.conn_id or "N/A",
            "internal_state": step.internal_state,
            "state": str(step.state),
            "result": step.result,
            "took": took(step.seconds, output),
        }

    return formatted([row(step) for step in run_table(run).rows], output)
