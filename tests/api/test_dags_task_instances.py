"""Tasks of runs over the API: listed, tried, cleared, marked; their logs and results."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from access.models import AuditEvent
from tasks.models import DagRun, RenderedFields
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, run_path, world
from tests.engine.driving import SCRIPTS, instance, ok, states_of, task, transient, wrong

__all__ = ["world"]
CLEAR = f"{DAGS}/etl/clearTaskInstances"
#: As a running Airflow 3.3.2 answers them.
KEYS = {
    *("id", "task_id", "dag_id", "dag_run_id", "map_index", "logical_date", "run_after"),
    *("start_date", "end_date", "duration", "state", "try_number", "max_tries"),
    *("task_display_name", "dag_display_name", "hostname", "unixname", "pool", "pool_slots"),
    *("queue", "priority_weight", "operator", "operator_name", "queued_when", "scheduled_when"),
    *("pid", "executor", "executor_config", "note", "rendered_map_index", "rendered_fields"),
    *("trigger", "triggerer_job", "dag_version"),
}


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["task_instances"]
    return found


def ids(answer: Any) -> list[str]:
    return [row["task_id"] for row in rows(answer)]


def everything() -> Any:
    runs = DagRun.objects.order_by("pk")
    return list(runs.values()), [states_of(run) for run in runs], AuditEvent.objects.count()


def test_a_task_of_a_run_has_all_of_airflows_keys(admin: Caller, world: World) -> None:
    run = world.run()
    RenderedFields.objects.update_or_create(
        task_instance=instance(run, "b"), try_number=1, defaults={"fields": {"text": "SELECT 1"}}
    )
    found = admin.get(run_path(run, "taskInstances", "b")).json()
    assert set(found) == KEYS
    assert (found["state"], found["try_number"], found["max_tries"]) == ("success", 1, 0)
    assert found["rendered_fields"] == {"text": "SELECT 1"}
    assert found["dag_version"]["version_number"] == 1
    assert rows(admin.get(run_path(run, "taskInstances")))[1] == found


def test_a_task_that_waits_has_no_state_and_no_try(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    first, second, _ = rows(admin.get(run_path(run, "taskInstances")))
    assert (first["state"], first["try_number"]) == ("queued", 1)
    assert (second["state"], second["try_number"], second["start_date"]) == (None, 0, None)


def test_a_list_of_tasks_is_narrowed_and_ordered(admin: Caller, world: World) -> None:
    world.dag(task("a", group="g"), task("b", "a", queue="gcp"), task("c", "b", group="g.h"))
    run = world.failed_run(run_id="r")
    path = run_path(run, "taskInstances")
    assert ids(admin.get(path)) == ["a", "b", "c"]
    for query, expected in (
        ({"state": "failed"}, ["b"]),
        ({"state": ["success", "upstream_failed"]}, ["a", "c"]),
        ({"state": "none"}, []),
        ({"limit": 1, "offset": 1}, ["b"]),
        ({"task_id": "c"}, ["c"]),
        ({"task_display_name_pattern": "A|C"}, ["a", "c"]),
        ({"queue": "gcp"}, ["b"]),
        ({"queue_name_prefix_pattern": "gc"}, ["b"]),
        ({"operator": "ScriptedOperator"}, ["a", "b", "c"]),
        ({"operator_name_pattern": "nope"}, []),
        ({"task_group_id": "g"}, ["a", "c"]),
        ({"task_group_id": "g.h"}, ["c"]),
        ({"order_by": ["-state", "id"]}, ["c", "a", "b"]),
        ({"order_by": "-start_date", "start_date_gte": "2020-01-01"}, None),
        ({"duration_gt": 3600}, []),
        ({"map_index": 0}, []),
        ({"version_number": 1, "try_number": 1, "state": "failed"}, ["b"]),
        ({"logical_date_lt": "2000-01-01T00:00:00Z"}, []),
    ):
        found = ids(admin.get(path, **query))
        assert expected is None or found == expected, query


def test_tasks_of_all_runs_and_dags_are_listed(admin: Caller, world: World) -> None:
    world.run(run_id="r1")
    world.failed_run("other", run_id="r2")
    assert len(ids(admin.get(f"{DAGS}/etl/dagRuns/~/taskInstances"))) == 3
    everywhere = f"{DAGS}/~/dagRuns/~/taskInstances"
    assert ids(admin.get(everywhere, state="failed", dag_id_pattern="oth")) == ["b"]
    assert len(ids(admin.get(everywhere, run_id_pattern="r1|r2"))) == 6
    body = {"dag_run_ids": ["r2"], "task_ids": ["b", "c"], "state": ["failed", None]}
    assert ids(admin.post(f"{everywhere}/list", body)) == ["b"]
    assert len(ids(admin.post(f"{everywhere}/list", {"page_limit": 4}))) == 4


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("etl/dagRuns/nope/taskInstances", 404, "DagRun with dag_id: `etl` and run_id: `nope`"),
        ("nope/dagRuns/~/taskInstances", 404, "The Dag with ID: `nope` was not found"),
        ("~/dagRuns/r/taskInstances", 400, "dag_id is required when dag_run_id is specified"),
        ("~/dagRuns/~/taskInstances?order_by=x", 400, "Ordering with 'x' is disallowed"),
        ("~/dagRuns/~/taskInstances?cursor=x", 400, "can't narrow or page a list by cursor"),
        ("~/dagRuns/~/taskInstances?task_group_id=x", 400, "needs a dag_id"),
        ("~/dagRuns/~/taskInstances?state=x", 422, "Invalid value for state. Valid values are rem"),
        (
            "etl/dagRuns/r/taskInstances/nope",
            404,
            "The Task Instance with dag_id: `etl`, run_id: `r` and task_id: `nope` was not found",
        ),
        (
            "etl/dagRuns/r/taskInstances/nope/tries",
            404,
            "run_id: `r`, task_id: `nope` and map_index: `-1` was not found",
        ),
        ("etl/dagRuns/r/taskInstances/a/tries/7", 404, "task_id: `a`, try_number: `7` and map_in"),
        ("etl/dagRuns/r/taskInstances/a/logs/7", 404, "TaskInstance not found"),
        ("etl/dagRuns/r/taskInstances/a/logs/0", 404, "TaskInstance not found"),
        ("etl/dagRuns/r/taskInstances/a/logs/1?map_index=2", 404, "TaskInstance not found"),
        ("etl/dagRuns/r/taskInstances/a/logs/1?token=x", 400, "Bad Signature. Please use only"),
        ("etl/dagRuns/r/taskInstances/a/xcomEntries/nope", 404, "XCom entry with key: `nope`"),
        ("etl/dagRuns/%00/taskInstances/a/xcomEntries/k", 404, "XCom entry with key"),
        ("etl/dagRuns/r/taskInstances/%00", 404, "was not found"),
    ],
)
def test_what_is_not_there_is_told_in_airflows_words(
    admin: Caller, world: World, path: str, status: int, words: str
) -> None:
    world.run(run_id="r")
    answer = admin.get(f"{DAGS}/{path}")
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.content


def test_every_try_is_told_with_its_end(admin: Caller, world: World) -> None:
    world.dag(task("a"), task("b", "a", retries=1, retry_delay=5.0))
    SCRIPTS["b"] = [transient, ok]
    run = world.run()
    path = run_path(run, "taskInstances", "b")
    waiting = admin.get(path).json()
    assert (waiting["state"], waiting["try_number"], waiting["max_tries"]) == ("up_for_retry", 1, 1)
    assert [each["try_number"] for each in rows(admin.get(f"{path}/tries"))] == [1]
    world.engine.pass_time(10)
    world.engine.work()
    first, second = rows(admin.get(f"{path}/tries"))
    assert (first["state"], first["try_number"]) == ("failed", 1)
    assert (second["state"], second["try_number"]) == ("success", 2)
    assert first["end_date"] <= second["start_date"]
    assert admin.get(f"{path}/tries/1").json() == first
    assert set(second) == KEYS - {
        *("id", "logical_date", "run_after", "note", "rendered_map_index", "rendered_fields"),
        *("trigger", "triggerer_job"),
    }


def test_a_page_of_tasks_takes_as_many_queries_for_many_as_for_one(
    admin: Caller, world: World
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            rows(admin.get(f"{DAGS}/~/dagRuns/~/taskInstances", limit=100))
        return len(found)

    world.dag(task("a"))
    world.run(work=False)
    few = queries()
    world.dag(*(task(f"t{number}") for number in range(40)), dag_id="wide")
    world.run("wide", work=False)
    assert queries() == few


# Run again


def test_only_what_failed_is_cleared_and_at_first_only_told(admin: Caller, world: World) -> None:
    run = world.failed_run(run_id="r")
    before = everything()
    assert ids(admin.post(CLEAR, {"dag_run_id": "r"})) == ["b", "c"]
    assert ids(admin.post(CLEAR, {"dag_run_id": "r", "task_ids": ["a"]})) == []
    assert ids(admin.post(CLEAR, {"dag_run_id": "r", "task_ids": ["nope"]})) == []
    whole = {"dag_run_id": "r", "only_failed": False}
    assert ids(admin.post(CLEAR, {**whole, "task_ids": ["b"], "include_upstream": True})) == [
        "a",
        "b",
    ]
    assert ids(admin.post(CLEAR, {**whole, "task_ids": ["b"], "include_downstream": True})) == [
        "b",
        "c",
    ]
    assert ids(admin.post(CLEAR, {**whole, "task_ids": [["b", -1], ["a", 3]]})) == ["b"]
    assert everything() == before
    found = world.calls(lambda: admin.post(CLEAR, {"dag_run_id": "r", "dry_run": False}))
    assert [row["task_id"] for row in found["task_instances"]] == ["b", "c"]
    assert states_of(run) == dict.fromkeys("abc", "success")


def test_what_failed_is_cleared_while_another_task_runs(admin: Caller, world: World) -> None:
    world.dag(task("b"), task("long"))
    run = world.failed_run(run_id="r")
    run.task_instances.filter(task_id="long").update(state="running")
    DagRun.objects.update(state="running", tasks_left=1)
    with world.engine.committing():
        answer = admin.post(CLEAR, {"dag_run_id": "r", "dry_run": False})
    assert ids(answer) == ["b"]
    assert states_of(run) == {"b": "queued", "long": "running"}
    before = everything()
    refused = admin.post(CLEAR, {"dag_run_id": "r", "dry_run": False, "only_failed": False})
    assert refused.status_code == 409
    assert everything() == before


def test_runs_are_cleared_by_their_dates(admin: Caller, world: World) -> None:
    for day in (1, 2, 3):
        world.run(run_id=f"r{day}", logical_date=datetime(2026, 1, day, tzinfo=UTC))
    base = {"only_failed": False, "task_ids": ["c"]}

    def runs(**more: Any) -> list[str]:
        return [row["dag_run_id"] for row in rows(admin.post(CLEAR, {**base, **more}))]

    assert runs() == ["r1", "r2", "r3"]
    assert runs(start_date="2026-01-02T00:00:00Z") == ["r2", "r3"]
    assert runs(start_date="2026-01-02T00:00:00Z", end_date="2026-01-02T00:00:00Z") == ["r2"]
    assert runs(dag_run_id="r2", include_past=True) == ["r1", "r2"]
    assert runs(dag_run_id="r2", include_future=True) == ["r2", "r3"]
    world.calls(lambda: admin.post(CLEAR, {**base, "dry_run": False, "note": "late data"}))
    assert {instance(run, "c").try_number for run in DagRun.objects.all()} == {2}
    assert set(DagRun.objects.values_list("note", flat=True)) == {"late data"}


def test_more_runs_than_one_call_may_clear_are_refused(
    admin: Caller, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.api.instance_writing.MOST_RUNS", 2)
    for _ in range(3):
        world.run(work=False)
    answer = admin.post(CLEAR, {})
    assert (answer.status_code, answer.json()["detail"].startswith("At most 2 runs")) == (400, True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"only_running": True}, 422),
        ({"only_running": True, "only_failed": False}, 400),
        ({"reset_dag_runs": False}, 422),
        ({"dag_run_id": "r", "start_date": "2026-01-01T00:00:00Z"}, 422),
        ({"task_ids": "b"}, 422),
        ({"more": 1}, 422),
        ({"dag_run_id": "nope"}, 404),
        ({"dag_run_id": "\\u0001"}, 404),
    ],
)
def test_a_clear_that_can_not_be_is_refused(
    admin: Caller, world: World, body: dict[str, Any], status: int
) -> None:
    world.failed_run(run_id="r")
    before = everything()
    assert admin.post(CLEAR, {"dry_run": False, **body}).status_code == status
    assert everything() == before


# Marked


def test_a_task_is_marked_with_who_and_why(admin: Caller, world: World) -> None:
    run = world.failed_run()
    path = run_path(run, "taskInstances", "b")
    body = {"new_state": "success", "note": "mended by hand"}
    found = world.calls(lambda: admin.patch(path, body))
    [row] = found["task_instances"]
    assert (row["task_id"], row["state"], row["note"]) == ("b", "success", "mended by hand")
    # What failed only because of it went on.
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert instance(run, "b").marked_by_name == "a-admin"
    again = admin.patch(path, {"new_state": "success"})
    assert (again.status_code, again.json()) == (
        409,
        {"detail": "Task id b is already in success state"},
    )


def test_what_is_before_and_behind_a_task_is_marked_too(admin: Caller, world: World) -> None:
    run = world.failed_run()
    path = run_path(run, "taskInstances", "b")
    body = {"new_state": "success", "include_downstream": True}
    found = world.calls(lambda: admin.patch(path, body))
    assert [row["task_id"] for row in found["task_instances"]] == ["b", "c"]
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert instance(run, "c").started_at is None
    body = {"new_state": "skipped", "include_upstream": True}
    world.calls(lambda: admin.patch(path, body))
    assert states_of(run) == {"a": "skipped", "b": "skipped", "c": "success"}


def test_a_note_alone_changes_no_state(admin: Caller, world: World) -> None:
    run = world.failed_run()
    path = run_path(run, "taskInstances", "b")
    [row] = rows(admin.patch(path, {"note": "looking into it"}))
    assert (row["state"], row["note"]) == ("failed", "looking into it")
    assert AuditEvent.objects.filter(action="noted", object_id__contains="etl/").exists()
    [row] = rows(admin.patch(path, {"new_state": "skipped", "note": "x"}, update_mask="new_state"))
    assert row["state"] == "skipped"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("r/taskInstances/b", {"new_state": "running"}, 422),
        ("r/taskInstances/b", {"note": "n" * 1001}, 422),
        ("r/taskInstances/b", {"new_state": "success", "include_past": True}, 422),
        ("r/taskInstances/b?map_index=1", {"new_state": "success"}, 404),
        ("r/taskInstances/nope", {"new_state": "success"}, 404),
        ("nope/taskInstances/b", {"new_state": "success"}, 404),
        ("r/taskInstances/a", {"new_state": "failed"}, 409),
    ],
)
def test_a_mark_that_can_not_be_is_refused(
    admin: Caller, world: World, path: str, body: dict[str, Any], status: int
) -> None:
    SCRIPTS["b"] = [wrong]
    run = world.run(run_id="r")
    run.task_instances.filter(task_id="a").update(state="running")
    before = everything()
    answer = admin.patch(f"{DAGS}/etl/dagRuns/{path}", body)
    assert answer.status_code == status, answer.content
    if status == 422:
        assert faults(answer)
    assert everything() == before
