"""DAGs, their versions and tasks as Airflow's objects."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from pydantic import TypeAdapter

from tasks.models import Dag, DagOrigin, DagVersion
from tasks.operators import OPERATORS
from tasks.spec import MOST_TASKS, DagSpec, TaskSpec

#: Airflow's name for the folder of DAG files.
BUNDLE = "dags-folder"
NO_SCHEDULE = "Never, external triggers only"
_DURATION = TypeAdapter(timedelta)


def version_shape(version: DagVersion, dag_id: str, *, origin: str) -> dict[str, Any]:
    """``version`` without its spec will do."""
    return {
        "id": uuid5(NAMESPACE_URL, f"patchbay:{dag_id}:{version.number}"),
        "version_number": version.number,
        "dag_id": dag_id,
        "bundle_name": _bundle(origin),
        "bundle_version": None,
        "created_at": version.created_at,
        "dag_display_name": dag_id,
        "bundle_url": None,
    }


def _bundle(origin: str) -> str | None:
    return BUNDLE if origin == DagOrigin.FILE else None


def dag_shape(dag: Dag, spec: DagSpec, *, has_errors: bool) -> dict[str, Any]:
    """``spec`` without its tasks will do."""
    is_file = dag.origin == DagOrigin.FILE
    return {
        "dag_id": dag.dag_id,
        "dag_display_name": dag.dag_id,
        "is_paused": dag.is_paused,
        "is_stale": dag.is_missing,
        "last_parsed_time": dag.updated_at,
        "last_parse_duration": None,
        "last_expired": None,
        "bundle_name": _bundle(dag.origin),
        "bundle_version": None,
        "relative_fileloc": dag.filename if is_file else None,
        "fileloc": str(Path(settings.DAGS_FOLDER) / dag.filename) if is_file else "",
        "description": dag.description or None,
        "timetable_summary": spec.schedule_words or None,
        "timetable_description": spec.schedule_words or NO_SCHEDULE,
        "timetable_partitioned": False,
        "timetable_periodic": spec.is_scheduled,
        "tags": [
            {"name": tag, "dag_id": dag.dag_id, "dag_display_name": dag.dag_id}
            for tag in sorted(spec.tags)
        ],
        "max_active_tasks": spec.max_active_tasks or MOST_TASKS,
        "max_active_runs": spec.max_active_runs,
        "max_consecutive_failed_dag_runs": 0,
        "has_task_concurrency_limits": False,
        "has_import_errors": has_errors,
        "next_dagrun_logical_date": dag.next_logical_date,
        "next_dagrun_data_interval_start": dag.next_interval_start,
        "next_dagrun_data_interval_end": dag.next_run_at,
        "next_dagrun_run_after": dag.next_run_at,
        "allowed_run_types": None,
        "owners": [],
        "is_backfillable": False,
        "file_token": "",
    }


def details_shape(dag: Dag, spec: DagSpec, *, has_errors: bool, active: int) -> dict[str, Any]:
    version = dag.current_version
    assert version is not None
    timeout = spec.dagrun_timeout
    limit = _DURATION.dump_python(timedelta(seconds=timeout), mode="json") if timeout else None
    return {
        **dag_shape(dag, spec, has_errors=has_errors),
        "catchup": spec.catchup,
        "dag_run_timeout": limit,
        "asset_expression": None,
        "doc_md": spec.doc_md or None,
        "start_date": _moment(spec.start_date),
        "end_date": _moment(spec.end_date),
        "is_paused_upon_creation": spec.is_paused_upon_creation,
        "params": params_shape(spec, source=None),
        "render_template_as_native_obj": False,
        "template_search_path": None,
        "timezone": spec.timezone,
        "last_parsed": dag.updated_at,
        "default_args": {},
        "rerun_with_latest_version": None,
        "owner_links": {},
        "is_favorite": False,
        "active_runs_count": active,
        "concurrency": spec.max_active_tasks or MOST_TASKS,
        "latest_dag_version": version_shape(version, dag.dag_id, origin=dag.origin),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def params_shape(spec: DagSpec, *, source: str | None) -> dict[str, Any]:
    names = dict.fromkeys((*spec.params, *spec.param_schemas))
    return {
        name: {
            "value": spec.params.get(name),
            "schema": spec.param_schemas.get(name, {}),
            "description": spec.param_schemas.get(name, {}).get("description"),
            "source": source,
        }
        for name in names
    }


def task_shape(task: TaskSpec, spec: DagSpec) -> dict[str, Any]:
    operator = OPERATORS.get(task.operator)
    paths = operator.import_paths if operator else ()
    module = next((path for path in paths if ".providers." in path), paths[0] if paths else None)
    limit = task.execution_timeout
    return {
        "task_id": task.task_id,
        "task_display_name": task.task_id,
        "owner": None,
        "start_date": _moment(spec.start_date),
        "end_date": _moment(spec.end_date),
        "trigger_rule": task.trigger_rule,
        "depends_on_past": False,
        "wait_for_downstream": False,
        "retries": task.retries,
        "queue": task.queue,
        "pool": "default_pool",
        "pool_slots": 1,
        "execution_timeout": _delta(limit) if limit else None,
        "retry_delay": _delta(task.retry_delay),
        "retry_exponential_backoff": task.retry_exponential_backoff,
        "priority_weight": 1,
        "weight_rule": "downstream",
        "ui_color": "#fff",
        "ui_fgcolor": "#000",
        "template_fields": [
            each.name for each in (operator.arguments if operator else ()) if each.templated
        ],
        "downstream_task_ids": sorted(spec.downstream[task.task_id]),
        "doc_md": task.doc_md or None,
        "operator_name": task.operator,
        "params": params_shape(spec, source="dag"),
        "class_ref": {"module_path": module, "class_name": task.operator},
        "is_mapped": False,
        "extra_links": [],
    }


def _delta(seconds: float) -> dict[str, Any]:
    found = timedelta(seconds=seconds)
    return {
        "__type": "TimeDelta",
        "days": found.days,
        "seconds": found.seconds,
        "microseconds": found.microseconds,
    }
