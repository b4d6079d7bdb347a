"""Patchbay's own calls about runs: true states, cancel, and the execution table."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from access.models import AuditEvent
from tasks.models import DagRun
from tests.api.calls import Caller, faults
from tests.api.dag_world import OWN_DAGS, World, world
from tests.engine.driving import state_of, states_of, task

__all__ = ["world"]


def path(run: DagRun, *more: str) -> str:
    run_id = run.run_id.replace(":", "%3A").replace("+", "%2B")
    return "/".join([f"{OWN_DAGS}/{run.dag.dag_id}/dagRuns/{run_id}", *more])


def test_a_cancel_ends_what_waits_and_says_who_and_why(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    found = world.calls(lambda: admin.post(path(run, "cancel"), {"reason": "the wrong day"}))
    assert found == {
        "dag_id": "etl",
        "dag_run_id": run.run_id,
        "state": "cancelled",
        "waits_for": "",
        "cancelled_by": "a-admin",
        "version_number": 1,
        "tasks": {"cancelled": 3},
        "url": f"/runs/{run.pk}/",
    }
    assert admin.get(path(run)).json() == found
    event = AuditEvent.objects.get(action="cancelled")
    assert (event.actor_name, event.detail["reason"]) == ("a-admin", "the wrong day")
    again = admin.post(path(run, "cancel"))
    assert (again.status_code, "The run is over" in again.json()["detail"]) == (409, True)


def test_a_run_with_a_task_that_runs_is_cancelling(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    run.task_instances.filter(task_id="a").update(state="running")
    DagRun.objects.update(state="running")
    found = world.calls(lambda: admin.post(path(run, "cancel"), {}))
    assert (found["state"], found["tasks"]) == ("cancelling", {"cancelling": 1, "cancelled": 2})
    assert found["waits_for"].startswith("Cancel was asked for by a-admin")


def test_one_task_is_cancelled_and_the_others_go_on(admin: Caller, world: World) -> None:
    world.dag(task("a"), task("b"))
    run = world.run(work=False)
    found = world.calls(lambda: admin.post(path(run, "taskInstances", "a", "cancel")))
    assert (found["task_id"], found["state"]) == ("a", "cancelled")
    assert states_of(run) == {"a": "cancelled", "b": "success"}
    refused = admin.post(path(run, "taskInstances", "a", "cancel"))
    assert (refused.status_code, state_of(run)) == (409, "failed")


def test_the_execution_table_is_told_row_by_row(admin: Caller, world: World) -> None:
    run = world.failed_run()
    found = admin.get(path(run, "steps")).json()
    assert found["total_entries"] == run.steps.count()
    first, *_, last = found["steps"]
    assert (first["step"], first["action"], first["task_id"]) == (1, "DAG starts execution", None)
    assert (last["step"], last["state"]) == (6, "failed")
    failed = next(row for row in found["steps"] if row["error_code"])
    assert (failed["task_id"], failed["error_code"]) == ("b", "task:not-runnable")
    assert failed["what_to_do"]
    of_one = admin.get(path(run, "steps"), task_id="b", limit=1).json()
    assert (of_one["total_entries"], len(of_one["steps"])) == (4, 1)


def test_a_page_of_the_table_takes_as_many_queries_for_many_rows(
    admin: Caller, world: World
) -> None:
    def queries(run: DagRun) -> int:
        with CaptureQueriesContext(database) as found:
            assert admin.get(path(run, "steps"), limit=100).status_code == 200
        return len(found)

    world.dag(task("a"))
    few = queries(world.run(work=False))
    world.dag(*(task(f"t{number}") for number in range(30)), dag_id="wide")
    assert queries(world.run("wide", work=False)) == few


@pytest.mark.parametrize("more", ["", "/steps", "/cancel", "/taskInstances/a/cancel"])
def test_what_is_not_there_is_404(admin: Caller, world: World, more: str) -> None:
    world.dag()
    method = "POST" if more.endswith("cancel") else "GET"
    for run_id in ("nope", "%00"):
        answer = admin(method, f"{OWN_DAGS}/etl/dagRuns/{run_id}{more}")
        assert (answer.status_code, "was not found" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("body", [{"reason": "r" * 1001}, {"why": "x"}, {"reason": 5}])
def test_a_reason_that_can_not_be_is_refused(
    admin: Caller, world: World, body: dict[str, Any]
) -> None:
    run = world.run(work=False)
    assert faults(admin.post(path(run, "cancel"), body))
    assert state_of(run) == "queued"
