"""Triggers runs, ends them by hand and lets them run again, as Airflow does."""

from __future__ import annotations

from typing import Any, Literal

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Status

from access.audit import Actor
from access.bearer import Bearer, demand
from access.problems import Problem, Refused, refusals
from access.rights import Right, caller_of
from tasks import services
from tasks.acts import cancel_run, clear_tasks, delete_run, mark_tasks, set_note
from tasks.api import many
from tasks.api.finding import is_possible, known_run
from tasks.api.routing import runs
from tasks.api.run_schemas import (
    ClearedTaskInstances,
    DAGRunClearBody,
    DAGRunPatchBody,
    DAGRunResponse,
    TriggerDAGRunPostBody,
    UpdateMask,
)
from tasks.api.run_shapes import instance_shapes, run_shape
from tasks.api.selection import Wanted, to_clear
from tasks.api.states import DagRunMutableState
from tasks.engine.versions import spec_of
from tasks.exceptions import ActRefused, DagNotFound, RunGone, TriggerRefused
from tasks.models import DagRun, TaskInstance
from tasks.states import RunState, TaskState

#: A task that is over in one of these needs no mark for its run to be successful.
_WELL = frozenset({TaskState.SUCCESS, TaskState.SKIPPED, TaskState.REMOVED})


@runs.post(
    "/dags/{dag_id}/dagRuns",
    auth=Bearer(Right.TRIGGER),
    summary="Trigger a DAG",
    response={200: DAGRunResponse, 400: Problem, **refusals(404, 409)},
)
def trigger_dag_run(request: HttpRequest, dag_id: str, body: TriggerDAGRunPostBody) -> Any:
    """Makes a run of the DAG's present version. The run begins by itself, also when the broker
    can't be reached now."""
    if body.run_after is not None and body.run_after > timezone.now():
        raise Refused(400, "A run can't be made for later: leave run_after away, or null.")
    if body.partition_key is not None:
        words = f"Dag '{dag_id}' is not a partitioned Dag and does not accept a partition_key."
        raise Refused(400, words)
    if not is_possible(dag_id):
        raise Refused(404, f"Dag with dag_id: '{dag_id}' not found")
    try:
        run = _made(dag_id, body, caller_of(request).actor)
    except DagNotFound:
        raise Refused(404, f"Dag with dag_id: '{dag_id}' not found") from None
    except TriggerRefused as error:
        if _is_taken(dag_id, body.dag_run_id):
            return JsonResponse({"detail": _conflict(str(error))}, status=409)
        raise Refused(400, str(error)) from None
    return Status(200, run_shape(known_run(dag_id, run.run_id)))


def _made(dag_id: str, body: TriggerDAGRunPostBody, actor: Actor) -> DagRun:
    ends = (body.data_interval_start, body.data_interval_end)
    return services.trigger_dag_run(
        dag_id,
        actor=actor,
        conf=body.conf,
        run_id=body.dag_run_id or None,
        logical_date=body.logical_date,
        data_interval=(ends[0], ends[1]) if ends[0] and ends[1] else None,
        note=body.note or "",
    )


def _is_taken(dag_id: str, run_id: str | None) -> bool:
    if not run_id or not is_possible(run_id):
        return False
    return DagRun.objects.filter(dag__dag_id=dag_id, run_id=run_id).exists()


def _conflict(words: str) -> dict[str, str]:
    """Airflow's ``detail`` for an ID that is taken."""
    return {
        "reason": "Unique constraint violation",
        "statement": "hidden",
        "orig_error": "hidden",
        "message": words,
    }


@runs.patch(
    "/dags/{dag_id}/dagRuns/{dag_run_id}",
    auth=Bearer(Right.CANCEL),
    summary="End a run by hand, let it run again, or note something on it",
    response={200: DAGRunResponse, **refusals(404, 409)},
)
def patch_dag_run(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    body: DAGRunPatchBody,
    update_mask: UpdateMask = None,
) -> dict[str, Any]:
    """`failed` cancels a run that isn't over; of one that was successful it marks the last tasks
    as failed. `success` marks each task that isn't as successful, unless one runs. `queued` lets
    the tasks that failed run again."""
    try:
        with transaction.atomic():
            change_run(request, known_run(dag_id, dag_run_id), body, mask=update_mask)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
    return run_shape(known_run(dag_id, dag_run_id))


