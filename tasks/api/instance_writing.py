"""Lets tasks run again, and says by hand how one ended, as Airflow does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from access.bearer import Bearer
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from tasks.acts import mark_tasks, set_note
from tasks.api.finding import known_dag, known_instance, known_run
from tasks.api.routing import task_instances
from tasks.api.run_reading import all_runs
from tasks.api.run_schemas import (
    ClearTaskInstancesBody,
    PatchTaskInstanceBody,
    TaskInstanceCollection,
    UpdateMask,
)
from tasks.api.run_shapes import instance_shapes
from tasks.api.run_writing import clear_runs
from tasks.api.selection import MOST_RUNS, Wanted, instances_of, to_clear
from tasks.engine.versions import spec_of
from tasks.exceptions import ActRefused
from tasks.models import Dag, DagRun, TaskInstance
from tasks.notes import set_task_note
from tasks.states import TaskState


@task_instances.post(
    "/dags/{dag_id}/clearTaskInstances",
    auth=Bearer(Right.TRIGGER),
    summary="Let tasks of runs run again",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404, 409)},
)
def post_clear_task_instances(
    request: HttpRequest, dag_id: str, body: ClearTaskInstancesBody
) -> dict[str, Any]:
    """Answers the tasks that run again; with `dry_run`, which it is unless it is false, nothing
    is done. Of at most 100 runs, all of it or nothing."""
    dag = known_dag(dag_id)
    if body.only_running:
        raise Refused(400, "What runs can't be cleared: cancel it first.")
    runs = list(_runs(dag, body)[: MOST_RUNS + 1])
    if len(runs) > MOST_RUNS:
        words = f"At most {MOST_RUNS} runs are cleared in one call: narrow them by their dates."
        raise Refused(400, words)
    wanted = Wanted(
        task_ids=_names(body),
        only_failed=body.only_failed,
        upstream=body.include_upstream,
        downstream=body.include_downstream,
    )
    chosen = to_clear(runs, wanted)
    rows = [row for found in chosen.values() for row in found]
    if not body.dry_run and rows:
        _clear(chosen, body, request)
        rows = list(instances_of(chosen).filter(pk__in=[row.pk for row in rows]))
    return {"task_instances": instance_shapes(rows), "total_entries": len(rows)}


def _clear(
    chosen: dict[DagRun, list[TaskInstance]], body: ClearTaskInstancesBody, request: HttpRequest
) -> None:
    actor = caller_of(request).actor
    with transaction.atomic():
        clear_runs(chosen, actor=actor, to_latest=bool(body.run_on_latest_version))
        if "note" in body.model_fields_set:
            for run in chosen:
                set_note(run, body.note or "", actor=actor)


def _runs(dag: Dag, body: ClearTaskInstancesBody) -> QuerySet[DagRun]:
    rows = all_runs().filter(dag=dag).order_by("logical_date", "pk")
    if body.dag_run_id is not None:
        run = rows.filter(run_id=body.dag_run_id.replace("\0", "")).first()
        if run is None:
            words = f"Dag Run id {body.dag_run_id} not found in dag {dag.dag_id}"
            raise Refused(404, words)
        if body.include_past and body.include_future:
            return rows
        if body.include_past:
            return rows.filter(logical_date__lte=run.logical_date)
        if body.include_future:
            return rows.filter(logical_date__gte=run.logical_date)
        return rows.filter(pk=run.pk)
    if body.start_date is not None and not body.include_past:
        rows = rows.filter(logical_date__gte=body.start_date)
    if body.end_date is not None and not body.include_future:
        rows = rows.filter(logical_date__lte=body.end_date)
    return rows


def _names(body: ClearTaskInstancesBody) -> set[str] | None:
    """A pair names a mapped task, of which there are none: only -1 is the task itself."""
    if body.task_ids is None:
        return None
    pairs = [(each, -1) if isinstance(each, str) else each for each in body.task_ids]
    return {name for name, index in pairs if index == -1}


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}",
    auth=Bearer(Right.CANCEL),
    summary="Say by hand how a task ended, or note something on it",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404, 409)},
)
def patch_task_instance(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    body: PatchTaskInstanceBody,
    map_index: int | None = None,
    update_mask: UpdateMask = None,
) -> dict[str, Any]:
    """Refused while a worker runs it: cancel it first. What failed only because of it goes on
    when it is marked as successful. A note beside a state is the reason."""
    chosen = chosen_for(dag_id, dag_run_id, task_id, map_index)
    return _patched(request, chosen, body, update_mask)


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}",
    auth=Bearer(Right.CANCEL),
    summary="The same with the index of a mapped task: only -1",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404, 409)},
)
def patch_task_instance_by_map_index(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    map_index: int,
    body: PatchTaskInstanceBody,
    update_mask: UpdateMask = None,
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    chosen = chosen_for(dag_id, dag_run_id, task_id, map_index)
    return _patched(request, chosen, body, update_mask)


def _patched(
    request: HttpRequest, row: TaskInstance, body: PatchTaskInstanceBody, mask: list[str] | None
) -> dict[str, Any]:
    try:
        with transaction.atomic():
            rows = change_instance(request, row, body, mask=mask)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
    return _shown(row.run, rows)


def _shown(run: DagRun, rows: list[TaskInstance]) -> dict[str, Any]:
    shapes = instance_shapes(instances_of([run]).filter(pk__in=[each.pk for each in rows]))
    return {"task_instances": shapes, "total_entries": len(shapes)}


def chosen_for(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> TaskInstance:
    """The task of a run that an address names. Raise ``Refused``."""
    known_dag(dag_id)
    run = known_run(dag_id, run_id)
    if task_id not in spec_of(run.version_id).by_id or map_index not in (None, -1):
        raise Refused(404, f"Task '{task_id}' not found in Dag '{dag_id}'")
    return known_instance(dag_id, run_id, task_id)


def change_instance(
    request: HttpRequest,
    row: TaskInstance,
    body: PatchTaskInstanceBody,
    *,
    mask: list[str] | None,
) -> list[TaskInstance]:
    """In a transaction of the caller; what was changed. Raise ``Refused``, ``ActRefused``."""
    actor = caller_of(request).actor
    if mark := mark_of(row, body, mask=mask):
        ids = [each.pk for each in mark.rows]
        mark_tasks(row.run, ids, mark.state, actor=actor, reason=mark.reason)
        return mark.rows
    if "note" in _names_of(body, mask):
        set_task_note(row, body.note or "", actor=actor)
    return [row]


@dataclass(frozen=True)
class Mark:
    """What a call says of how tasks of one run ended."""

    rows: list[TaskInstance]
    state: TaskState
    reason: str


def mark_of(
    row: TaskInstance, body: PatchTaskInstanceBody, *, mask: list[str] | None
) -> Mark | None:
    """``None`` where no state is sent. Raise ``Refused`` for the state that it has already."""
    if "new_state" not in _names_of(body, mask) or body.new_state is None:
        return None
    state = TaskState(body.new_state)
    if row.state == state:
        raise Refused(409, f"Task id {row.task_id} is already in {state} state")
    return Mark(_to_mark(row, body, state), state, body.note or "")


def _names_of(body: PatchTaskInstanceBody, mask: list[str] | None) -> set[str]:
    return body.model_fields_set & set(mask or body.model_fields_set)


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/dry_run",
    auth=Bearer(Right.CANCEL),
    summary="Which tasks a mark would change",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404)},
)
def patch_task_instance_dry_run(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    body: PatchTaskInstanceBody,
    map_index: int | None = None,
) -> dict[str, Any]:
    """Nothing is changed. A task that is in the state already isn't among them."""
    row = chosen_for(dag_id, dag_run_id, task_id, map_index)
    rows = _to_mark(row, body, TaskState(body.new_state)) if body.new_state else []
    return _shown(row.run, rows)


@task_instances.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}/{map_index}/dry_run",
    auth=Bearer(Right.CANCEL),
    summary="The same with the index of a mapped task: only -1",
    response={200: TaskInstanceCollection, 400: Problem, **refusals(404)},
)
def patch_task_instance_dry_run_by_map_index(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    map_index: int,
    body: PatchTaskInstanceBody,
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    return patch_task_instance_dry_run(
        request, dag_id, dag_run_id, task_id, body, map_index=map_index
    )


def _to_mark(
    row: TaskInstance, body: PatchTaskInstanceBody, state: TaskState
) -> list[TaskInstance]:
    spec = spec_of(row.run.version_id)
    wanted = Wanted(
        [row.task_id], upstream=body.include_upstream, downstream=body.include_downstream
    )
    rows = instances_of([row.run]).filter(task_id__in=wanted.names_in(spec))
    return list(rows.exclude(state=state))
