"""DAGs, versions and runs in all states, made without an engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from tasks.models import Dag, DagRun, DagVersion, Step, TaskInstance
from tasks.spec import DagSpec, TaskSpec
from tasks.states import RUN_TERMINAL

SOURCE = '''"""Loads the weather."""
from airflow.sdk import DAG

SQL = """
SELECT *
FROM weather  -- all of it
"""
with DAG("elt", schedule="@daily", params={"day": "2026-01-31"}):
    rows = 10  # at most
'''


def task(task_id: str, *upstream: str, **more: Any) -> TaskSpec:
    more = {"operator": "EmptyOperator", **more}
    return TaskSpec(task_id, more.pop("operator"), upstream=upstream, **more)


def elt(**more: Any) -> DagSpec:
    """A DAG with a group, a rule, two connections and a schedule."""
    tasks = (
        task("wait", operator="GCSObjectExistenceSensor", conn_id="landing"),
        task("load.raw", "wait", operator="GCSToBigQueryOperator", conn_id="wh", group="load"),
        task("load.dims", "wait", operator="BigQueryInsertJobOperator", conn_id="wh", group="load"),
        task("transform", "load.raw", "load.dims", operator="BigQueryInsertJobOperator"),
        task("check", "transform", operator="BigQueryCheckOperator", conn_id="wh", retries=2),
        task("tell", "check", "load.raw", operator="HttpOperator", trigger_rule="one_failed"),
        task("extract", "check", operator="BigQueryToGCSOperator", conn_id="landing"),
    )
    settings = {
        "description": "Loads, transforms and checks the weather.",
        "schedule": "0 6 * * *",
        "timezone": "Europe/Berlin",
        "tags": ("weather", "daily"),
        "groups": {"load": "All that is loaded"},
    }
    return DagSpec("elt", tasks, **{**settings, **more})


def save(spec: DagSpec, *, source: str = SOURCE, by: str = "", **more: Any) -> Dag:
    """A new version, now the present one."""
    dag, _ = Dag.objects.get_or_create(
        dag_id=spec.dag_id, defaults={"filename": f"{spec.dag_id}.py", **more}
    )
    dag.current_version = DagVersion.objects.create(
        dag=dag,
        number=dag.versions.count() + 1,
        spec=spec.to_json(),
        digest=spec.digest(),
        conn_ids=list(spec.conn_ids),
        source=source,
        created_by_name=by,
    )
    dag.description = spec.description
    if spec.is_scheduled:
        dag.next_run_at = timezone.now() + timedelta(minutes=12, seconds=30)
    dag.save()
    return dag


def make_run(
    dag: Dag,
    state: str = "success",
    *,
    minutes_ago: float = 5,
    seconds: float = 40,
    task_states: dict[str, str] | None = None,
    **more: Any,
) -> DagRun:
    """A run with its task instances, in the states that are given, or all in the run's."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    version = dag.current_version
    assert version is not None
    run = DagRun.objects.create(
        **{
            "dag": dag,
            "version": version,
            "run_id": f"manual__{at.isoformat()}",
            "state": state,
            "queued_at": at,
            "admitted_at": at,
            "started_at": at,
            "logical_date": at,
            "triggered_by_name": "ada",
            "ended_at": at + timedelta(seconds=seconds) if state in RUN_TERMINAL else None,
            **more,
        }
    )
    known, others = task_states or {}, "success" if task_states else state
    TaskInstance.objects.bulk_create(
        TaskInstance(
            run=run,
            task_id=each.task_id,
            position=position,
            operator=each.operator,
            conn_id=each.conn_id or "",
            state=known.get(each.task_id, others),
            queued_at=at,
        )
        for position, each in enumerate(version.parsed.tasks)
    )
    return run


def fail_step(
    run: DagRun, task_id: str, *, number: int = 3, words: str = "The key was revoked."
) -> Step:
    instance = run.task_instances.get(task_id=task_id)
    return Step.objects.create(
        run=run,
        task_instance=instance,
        number=number,
        position=(instance.position + 1) * 100_000 + 10 + number,
        state="failed",
        result=words,
    )