def change_run(
    request: HttpRequest, run: DagRun, body: DAGRunPatchBody, *, mask: list[str] | None
) -> None:
    """In a transaction of the caller. Raise ``Refused``, ``ActRefused``."""
    names = {"state", "note"} & body.model_fields_set & set(mask or body.model_fields_set)
    actor = caller_of(request).actor
    if "note" in names or (body.state is DagRunMutableState.QUEUED and "state" in names):
        demand(request, Right.TRIGGER)
    if "state" in names and body.state is not None:
        _SET[body.state](run, actor)
    if "note" in names:
        set_note(run, body.note or "", actor=actor)


@runs.delete(
    "/dags/{dag_id}/dagRuns/{dag_run_id}",
    auth=Bearer(Right.WRITE_DAGS),
    summary="Delete a run",
    response={204: None, **refusals(404, 409)},
)
def delete_dag_run(request: HttpRequest, dag_id: str, dag_run_id: str) -> Any:
    """With its tasks, logs and results. Refused while it goes on; a queued one may be deleted."""
    run = known_run(dag_id, dag_run_id)
    try:
        delete_run(run, actor=caller_of(request).actor)
    except RunGone:
        known_run(dag_id, dag_run_id)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
    return Status(204, None)


def _set_queued(run: DagRun, actor: Actor) -> None:
    clear_tasks(run, actor=actor, only_failed=True)


def _set_failed(run: DagRun, actor: Actor) -> None:
    if not run.is_over:
        cancel_run(run, actor=actor)
    elif run.state == RunState.SUCCESS:
        spec = spec_of(run.version_id)
        ends = [name for name, after in spec.downstream.items() if not after]
        rows = run.task_instances.filter(task_id__in=ends).exclude(state=TaskState.FAILED)
        ids = list(rows.values_list("pk", flat=True))
        mark_tasks(run, ids, TaskState.FAILED, actor=actor, reason="")


def _set_success(run: DagRun, actor: Actor) -> None:
    ids = list(run.task_instances.exclude(state__in=_WELL).values_list("pk", flat=True))
    if ids:
        mark_tasks(run, ids, TaskState.SUCCESS, actor=actor, reason="")


_SET = {
    DagRunMutableState.QUEUED: _set_queued,
    DagRunMutableState.FAILED: _set_failed,
    DagRunMutableState.SUCCESS: _set_success,
}


@runs.post(
    "/dags/{dag_id}/dagRuns/{dag_run_id}/clear",
    auth=Bearer(Right.TRIGGER),
    summary="Let the tasks of a run run again",
    response={200: ClearedTaskInstances | DAGRunResponse, **refusals(404, 409)},
)
def clear_dag_run(
    request: HttpRequest, dag_id: str, dag_run_id: str, body: DAGRunClearBody
) -> dict[str, Any]:
    """With `dry_run`, which it is unless it is false, the tasks that would run again. Else the
    run. Refused while one of the tasks runs."""
    run = known_run(dag_id, dag_run_id)
    refuse_only_new(body)
    rows = to_clear([run], Wanted(only_failed=body.only_failed))[run]
    if body.dry_run:
        return {"task_instances": instance_shapes(rows), "total_entries": len(rows)}
    actor = caller_of(request).actor
    with transaction.atomic():
        clear_runs({run: rows}, actor=actor, to_latest=bool(body.run_on_latest_version))
        if "note" in body.model_fields_set:
            set_note(run, body.note or "", actor=actor)
    return run_shape(known_run(dag_id, dag_run_id))


def refuse_only_new(body: DAGRunClearBody) -> None:
    """Raise ``Refused`` for what a run can't be: partly of another version."""
    if body.only_new:
        raise Refused(400, "only_new can't be had here: clear with run_on_latest_version.")


def clear_runs(chosen: dict[DagRun, list[TaskInstance]], *, actor: Actor, to_latest: bool) -> None:
    """All of it or nothing. Raise ``Refused``."""
    try:
        with transaction.atomic():
            many.lock(chosen)
            for run, rows in chosen.items():
                names = [row.task_id for row in rows]
                if to_latest and run.dag.current_version_id:
                    present = spec_of(run.dag.current_version_id).by_id
                    names = [name for name in names if name in present]
                if names:
                    version: Literal["now", "then"] = "now" if to_latest else "then"
                    clear_tasks(run, actor=actor, task_ids=names, version=version)
    except ActRefused as error:
        raise Refused(409, str(error)) from None
