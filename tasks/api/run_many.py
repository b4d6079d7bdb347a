"""Changes, deletes and clears many runs in one call, as Airflow does."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from access.audit import Actor
from access.bearer import Bearer, demand
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from connections.api.schemas import BulkResponse, OnNonExistence
from tasks.acts import delete_run, set_note
from tasks.api import many
from tasks.api.bulk_schemas import (
    BulkDAGRunBody,
    BulkDAGRunClearBody,
    BulkRunsBody,
    ClearedTasks,
    DeleteRuns,
    UpdateRuns,
)
from tasks.api.finding import ALL, known_run
from tasks.api.routing import runs
from tasks.api.run_schemas import DAGRunCollection
from tasks.api.run_shapes import instance_shapes, run_shape
from tasks.api.run_writing import change_run, clear_runs, refuse_only_new
from tasks.api.selection import Wanted, to_clear
from tasks.models import DagRun

_NO_CREATE = "Dag Runs bulk create is not supported. Use the trigger Dag Run endpoint instead."
_IN_BODY = "When using wildcard in path, dag_id must be specified in request body for dag_run_id: "
_NO_TEXT = (
    "When using wildcard in path, dag_id must be specified in BulkDAGRunBody object, not as string "
    "for dag_run_id: "
)


@runs.patch(
    "/dags/{dag_id}/dagRuns",
    auth=Bearer(Right.CANCEL),
    summary="Change and delete many runs",
    response={200: BulkResponse, 400: Problem, **refusals()},
)
def bulk_dag_runs(request: HttpRequest, dag_id: str, body: BulkRunsBody) -> dict[str, Any]:
    """The acts are done in their order, each whole or not at all; one that fails is told in
    `errors`. `~` in the address stands for the DAG that each run names. Deleting takes the right
    to change DAGs, too. At most 100 runs in an act, and 1,000 in a call."""

    def do(action: Any) -> list[str]:
        if isinstance(action, UpdateRuns):
            return _update(request, action, dag_id)
        if isinstance(action, DeleteRuns):
            demand(request, Right.WRITE_DAGS)
            return _delete(action, dag_id, actor=caller_of(request).actor)
        raise Refused(405, _NO_CREATE)

    return many.done(body.actions, do)


def _update(request: HttpRequest, action: UpdateRuns, dag_id: str) -> list[str]:
    named = [(_dag_of(entity, dag_id), entity) for entity in action.entities]
    found = _found({(dag, entity.dag_run_id) for dag, entity in named}, action)
    many.lock(found.values())
    done = []
    for dag, entity in named:
        run = found.get((dag, entity.dag_run_id))
        if run is not None:
            change_run(request, run, entity, mask=action.update_mask)
            done.append(_name(run))
    return list(dict.fromkeys(done))


def _delete(action: DeleteRuns, dag_id: str, *, actor: Actor) -> list[str]:
    wanted: dict[tuple[str, str], None] = {}
    for entity in action.entities:
        if isinstance(entity, str):
            wanted[many.dag_of(None, dag_id, _NO_TEXT + entity), entity] = None
        else:
            wanted[_dag_of(entity, dag_id), entity.dag_run_id] = None
    found = _found(wanted, action)
    many.lock(found.values())
    for run in found.values():
        delete_run(run, actor=actor)
    return [f"{dag}.{run_id}" for dag, run_id in wanted if (dag, run_id) in found]


def _dag_of(entity: BulkDAGRunBody, dag_id: str) -> str:
    return many.dag_of(entity.dag_id, dag_id, _IN_BODY + entity.dag_run_id)


def _found(names: Any, action: UpdateRuns | DeleteRuns) -> dict[tuple[str, str], DagRun]:
    found, missing = {}, []
    for dag_id, run_id in names:
        try:
            found[dag_id, run_id] = known_run(dag_id, run_id)
        except Refused:
            missing.append((dag_id, run_id))
    if missing and action.action_on_non_existence is OnNonExistence.FAIL:
        words = f"The DagRuns with these identifiers: {sorted(missing)} were not found"
        raise Refused(404, words)
    return found


def _name(run: DagRun) -> str:
    return f"{run.dag.dag_id}.{run.run_id}"


@runs.post(
    "/dags/{dag_id}/clearDagRuns",
    auth=Bearer(Right.TRIGGER),
    summary="Let the tasks of many runs run again",
    response={200: ClearedTasks | DAGRunCollection, 400: Problem, **refusals(404, 409)},
)
def clear_dag_runs(request: HttpRequest, dag_id: str, body: BulkDAGRunClearBody) -> dict[str, Any]:
    """With `dry_run`, which it is unless it is false, the tasks that would run again. Else the
    runs. All of it or nothing; refused while one of the tasks runs."""
    refuse_only_new(body)
    if len(body.dag_runs) > many.MOST:
        raise Refused(400, f"At most {many.MOST} runs are cleared in one call.")
    chosen = {(_dag_to_clear(entity, dag_id), entity.dag_run_id): None for entity in body.dag_runs}
    found = [known_run(dag, run_id) for dag, run_id in chosen]
    tasks = to_clear(found, Wanted(only_failed=body.only_failed))
    if body.dry_run:
        rows = [row for each in tasks.values() for row in each]
        return {"task_instances": instance_shapes(rows), "total_entries": len(rows)}
    actor = caller_of(request).actor
    with transaction.atomic():
        clear_runs(tasks, actor=actor, to_latest=bool(body.run_on_latest_version))
        if "note" in body.model_fields_set:
            for run in found:
                set_note(run, body.note or "", actor=actor)
    shapes = [run_shape(known_run(run.dag.dag_id, run.run_id)) for run in found]
    return {"dag_runs": shapes, "total_entries": len(shapes)}


def _dag_to_clear(entity: BulkDAGRunBody, dag_id: str) -> str:
    """Raise ``Refused`` where the address and the entity name two."""
    if dag_id == ALL:
        words = "When the URL dag_id is '~', every entry must provide a concrete dag_id (missing "
        return many.dag_of(entity.dag_id, ALL, f"{words}on dag_run_id: '{entity.dag_run_id}').")
    if entity.dag_id not in (None, dag_id):
        words = f"Entry dag_id '{entity.dag_id}' does not match the URL dag_id '{dag_id}'."
        raise Refused(400, words)
    return dag_id
