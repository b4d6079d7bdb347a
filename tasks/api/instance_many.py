"""Changes many tasks of runs in one call, as Airflow does."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from access.bearer import Bearer
from access.problems import Refused, refusals
from access.rights import Right
from connections.api.schemas import BulkResponse, OnNonExistence
from tasks.api import many
from tasks.api.bulk_schemas import (
    BulkTaskInstanceBody,
    BulkTaskInstancesBody,
    UpdateTaskInstances,
)
from tasks.api.finding import ALL, known_instance
from tasks.api.instance_writing import change_instance
from tasks.api.routing import task_instances
from tasks.models import TaskInstance


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
    auth=Bearer(Right.CANCEL),
    summary="Change many tasks of runs",
    response={200: BulkResponse, **refusals()},
)
def bulk_task_instances(
    request: HttpRequest, dag_id: str, dag_run_id: str, body: BulkTaskInstancesBody
) -> dict[str, Any]:
    """The acts are done in their order, each whole or not at all; one that fails is told in
    `errors`. `~` in the address stands for what each task names. Tasks of a run are neither made
    nor deleted."""

    def do(action: Any) -> list[str]:
        if isinstance(action, UpdateTaskInstances):
            return _update(request, action, dag_id, dag_run_id)
        raise Refused(405, f"Task instances bulk {action.action} is not supported")

    return many.done(body.actions, do)


def _update(
    request: HttpRequest, action: UpdateTaskInstances, dag_id: str, run_id: str
) -> list[str]:
    found = []
    for entity in action.entities:
        try:
            found.append((_named(entity, dag_id, run_id), entity))
        except Refused as error:
            if error.status_code != 404 or action.action_on_non_existence is OnNonExistence.FAIL:
                raise
    many.lock(row.run for row, _ in found)
    done: dict[str, None] = {}
    for row, entity in found:
        # The one before may have changed it, too.
        row.refresh_from_db(fields=["state"])
        for each in change_instance(request, row, entity, mask=action.update_mask):
            done[f"{row.run.dag.dag_id}.{row.run.run_id}.{each.task_id}[-1]"] = None
    return list(done)


def _named(entity: BulkTaskInstanceBody, dag_id: str, run_id: str) -> TaskInstance:
    """Raise ``Refused``."""
    words = "When using wildcard in path, dag_id and dag_run_id must be specified in request body "
    words += f"for task_id: {entity.task_id}"
    dag_id = many.dag_of(entity.dag_id, dag_id, words)
    run_id = entity.dag_run_id or run_id
    if run_id == ALL:
        raise Refused(400, words)
    place = f"dag_id: {dag_id}, run_id: {run_id}, task_id: {entity.task_id}"
    words = f"No task instances found for {place}"
    if entity.map_index not in (None, -1):
        raise Refused(404, words)
    return known_instance(dag_id, run_id, entity.task_id, words=words)
