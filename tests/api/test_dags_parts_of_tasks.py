"""What holds a task back, where the cloud shows it, marks that are only tried, mapped tasks."""

from __future__ import annotations

from typing import Any

import pytest

from access.models import AuditEvent
from tasks.models import Step, TaskInstance
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, run_path, world
from tests.engine.driving import states_of, task

__all__ = ["world"]


def everything() -> Any:
    return list(TaskInstance.objects.order_by("pk").values()), AuditEvent.objects.count()


def test_a_task_tells_what_it_waits_for(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    for name, expected in (
        ("c", [{"name": "Trigger Rule", "reason": "Waits for b"}]),
        ("c/-1", [{"name": "Trigger Rule", "reason": "Waits for b"}]),
    ):
        found = admin.get(run_path(run, "taskInstances", name, "dependencies")).json()
        assert found == {"dependencies": expected}
    world.engine.work()
    found = admin.get(run_path(run, "taskInstances", "c", "dependencies")).json()
    assert found == {"dependencies": []}


def test_the_console_of_the_cloud_is_linked(admin: Caller, world: World) -> None:
    run = world.run()
    path = run_path(run, "taskInstances", "a", "links")
    assert admin.get(path).json() == {"extra_links": {}, "total_entries": 0}
    url = "https://console.cloud.google.com/bigquery?project=p"
    steps = Step.objects.filter(task_instance__task_id="a", number=4)
    steps.update(facts={"console_url": url})
    assert admin.get(path).json() == {"extra_links": {"Cloud console": url}, "total_entries": 1}
    assert admin.get(path, try_number=2).json()["total_entries"] == 0
    steps.update(facts={"console_url": "https://evil.example"})
    assert admin.get(path).json()["total_entries"] == 0


def test_a_mark_can_be_tried_and_changes_nothing(admin: Caller, world: World) -> None:
    run = world.failed_run()
    before = everything()
    path = run_path(run, "taskInstances", "b")
    for more in ("", "/-1"):
        tried = admin.patch(f"{path}{more}/dry_run", {"new_state": "success"}).json()
        assert [each["task_id"] for each in tried["task_instances"]] == ["b"]
    body = {"new_state": "success", "include_downstream": True, "include_upstream": True}
    tried = admin.patch(f"{path}/dry_run", body).json()
    assert [each["task_id"] for each in tried["task_instances"]] == ["b", "c"]
    assert admin.patch(f"{path}/dry_run", {"new_state": "failed"}).json()["total_entries"] == 0
    assert admin.patch(f"{path}/dry_run", {"note": "x"}).json()["total_entries"] == 0
    assert everything() == before


@pytest.mark.parametrize(
    "more", ["", "/tries", "/tries/1", "/dependencies"], ids=lambda more: more or "itself"
)
def test_the_index_of_a_mapped_task_is_minus_one_and_no_other(
    admin: Caller, world: World, more: str
) -> None:
    path = run_path(world.failed_run(), "taskInstances", "b")
    assert admin.get(f"{path}/-1{more}").json() == admin.get(f"{path}{more}").json()
    other = admin.get(f"{path}/0{more}")
    assert (other.status_code, "map_index: `0`" in other.json()["detail"]) == (404, True)
    assert faults(admin.get(f"{path}/x{more}")) == [("int_parsing", ["path", "map_index"])]


def test_a_task_is_marked_and_noted_by_its_index(admin: Caller, world: World) -> None:
    run = world.failed_run()
    path = run_path(run, "taskInstances", "b")
    before = everything()
    assert admin.patch(f"{path}/0", {"new_state": "success"}).status_code == 404
    assert everything() == before
    world.calls(lambda: admin.patch(f"{path}/-1", {"new_state": "success", "note": "why"}))
    assert states_of(run) == dict.fromkeys("abc", "success")


def test_no_task_is_mapped(admin: Caller, world: World) -> None:
    run = world.run()
    for name, words in (("a", "Task id a is not mapped"), ("nope", "Task id nope not found")):
        answer = admin.get(run_path(run, "taskInstances", name, "listMapped"))
        assert (answer.status_code, answer.json()) == (404, {"detail": words})


def test_a_task_may_be_called_like_a_part_of_an_address(admin: Caller, world: World) -> None:
    names = ("links", "dry_run", "-1", "tries")
    world.dag(*(task(name) for name in names), dag_id="odd")
    run = world.run("odd")
    for name in names:
        path = run_path(run, "taskInstances", name)
        assert admin.get(path).json()["task_id"] == name
        assert admin.get(f"{path}/tries").json()["total_entries"] == 1


def test_a_task_that_waits_has_a_try_without_a_number(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    [tried] = admin.get(run_path(run, "taskInstances", "c", "tries")).json()["task_instances"]
    assert (tried["state"], tried["try_number"], tried["start_date"]) == (None, 0, None)


def test_lists_are_narrowed_by_what_all_tasks_share(admin: Caller, world: World) -> None:
    run = world.run(run_id="r")
    path = run_path(run, "taskInstances")
    for query, count in (
        ({"pool": "default_pool"}, 3),
        ({"pool": ["default_pool", "other"]}, 3),
        ({"pool": "other"}, 0),
        ({"executor": "other"}, 0),
    ):
        assert admin.get(path, **query).json()["total_entries"] == count, query
    everywhere = f"{DAGS}/~/dagRuns/~/taskInstances/list"
    bodies: list[tuple[dict[str, list[str]], int]] = [
        ({"pool": ["default_pool"]}, 3),
        ({"executor": ["x"]}, 0),
        # As in Airflow: what names nothing narrows nothing.
        ({"dag_run_ids": [], "dag_ids": [], "task_ids": []}, 3),
    ]
    for body, count in bodies:
        assert admin.post(everywhere, body).json()["total_entries"] == count, body


def test_a_group_that_is_not_there_is_told(admin: Caller, world: World) -> None:
    run = world.run()
    answer = admin.get(run_path(run, "taskInstances"), task_group_id="nope")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Task group nope not found"})


def test_what_needed_no_worker_began_when_it_ended(admin: Caller, world: World) -> None:
    world.dag(task("only", operator="EmptyOperator"), dag_id="quick")
    run = world.run("quick")
    assert (run.started_at, run.state) == (None, "success")
    since = {"start_date_gte": "2020-01-01T00:00:00Z"}
    assert admin.get(f"{DAGS}/quick/dagRuns", **since).json()["total_entries"] == 1
    assert admin.get(f"{DAGS}/quick/dagRuns", duration_gte=0).json()["total_entries"] == 1
    assert admin.get(run_path(run, "taskInstances"), **since).json()["total_entries"] == 1
    found = admin.get(DAGS, dag_run_start_date_gte="2020-01-01T00:00:00Z").json()
    assert [dag["dag_id"] for dag in found["dags"]] == ["quick"]


def test_runs_are_narrowed_by_their_conf(admin: Caller, world: World) -> None:
    world.run(run_id="a", conf={"day": "2026-01-31"})
    world.run(run_id="b", conf={"day": "2026-02-01"})
    path = f"{DAGS}/etl/dagRuns"
    for query, names in (
        ({"conf_contains": "2026-01"}, ["a"]),
        ({"conf_contains": "DAY"}, ["a", "b"]),
        ({"conf_contains": "%"}, []),
        ({"conf_contains": "\0"}, []),
        ({"bundle_version": "x"}, []),
    ):
        found = admin.get(path, **query).json()["dag_runs"]
        assert [run["dag_run_id"] for run in found] == names, query
    body: dict[str, list[str]] = {"dag_ids": [], "states": []}
    listed = f"{DAGS}/~/dagRuns/list"
    assert admin.post(listed, body).json()["total_entries"] == 2
    assert admin.post(listed, {"states": [None]}).json()["total_entries"] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"task_ids": []}, "at least 1 element"),
        (
            {"start_date": "2026-02-01T00:00:00Z", "end_date": "2026-01-01T00:00:00Z"},
            "end_date is sooner than start_date",
        ),
    ],
)
def test_a_clear_of_nothing_is_a_mistake(
    admin: Caller, world: World, body: dict[str, Any], words: str
) -> None:
    world.failed_run()
    before = everything()
    answer = admin.post(f"{DAGS}/etl/clearTaskInstances", {"dry_run": False, **body})
    assert (faults(answer), words in answer.content.decode()) == ([("value_error", ["body"])], True)
    assert everything() == before


def test_a_state_of_null_is_no_mark(admin: Caller, world: World) -> None:
    path = run_path(world.failed_run(), "taskInstances", "b")
    before = everything()
    assert faults(admin.patch(path, {"new_state": None})) == [
        ("value_error", ["body", "new_state"])
    ]
    assert everything() == before


def test_a_fault_in_a_list_has_its_number(admin: Caller, world: World) -> None:
    world.dag()
    answer = admin("GET", f"{DAGS}/etl/dagRuns", query={"dag_version": [1, "x"]})
    assert faults(answer) == [("int_parsing", ["query", "dag_version", 1])]
