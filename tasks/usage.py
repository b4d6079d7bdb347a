"""Which DAGs use which connections, and when. ``connections`` asks through its registry."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import connection as database
from django.urls import reverse

from connections.dependents import Dependent, Provider, Refused, Usage, Use
from tasks.models import Dag, Step
from tasks.presentation.refusals import last_refusals
from tasks.states import StepState
from tasks.stored_specs import shown_spec

#: How many of the last uses are told.
LATEST = 20


def dags_that_use(conn_ids: Iterable[str]) -> dict[str, list[Dependent]]:
    """The DAGs whose present version names each of ``conn_ids``."""
    found: dict[str, list[Dependent]] = {conn_id: [] for conn_id in conn_ids}
    for dag_id, used in _present_uses():
        if asked := used & found.keys():
            dependent = Dependent("DAG", dag_id, reverse("dag", args=[dag_id]))
            for conn_id in asked:
                found[conn_id].append(dependent)
    return found


def ids_in_dags() -> set[str]:
    """Every conn_id that the present version of a DAG names."""
    return {conn_id for _, used in _present_uses() for conn_id in used}


def _present_uses() -> Iterable[tuple[str, set[str]]]:
    rows = Dag.objects.filter(is_missing=False, current_version__isnull=False)
    for dag_id, used in rows.values_list("dag_id", "current_version__conn_ids"):
        yield dag_id, set(used)


#: The moment of the newest step 2 that fetched each of many conn_ids, which are one parameter.
#: Each costs one look into the index ``step_last_use``; a GROUP BY would read all steps of each.
_LAST_USED = """
    SELECT ids.value, (
        SELECT MAX(started_at) FROM tasks_step
        WHERE number = 2 AND state = 'success' AND conn_id = ids.value
    ) FROM {} AS ids{}
"""
_IDS = {
    "postgresql": ("jsonb_array_elements_text(%s::jsonb)", "(value)"),
    "sqlite": ("json_each(%s)", ""),
}


def last_fetched(conn_ids: Iterable[str]) -> dict[str, datetime]:
    """When a task last got each of ``conn_ids``; those that none ever got are left out."""
    with database.cursor() as cursor:
        cursor.execute(_LAST_USED.format(*_IDS[database.vendor]), [json.dumps(list(conn_ids))])
        return {conn_id: _moment(value) for conn_id, value in cursor.fetchall() if value}


def _moment(value: Any) -> datetime:
    """SQLite keeps moments as texts in UTC."""
    return (
        value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
    )


def usage_of(conn_id: str) -> Usage:
    """The tasks of each DAG that name ``conn_id``, and the last times that one fetched it."""
    dags = Dag.objects.filter(is_missing=False, current_version__isnull=False)
    parts = {}
    for dag in dags.select_related("current_version"):
        if dag.current_version and conn_id in dag.current_version.conn_ids:
            tasks = shown_spec(dag.current_version).tasks
            parts[dag.dag_id] = tuple(each.task_id for each in tasks if each.conn_id == conn_id)
    fetched = Step.objects.filter(number=2, state=StepState.SUCCESS, conn_id=conn_id)
    rows = fetched.select_related("run__dag", "task_instance").order_by("-started_at")[:LATEST]
    return Usage(parts, tuple(_use(step) for step in rows))


def _use(step: Step) -> Use:
    task = step.task_instance
    assert task is not None
    assert step.started_at is not None
    return Use(
        step.run.dag.dag_id,
        task.task_id,
        reverse("run", args=[step.run_id]),
        step.started_at,
        task.conn_version,
        task.state,
    )


def refused_of(conn_id: str) -> Refused | None:
    """The task that could not use ``conn_id``, unless a later use or test went well."""
    refusal = last_refusals([conn_id]).get(conn_id)
    if refusal is None:
        return None
    page = reverse("task-instance", args=[refusal.run_pk, refusal.task_id])
    return Refused(refusal.task_id, page, refusal.at)


PROVIDER = Provider(
    dependents=dags_that_use,
    used_ids=ids_in_dags,
    last_used=last_fetched,
    usage=usage_of,
    refused=refused_of,
)
