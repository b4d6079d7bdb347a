"""Runs, their tasks and what those left as Airflow's objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid5

from tasks.api.dag_shapes import version_shape
from tasks.api.states import RUN, TASK
from tasks.models import DagRun, RenderedFields, TaskInstance, XCom
from tasks.presentation.execution_table import between
from tasks.states import RunState, TaskState

#: How the audit trail names who acts by ``manage.py``.
COMMAND_LINE = "command line"
#: As in an Airflow that has no other pools.
POOL = "default_pool"


def run_shape(run: DagRun) -> dict[str, Any]:
    """``run`` with its DAG and version."""
    dag_id = run.dag.dag_id
    # What needed no worker began when it ended, as in Airflow.
    started = run.started_at or run.ended_at
    return {
        "dag_run_id": run.run_id,
        "dag_id": dag_id,
        "logical_date": run.logical_date,
        "queued_at": run.queued_at,
        "start_date": started,
        "end_date": run.ended_at,
        "duration": between(started, run.ended_at),
        "data_interval_start": run.data_interval_start,
        "data_interval_end": run.data_interval_end,
        "run_after": run_after_of(run),
        "last_scheduling_decision": None,
        "run_type": run.run_type,
        "state": RUN[RunState(run.state)],
        "triggered_by": _triggered_by(run),
        "triggering_user_name": run.triggered_by_name if run.run_type == "manual" else None,
        "conf": run.conf,
        "note": run.note or None,
        "dag_versions": [version_shape(run.version, dag_id, origin=run.dag.origin)],
        "bundle_version": None,
        "dag_display_name": dag_id,
        "partition_key": None,
        "partition_date": None,
    }


def run_after_of(run: DagRun) -> datetime:
    """As ``tasks.api.moments.run_after`` has it in the database."""
    is_scheduled = run.run_type == "scheduled"
    return (run.data_interval_end if is_scheduled else None) or run.queued_at


def _triggered_by(run: DagRun) -> str | None:
    """Whether a page or a call of the API made a run by hand is not kept."""
    if run.run_type == "scheduled":
        return "timetable"
    return "cli" if run.triggered_by_name.startswith(COMMAND_LINE) else None


def instance_shapes(instances: Iterable[TaskInstance]) -> list[dict[str, Any]]:
    """Rows with their runs, DAGs and versions; what was rendered takes one more query."""
    rows = list(instances)
    found = RenderedFields.objects.filter(task_instance__in=[row.pk for row in rows])
    rendered: dict[tuple[int, int], dict[str, Any]] = {}
    for pk, number, fields in found.values_list("task_instance_id", "try_number", "fields"):
        rendered[pk, number] = fields
    return [_instance_shape(row, rendered) for row in rows]


def _instance_shape(
    row: TaskInstance, rendered: Mapping[tuple[int, int], dict[str, Any]]
) -> dict[str, Any]:
    number = tries_begun(row)
    return {
        **try_shape(row),
        "id": uuid5(row.run.uid, row.task_id),
        "logical_date": row.run.logical_date,
        "run_after": run_after_of(row.run),
        "note": row.note or None,
        "rendered_map_index": None,
        "rendered_fields": rendered.get((row.pk, number), {}),
        "trigger": None,
        "triggerer_job": None,
    }


def try_shape(row: TaskInstance) -> dict[str, Any]:
    """What the last try has in common with the earlier ones."""
    dag_id = row.run.dag.dag_id
    started = row.started_at or row.ended_at
    return {
        "task_id": row.task_id,
        "dag_id": dag_id,
        "dag_run_id": row.run.run_id,
        "map_index": -1,
        "start_date": started,
        "end_date": row.ended_at,
        "duration": between(started, row.ended_at),
        "state": TASK[TaskState(row.state)],
        "try_number": tries_begun(row),
        "max_tries": max(row.max_tries - 1, 0),
        "task_display_name": row.task_id,
        "dag_display_name": dag_id,
        "hostname": row.worker,
        "unixname": None,
        "pool": POOL,
        "pool_slots": 1,
        "queue": row.queue,
        "priority_weight": 1,
        "operator": row.operator,
        "operator_name": row.operator,
        "queued_when": row.queued_at,
        "scheduled_when": row.queued_at,
        "pid": None,
        "executor": None,
        "executor_config": "{}",
        "dag_version": version_shape(row.run.version, dag_id, origin=row.run.dag.origin),
    }


def tries_begun(row: TaskInstance) -> int:
    """Airflow counts a try when it is queued; ours has the number of the one that comes next."""
    was_queued = row.queued_at is not None or row.started_at is not None
    # A task that does nothing needs no worker.
    was_instant = row.state == TaskState.SUCCESS and not row.marked_by_name
    has_begun = (was_queued or was_instant) and row.state != TaskState.UP_FOR_RETRY
    return row.try_number if has_begun else row.try_number - 1


def xcom_shape(row: XCom) -> dict[str, Any]:
    """``row`` with its task instance, run and DAG; without the value."""
    instance = row.task_instance
    dag_id = instance.run.dag.dag_id
    return {
        "key": row.key,
        "timestamp": row.at,
        "logical_date": instance.run.logical_date,
        "map_index": -1,
        "task_id": instance.task_id,
        "dag_id": dag_id,
        "run_id": instance.run.run_id,
        "dag_display_name": dag_id,
        "task_display_name": instance.task_id,
        "run_after": run_after_of(instance.run),
    }
