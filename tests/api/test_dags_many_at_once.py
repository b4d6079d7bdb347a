"""Many runs and tasks in one call, while others change them, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection as database

from access.models import AuditEvent
from tasks.acts import set_note
from tasks.models import DagRun
from tests.api.calls import Caller
from tests.api.dag_world import DAGS, World, run_path, world
from tests.engine.driving import states_of, task

__all__ = ["world"]
RUNS = f"{DAGS}/~/dagRuns"


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """With their parameters."""
    found: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append((sql, params))
        return execute(sql, params, many, context)

    with database.execute_wrapper(note):
        yield found


def numbers_in(found: list[tuple[str, Any]]) -> list[int]:
    """The runs whose rows were locked, each time that they were."""
    words = "SET sequence = sequence + 1"
    return [params[0] for sql, params in found if words in sql and "tasks_dagrun" in sql]


def locks(found: list[tuple[str, Any]]) -> list[str]:
    """In which order rows of runs and DAGs were locked, each for the first time."""
    order: dict[str, None] = {}
    for each in found:
        order |= {f"run {pk}": None for pk in numbers_in([each])}
        if "FOR NO KEY UPDATE" in each[0] and 'FROM "tasks_dag"' in each[0]:
            order["DAGs"] = None
    return list(order)


def two_runs(world: World) -> list[DagRun]:
    """Failed ones of two DAGs of which each may have two active runs."""
    for name in ("p", "q"):
        world.dag(task("b"), dag_id=name, max_active_runs=2)
    return [world.failed_run(name, run_id="r") for name in ("p", "q")]


@pytest.mark.skipif("database.vendor != 'postgresql'", reason="SQLite locks no rows")
@pytest.mark.parametrize("act", ["delete", "update", "clear"])
def test_all_runs_are_locked_in_one_order_and_their_dags_after_them(
    admin: Caller, world: World, act: str
) -> None:
    runs = two_runs(world)
    named = [{"dag_id": run.dag.dag_id, "dag_run_id": run.run_id} for run in reversed(runs)]
    if act == "update":
        named = [{**each, "state": "queued"} for each in named]
    with statements() as found:
        if act == "clear":
            answer = admin.post(f"{DAGS}/~/clearDagRuns", {"dry_run": False, "dag_runs": named})
        else:
            answer = admin.patch(RUNS, {"actions": [{"action": act, "entities": named}]})
    assert answer.status_code == 200, answer.content
    assert not (answer.json().get(act) or {}).get("errors")
    assert locks(found) == [*(f"run {run.pk}" for run in runs), "DAGs"]


@pytest.mark.parametrize("path", ["clearDagRuns", "dagRuns/r/clear", "clearTaskInstances"])
def test_a_run_that_is_deleted_before_its_note_is_written_is_not_cleared(
    admin: Caller, world: World, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    run = world.failed_run(run_id="r")
    before = states_of(run)

    def late(run: DagRun, note: str, *, actor: Any) -> None:
        gone = DagRun(pk=2**40, dag=run.dag)
        set_note(gone, note, actor=actor)

    for module in ("run_many", "run_writing", "instance_writing"):
        monkeypatch.setattr(f"tasks.api.{module}.set_note", late)
    body: dict[str, Any] = {"dry_run": False, "note": "again"}
    if path == "clearDagRuns":
        body["dag_runs"] = [{"dag_run_id": "r"}]
    events = AuditEvent.objects.count()
    answer = admin.post(f"{DAGS}/etl/{path}", body)
    assert (answer.status_code, answer.json()) == (409, {"detail": "The run is deleted."})
    assert states_of(run) == before
    assert AuditEvent.objects.count() == events


def mark_many(world: World, admin: Caller, path: str, entities: list[dict[str, Any]]) -> Any:
    with statements() as found, world.engine.committing():
        answer = admin.patch(path, {"actions": [{"action": "update", "entities": entities}]})
    assert answer.status_code == 200, answer.content
    # One number is the act's own lock.
    return answer.json()["update"], len(numbers_in(found)) - 1


def test_marks_of_one_run_and_state_settle_it_once(admin: Caller, world: World) -> None:
    names = [f"t{number}" for number in range(20)]
    world.dag(*map(task, names), task("end", *names))
    run = world.run(run_id="r", work=False)
    path = run_path(run, "taskInstances")
    entities = [{"task_id": name, "new_state": "success"} for name in names]
    answer, marks = mark_many(world, admin, path, entities)
    assert answer == {"success": [f"etl.r.{name}[-1]" for name in names], "errors": []}
    assert marks == 1
    assert AuditEvent.objects.get(action="marked").detail["tasks"] == 20
    assert states_of(run) == {**dict.fromkeys(names, "success"), "end": "queued"}


def test_marks_that_differ_are_made_in_their_order(admin: Caller, world: World) -> None:
    world.dag(task("a"), task("b", "a"), task("c"))
    run = world.run(run_id="r")
    path = run_path(run, "taskInstances")
    entities: list[dict[str, Any]] = [
        {"task_id": "a", "new_state": "failed", "include_downstream": True},
        {"task_id": "c", "new_state": "skipped", "note": "not today"},
        {"task_id": "b", "new_state": "success"},
        {"task_id": "a", "note": "looked at"},
    ]
    answer, marks = mark_many(world, admin, path, entities)
    assert answer["errors"] == []
    assert marks == 4
    assert states_of(run) == {"a": "failed", "b": "success", "c": "skipped"}
    notes = dict(run.task_instances.values_list("task_id", "note"))
    assert notes == {"a": "looked at", "b": "", "c": "not today"}


def test_a_task_that_is_named_twice_is_refused_and_nothing_is_marked(
    admin: Caller, world: World
) -> None:
    run = world.run(run_id="r")
    before = states_of(run)
    entities: list[dict[str, Any]] = [{"task_id": "a", "new_state": "failed"}] * 2
    answer, _ = mark_many(world, admin, run_path(run, "taskInstances"), entities)
    words = "Task id a is already in failed state"
    assert answer == {"success": [], "errors": [{"error": words, "status_code": 409}]}
    assert states_of(run) == before


@pytest.mark.parametrize("path", [RUNS, f"{RUNS}/~/taskInstances"])
def test_a_call_of_too_many_acts_is_refused_before_any_is_done(
    admin: Caller, world: World, path: str
) -> None:
    run = world.run(run_id="r")
    entity = {"dag_id": "etl", "dag_run_id": "r", "note": "n"}
    if path != RUNS:
        entity["task_id"] = "a"
    action = {"action": "update", "entities": [entity] * 100}
    answer = admin.patch(path, {"actions": [action] * 10 + [{**action, "entities": [entity]}]})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "One call is for at most 1,000 of them: send several."
    run.refresh_from_db()
    assert run.note == run.task_instances.get(task_id="a").note == ""
    answer = admin.patch(path, {"actions": [{**action, "entities": []}] * 1_001})
    assert answer.status_code == 400
