"""Changes many tasks of runs in one call, as Airflow does."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.http import HttpRequest

from access.audit import Actor
from access.bearer import Bearer
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from connections.api.schemas import BulkResponse, OnNonExistence
from tasks.acts import mark_tasks
from tasks.api import many
from tasks.api.bulk_schemas import (
    BulkTaskInstanceBody,
    BulkTaskInstancesBody,
    UpdateTaskInstances,
)
from tasks.api.finding import ALL, known_instance
from tasks.api.instance_writing import Mark, change_instance, mark_of
from tasks.api.routing import task_instances
from tasks.models import DagRun, TaskInstance
from tasks.states import TaskState


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances",
    auth=Bearer(Right.CANCEL),
    summary="Change many tasks of runs",
    response={200: BulkResponse, 400: Problem, **refusals()},
)
def bulk_task_instances(
    request: HttpRequest, dag_id: str, dag_run_id: str, body: BulkTaskInstancesBody
) -> dict[str, Any]:
    """The acts are done in their order, each whole or not at all; one that fails is told in
    `errors`. `~` in the address stands for what each task names. Tasks of a run are neither made
    nor deleted. At most 100 tasks in an act, and 1,000 in a call."""

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
    marks = _Marks(caller_of(request).actor)
    for row, entity in found:
        for each in _change(request, row, entity, mask=action.update_mask, marks=marks):
            done[f"{row.run.dag.dag_id}.{row.run.run_id}.{each.task_id}[-1]"] = None
    marks.make()
    return list(done)


def _change(
    request: HttpRequest,
    row: TaskInstance,
    entity: BulkTaskInstanceBody,
    *,
    mask: list[str] | None,
    marks: _Marks,
) -> list[TaskInstance]:
    """What is changed, now or when ``marks`` are made. Raise ``Refused``, ``ActRefused``."""
    if marks.has(row):
        marks.make()
    # The one before may have changed it, too.
    row.refresh_from_db(fields=["state"])
    mark = mark_of(row, entity, mask=mask)
    if mark is None:
        return change_instance(request, row, entity, mask=mask)
    if marks.differ(mark):
        marks.make()
        mark = mark_of(row, entity, mask=mask) or mark
    marks.add(mark)
    return mark.rows


class _Marks:
    """Those of one run, state and reason are made together: each settles its whole run anew."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._waiting: dict[int, tuple[TaskInstance, TaskState, str]] = {}

    def has(self, row: TaskInstance) -> bool:
        return row.pk in self._waiting

    def differ(self, mark: Mark) -> bool:
        """Whether one of its tasks waits for another mark than this."""
        found = [self._waiting[row.pk][1:] for row in mark.rows if self.has(row)]
        return any(other != (mark.state, mark.reason) for other in found)

    def add(self, mark: Mark) -> None:
        self._waiting |= {row.pk: (row, mark.state, mark.reason) for row in mark.rows}

    def make(self) -> None:
        """Raise ``ActRefused``."""
        groups: dict[tuple[DagRun, TaskState, str], list[int]] = defaultdict(list)
        for pk, (row, state, reason) in self._waiting.items():
            groups[row.run, state, reason].append(pk)
        self._waiting = {}
        for (run, state, reason), ids in groups.items():
            mark_tasks(run, ids, state, actor=self._actor, reason=reason)


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
