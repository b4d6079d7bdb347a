"""Many runs and tasks in one call, and runs that are deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from access.models import AuditEvent
from tasks.acts import cancel_run, delete_run
from tasks.exceptions import ActRefused, RunGone
from tasks.models import Dag, DagRun, LogLine, RenderedFields, Step, TaskInstance, XCom
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, run_path, world
from tests.conftest import ACTOR
from tests.engine.driving import SCRIPTS, state_of, states_of, task, wrong

__all__ = ["world"]
RUNS = f"{DAGS}/etl/dagRuns"
OF_A_RUN = (RenderedFields, XCom, LogLine, Step, TaskInstance, DagRun)


def everything() -> Any:
    return (
        [list(model.objects.order_by("pk").values()) for model in OF_A_RUN],
        list(Dag.objects.order_by("pk").values()),
        AuditEvent.objects.count(),
    )


def acts(path: str, admin: Caller, *actions: dict[str, Any]) -> Any:
    answer = admin.patch(path, {"actions": list(actions)})
    assert answer.status_code == 200, answer.content
    return answer.json()


# Deleted


def test_a_deleted_run_leaves_nothing_behind_but_its_line_in_the_audit_trail(
    admin: Caller, world: World
) -> None:
    world.dag(task("a", arguments={"text": "{{ ds }}"}), task("b", "a"))
    run = world.failed_run(run_id="old")
    kept = world.run(run_id="kept")
    assert all(model.objects.exists() for model in OF_A_RUN)
    assert admin.delete(run_path(run)).status_code == 204
    assert admin.get(run_path(run)).status_code == 404
    assert admin.delete(run_path(run)).status_code == 404
    assert not DagRun.objects.filter(run_id="old").exists()
    for model in (Step, LogLine, TaskInstance):
        assert {row.run_id for row in model.objects.all()} == {kept.pk}
    for left in (XCom, RenderedFields):
        assert {row.task_instance.run_id for row in left.objects.all()} == {kept.pk}
    event = AuditEvent.objects.get(action="deleted")
    assert (event.object_id, event.actor_name) == ("etl/old", "a-admin")


def test_a_run_that_goes_on_is_not_deleted(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    run.task_instances.filter(task_id="a").update(state="running")
    for state in ("running", "cancelling", "queued"):
        DagRun.objects.update(state=state)
        before = everything()
        answer = admin.delete(run_path(run))
        assert (answer.status_code, "The run goes on. Cancel it" in answer.json()["detail"]) == (
            409,
            True,
        )
        assert everything() == before


def test_a_queued_run_gives_its_place_to_the_next_one(admin: Caller, world: World) -> None:
    world.dag(max_active_runs=1)
    first, second = (world.run(run_id=name, work=False) for name in ("first", "second"))
    assert [run.admitted_at is None for run in (first, second)] == [False, True]
    with world.engine.committing():
        assert admin.delete(run_path(first)).status_code == 204
    # The messages of the first one find nothing.
    world.engine.work()
    assert states_of(second) == dict.fromkeys("abc", "success")
    assert state_of(second) == "success"


def test_a_run_that_waits_for_a_place_takes_none_with_it(admin: Caller, world: World) -> None:
    world.dag(max_active_runs=1)
    first, second, third = (world.run(run_id=name, work=False) for name in ("a", "b", "c"))
    with world.engine.committing():
        assert admin.delete(run_path(second)).status_code == 204
    third.refresh_from_db()
    assert third.admitted_at is None
    world.engine.work()
    assert [state_of(run) for run in (first, third)] == ["success", "success"]


def test_a_run_that_is_gone_meanwhile_is_told_so(world: World) -> None:
    run = world.run()
    delete_run(run, actor=ACTOR)
    with pytest.raises(RunGone):
        delete_run(run, actor=ACTOR)
    with pytest.raises(ActRefused, match=r"The run is deleted\."):
        cancel_run(run, actor=ACTOR)


def test_a_large_run_is_deleted_by_few_queries(admin: Caller, world: World) -> None:
    def queries(count: int) -> int:
        world.dag(*(task(f"t{number}") for number in range(count)), dag_id=f"d{count}")
        run = world.run(f"d{count}")
        with CaptureQueriesContext(database) as found:
            assert admin.delete(run_path(run)).status_code == 204
        return len(found)

    assert queries(300) < queries(3) + 10


# Many runs


def test_many_runs_are_noted_ended_and_deleted_in_one_call(admin: Caller, world: World) -> None:
    runs = [world.run(run_id=name) for name in ("a", "b", "c")]
    with world.engine.committing():
        answer = acts(
            RUNS,
            admin,
            {
                "action": "update",
                "entities": [{"dag_run_id": "a", "note": "x"}, {"dag_run_id": "b", "note": "y"}],
            },
            {"action": "update", "entities": [{"dag_run_id": "b", "state": "failed"}]},
            {"action": "delete", "entities": ["c"]},
        )
    assert answer == {
        "create": None,
        "update": {"success": ["etl.a", "etl.b", "etl.b"], "errors": []},
        "delete": {"success": ["etl.c"], "errors": []},
    }
    assert dict(DagRun.objects.values_list("run_id", "note")) == {"a": "x", "b": "y"}
    assert state_of(runs[1]) == "failed"


def test_an_act_that_fails_writes_nothing_and_the_others_are_done(
    admin: Caller, world: World
) -> None:
    good, other = world.run(run_id="good"), world.run(run_id="other")
    running = world.run(run_id="running", work=False)
    running.task_instances.filter(task_id="a").update(state="running")
    answer = acts(
        RUNS,
        admin,
        {"action": "delete", "entities": ["good", "nope"]},
        {"action": "delete", "entities": [{"dag_run_id": "other"}, "running"]},
        {"action": "update", "entities": [{"dag_run_id": "good", "note": "n"}]},
        {"action": "update", "entities": [{"dag_run_id": "\u0001", "note": "n"}]},
        {"action": "create", "entities": [{"dag_run_id": "new"}]},
    )
    words = "The DagRuns with these identifiers: [('etl', 'nope')] were not found"
    assert answer["delete"]["success"] == []
    assert answer["delete"]["errors"][0] == {"error": words, "status_code": 404}
    assert answer["delete"]["errors"][1]["status_code"] == 409
    assert answer["update"]["success"] == ["etl.good"]
    assert answer["update"]["errors"][0]["status_code"] == 404
    assert answer["create"]["errors"][0]["status_code"] == 405
    assert DagRun.objects.filter(pk__in=[good.pk, other.pk, running.pk]).count() == 3
    assert DagRun.objects.get(run_id="good").note == "n"


def test_what_is_not_there_may_be_skipped_and_a_mask_holds(admin: Caller, world: World) -> None:
    run = world.run(run_id="r")
    answer = acts(
        RUNS,
        admin,
        {"action": "delete", "entities": ["nope"], "action_on_non_existence": "skip"},
        {
            "action": "update",
            "entities": [{"dag_run_id": "r", "note": "n", "state": "failed"}],
            "update_mask": ["note"],
        },
    )
    assert answer["delete"] == {"success": [], "errors": []}
    run.refresh_from_db()
    assert (run.state, run.note) == ("success", "n")


def test_runs_of_many_dags_name_their_dag_each(admin: Caller, world: World) -> None:
    world.run(run_id="r")
    world.run("other", run_id="r")
    path = f"{DAGS}/~/dagRuns"
    named = {"dag_run_id": "r", "dag_id": "other", "note": "n"}
    answer = acts(path, admin, {"action": "update", "entities": [named]})
    assert answer["update"]["success"] == ["other.r"]
    before = everything()
    for entity in ({"dag_run_id": "r", "note": "n"}, {"dag_run_id": "r", "dag_id": "~"}):
        answer = acts(path, admin, {"action": "update", "entities": [entity]})
        assert answer["update"]["errors"][0]["status_code"] == 400
    answer = acts(path, admin, {"action": "delete", "entities": ["r"]})
    assert "dag_id must be specified" in answer["delete"]["errors"][0]["error"]
    assert everything() == before


def test_a_bulk_delete_takes_the_right_to_change_dags(world: World) -> None:
    world.run(run_id="r")
    before = everything()
    operator = Caller("Operator")
    answer = acts(RUNS, operator, {"action": "delete", "entities": ["r"]})
    assert answer["delete"]["errors"][0]["status_code"] == 403
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ["body", "actions"]),
        ({"actions": [{"action": "nope", "entities": []}]}, ["body", "actions", 0]),
        (
            {"actions": [{"action": "update", "entities": [{"dag_run_id": "r", "state": "x"}]}]},
            ["body", "actions", 0, "update", "entities", 0, "state"],
        ),
        (
            {"actions": [{"action": "update", "entities": [{"note": "x"}]}]},
            ["body", "actions", 0, "update", "entities", 0, "dag_run_id"],
        ),
    ],
)
def test_a_fault_in_the_shape_refuses_the_whole_call(
    admin: Caller, world: World, body: Any, place: list[Any]
) -> None:
    world.run(run_id="r")
    before = everything()
    assert [found for _, found in faults(admin.patch(RUNS, body))] == [place]
    assert everything() == before


def test_an_act_has_no_end_of_runs(admin: Caller, world: World) -> None:
    world.dag()
    before = everything()
    answer = acts(RUNS, admin, {"action": "delete", "entities": [f"r{n}" for n in range(101)]})
    assert answer["delete"]["errors"][0]["status_code"] == 400
    assert everything() == before


# Many runs again


def test_many_runs_run_again_when_it_is_asked_for(admin: Caller, world: World) -> None:
    runs = [world.failed_run(run_id=name) for name in ("a", "b")]
    path, body = f"{DAGS}/etl/clearDagRuns", {"dag_runs": [{"dag_run_id": r} for r in "ab"]}
    before = everything()
    told = admin.post(path, {**body, "only_failed": True}).json()
    assert [each["task_id"] for each in told["task_instances"]] == ["b", "c", "b", "c"]
    assert admin.post(path, body).json()["total_entries"] == 6
    assert everything() == before
    done = world.calls(lambda: admin.post(path, {**body, "dry_run": False, "note": "again"}))
    assert [run["dag_run_id"] for run in done["dag_runs"]] == ["a", "b"]
    assert [state_of(run) for run in runs] == ["success", "success"]
    assert set(DagRun.objects.values_list("note", flat=True)) == {"again"}


@pytest.mark.parametrize(
    ("dag_id", "body", "status", "words"),
    [
        ("etl", {}, 422, "Exactly one of dag_runs"),
        ("etl", {"dag_runs": [{"dag_run_id": "nope"}]}, 404, "run_id: `nope` was not found"),
        ("nope", {"dag_runs": [{"dag_run_id": "r"}]}, 404, "dag_id: `nope`"),
        ("~", {"dag_runs": [{"dag_run_id": "r"}]}, 400, "every entry must provide a concrete"),
        ("etl", {"dag_runs": [{"dag_run_id": "r", "dag_id": "x"}]}, 400, "does not match the URL"),
        ("etl", {"dag_runs": [{"dag_run_id": "r"}], "only_new": True}, 400, "only_new"),
        ("etl", {"dag_runs": [{"dag_run_id": "r"}] * 101}, 400, "At most 100 runs"),
    ],
)
def test_a_clear_of_runs_that_can_not_be_is_refused_and_changes_nothing(
    admin: Caller, world: World, dag_id: str, body: Any, status: int, words: str
) -> None:
    world.failed_run(run_id="r")
    before = everything()
    answer = admin.post(f"{DAGS}/{dag_id}/clearDagRuns", {"dry_run": False, **body})
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert everything() == before


# Many tasks


def test_many_tasks_are_marked_and_noted_in_one_call(admin: Caller, world: World) -> None:
    run = world.failed_run(run_id="r")
    path = run_path(run, "taskInstances")
    update = {"action": "update", "entities": [{"task_id": "a", "note": "seen"}]}
    mark = {"action": "update", "entities": [{"task_id": "b", "new_state": "success"}]}
    with world.engine.committing():
        answer = acts(path, admin, update, mark)
    assert answer["update"] == {"success": ["etl.r.a[-1]", "etl.r.b[-1]"], "errors": []}
    world.engine.work()
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert run.task_instances.get(task_id="a").note == "seen"


def test_tasks_that_can_not_be_changed_are_told_and_nothing_is(admin: Caller, world: World) -> None:
    run = world.failed_run(run_id="r")
    before = everything()
    path = run_path(run, "taskInstances")
    mark = {"task_id": "a", "new_state": "failed"}
    answer = acts(
        path,
        admin,
        {"action": "update", "entities": [mark, {"task_id": "nope", "new_state": "failed"}]},
        {"action": "update", "entities": [{"task_id": "a", "new_state": "success"}]},
        {"action": "update", "entities": [{**mark, "map_index": 2}]},
        {"action": "delete", "entities": ["a"]},
        {"action": "create", "entities": []},
    )
    words = "No task instances found for dag_id: etl, run_id: r, task_id: nope"
    assert answer["update"]["errors"][0] == {"error": words, "status_code": 404}
    assert answer["update"]["errors"][1]["error"] == "Task id a is already in success state"
    assert [each["status_code"] for each in answer["update"]["errors"]] == [404, 409, 404]
    assert [answer[kind]["errors"][0]["status_code"] for kind in ("create", "delete")] == [405, 405]
    answer = acts(f"{RUNS}/~/taskInstances", admin, {"action": "update", "entities": [mark]})
    assert answer["update"]["errors"][0]["status_code"] == 400
    assert everything() == before


# Many DAGs


def test_the_dags_of_a_pattern_are_paused_and_without_one_none_is(
    admin: Caller, world: World
) -> None:
    for name in ("etl", "etl_late", "other"):
        world.dag(dag_id=name)
    assert admin.patch(DAGS, {"is_paused": True}).json() == {"dags": [], "total_entries": 0}
    assert not Dag.objects.filter(is_paused=True).exists()
    found = admin.patch(DAGS, {"is_paused": True}, dag_id_pattern="ETL").json()
    assert [(dag["dag_id"], dag["is_paused"]) for dag in found["dags"]] == [
        ("etl", True),
        ("etl_late", True),
    ]
    assert set(Dag.objects.filter(is_paused=True).values_list("dag_id", flat=True)) == {
        "etl",
        "etl_late",
    }
    assert AuditEvent.objects.filter(action="paused").count() == 2
    assert admin.patch(DAGS, {"is_paused": False}, dag_id_pattern="~").json()["total_entries"] == 3


def test_a_dag_of_a_file_is_not_deleted_and_one_of_the_browser_is(
    admin: Caller, world: World
) -> None:
    SCRIPTS["b"] = [wrong]
    world.run()
    Dag.objects.update(origin="file", filename="etl.py")
    before = everything()
    answer = admin.delete(f"{DAGS}/etl")
    assert (answer.status_code, "etl.py" in answer.json()["detail"]) == (409, True)
    assert admin.delete(f"{DAGS}/nope").status_code == 404
    assert admin.delete(f"{DAGS}/%00").status_code == 404
    assert everything() == before
    Dag.objects.update(origin="browser", filename="")
    assert admin.delete(f"{DAGS}/etl").status_code == 200
    assert not Dag.objects.exists()
    assert not DagRun.objects.exists()
