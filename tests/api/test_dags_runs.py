"""Runs over the API: triggered, listed, ended by hand, run again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from access.models import AuditEvent
from tasks.acts import cancel_run
from tasks.models import Dag, DagRun
from tests.api.calls import Caller, faults
from tests.api.dag_world import DAGS, World, run_path, world
from tests.conftest import ACTOR
from tests.engine.driving import SCRIPTS, state_of, states_of, task, wrong

__all__ = ["world"]
RUNS = f"{DAGS}/etl/dagRuns"
#: As a running Airflow 3.3.2 answers them.
RUN_KEYS = [
    *("dag_run_id", "dag_id", "logical_date", "queued_at", "start_date", "end_date", "duration"),
    *("data_interval_start", "data_interval_end", "run_after", "last_scheduling_decision"),
    *("run_type", "state", "triggered_by", "triggering_user_name", "conf", "note"),
    *("dag_versions", "bundle_version", "dag_display_name", "partition_key", "partition_date"),
]


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [run["dag_run_id"] for run in answer.json()["dag_runs"]]


def everything() -> Any:
    return (
        list(DagRun.objects.order_by("pk").values()),
        [states_of(run) for run in DagRun.objects.order_by("pk")],
        AuditEvent.objects.count(),
    )


def test_a_triggered_run_has_what_was_sent(admin: Caller, world: World) -> None:
    world.dag()
    body = {
        "dag_run_id": "mine-1",
        "logical_date": "2026-02-01T02:00:00+02:00",
        "conf": {"day": "x"},
        "note": "for the audit",
    }
    found = world.calls(lambda: admin.post(RUNS, body))
    assert list(found) == RUN_KEYS
    assert (found["state"], found["run_type"]) == ("queued", "manual")
    assert (found["conf"], found["note"]) == ({"day": "x"}, "for the audit")
    assert found["logical_date"] == found["data_interval_start"] == "2026-02-01T00:00:00Z"
    assert found["triggering_user_name"] == "a-admin"
    now = admin.get(f"{RUNS}/mine-1").json()
    assert (now["state"], now["duration"] is None) == ("success", False)
    assert states_of(DagRun.objects.get()) == dict.fromkeys("abc", "success")
    event = AuditEvent.objects.get(action="triggered")
    assert (event.actor_name, event.object_id) == ("a-admin", "etl")


def test_a_null_date_is_now_and_an_id_is_made(admin: Caller, world: World) -> None:
    world.dag()
    before = timezone.now()
    found = world.calls(lambda: admin.post(RUNS, {"logical_date": None}))
    assert found["dag_run_id"].startswith("manual__2")
    assert before <= datetime.fromisoformat(found["logical_date"]) <= timezone.now()
    # As the client writes it into an address, and as it may stand there.
    for path in (run_path(DagRun.objects.get()), f"{RUNS}/{found['dag_run_id']}"):
        assert admin.get(path).json()["dag_run_id"] == found["dag_run_id"]


def test_an_interval_is_taken_as_it_is_sent(admin: Caller, world: World) -> None:
    world.dag()
    ends = {
        "data_interval_start": "2026-02-06T00:00:00Z",
        "data_interval_end": "2026-02-07T00:00:00Z",
    }
    found = world.calls(lambda: admin.post(RUNS, {"logical_date": "2026-03-01T00:00:00Z", **ends}))
    assert {name: found[name] for name in ends} == ends
    assert found["logical_date"] == "2026-03-01T00:00:00Z"


def test_a_paused_dag_is_triggered_and_a_stale_one_is_not(admin: Caller, world: World) -> None:
    world.dag()
    Dag.objects.update(is_paused=True)
    world.calls(lambda: admin.post(RUNS, {"logical_date": None}))
    Dag.objects.update(is_missing=True)
    answer = admin.post(RUNS, {"logical_date": None})
    assert (answer.status_code, DagRun.objects.count()) == (400, 1)
    assert "no longer defines it" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"dag_run_id": "a b"}, 400, "A run ID has 1 to 250 letters"),
        ({"dag_run_id": "a\u00e9"}, 400, "A run ID has"),
        ({"dag_run_id": "taken"}, 409, "There is a run taken already"),
        ({"dag_run_id": ".."}, 400, "A run ID is part of addresses"),
        ({"dag_run_id": "."}, 400, "A run ID is part of addresses"),
        ({"dag_run_id": "a..b"}, 400, "A run ID is part of addresses"),
        ({"dag_run_id": "a/b"}, 400, "A run ID has 1 to 250 letters"),
        ({"dag_run_id": "scheduled__2026-01-01T00:00:00+00:00"}, 400, "for runs that the schedule"),
        ({"partition_key": "k"}, 400, "not a partitioned Dag"),
        ({"run_after": "2090-01-01T00:00:00Z"}, 400, "A run can't be made for later"),
        ({"conf": {"n": "many"}}, 400, "n: Must be a whole number."),
        ({"conf": {"x": "y" * 70_000}}, 400, "65,536 are allowed"),
    ],
)
def test_a_run_that_can_not_be_is_refused_in_words(
    admin: Caller, world: World, body: dict[str, Any], status: int, words: str
) -> None:
    world.dag(params={"n": 1}, param_schemas={"n": {"type": "integer"}})
    world.run(run_id="taken")
    before = everything()
    answer = admin.post(RUNS, {"logical_date": None, **body})
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, ("missing", ["body", "logical_date"])),
        ([], ("model_attributes_type", ["body"])),
        ({"logical_date": "2026-02-05"}, ("timezone_aware", ["body", "logical_date"])),
        ({"logical_date": "junk"}, ("datetime_from_date_parsing", ["body", "logical_date"])),
        ({"logical_date": "9999-12-31T23:59:59-12:00"}, ("value_error", ["body", "logical_date"])),
        ({"logical_date": None, "conf": [1]}, ("dict_type", ["body", "conf"])),
        ({"logical_date": None, "more": 1}, ("extra_forbidden", ["body", "more"])),
        ({"logical_date": None, "note": "n" * 1001}, ("string_too_long", ["body", "note"])),
        (
            {"logical_date": None, "data_interval_start": "2026-02-05T00:00:00Z"},
            ("value_error", ["body"]),
        ),
    ],
)
def test_a_body_that_can_not_be_is_refused_at_its_place(
    admin: Caller, world: World, body: Any, fault: Any
) -> None:
    world.dag()
    before = everything()
    assert faults(admin.post(RUNS, body)) == [fault]
    assert everything() == before


def test_a_conf_is_never_repeated_in_an_error(admin: Caller, world: World) -> None:
    world.dag()
    body = {"conf": {"host": "tulip-1", "password": "tulip-2"}, "note": "tulip-3"}
    answer = admin.post(RUNS, {**body, "logical_date": None, "data_interval_end": "2026-01-01"})
    assert answer.status_code == 422
    both = admin.post(
        RUNS, {**body, "logical_date": None, "data_interval_end": "2026-01-01T00:00:00Z"}
    )
    assert faults(both) == [("value_error", ["body"])]
    assert "tulip" not in answer.content.decode() + both.content.decode()


def test_a_trigger_of_no_dag_is_404(admin: Caller, db: None) -> None:
    for dag_id in ("nope", "%00"):
        answer = admin.post(f"{DAGS}/{dag_id}/dagRuns", {"logical_date": None})
        assert answer.status_code == 404
    nope = admin.post(f"{DAGS}/nope/dagRuns", {"logical_date": None})
    assert nope.json() == {"detail": "Dag with dag_id: 'nope' not found"}


def test_a_list_of_runs_is_narrowed_and_ordered(admin: Caller, world: World) -> None:
    for number in range(3):
        world.run(run_id=f"r{number}", logical_date=datetime(2026, 1, 1 + number, tzinfo=UTC))
    world.failed_run("other", run_id="x")
    assert ids(admin.get(RUNS)) == ["r0", "r1", "r2"]
    assert ids(admin.get(RUNS, order_by="-logical_date", limit=2)) == ["r2", "r1"]
    assert ids(admin.get(RUNS, logical_date_gte="2026-01-02T00:00:00Z")) == ["r1", "r2"]
    assert ids(admin.get(RUNS, logical_date_gt="2026-01-02", logical_date_lte="2026-01-03")) == [
        "r2"
    ]
    assert ids(admin.get(f"{DAGS}/~/dagRuns", state="failed")) == ["x"]
    assert ids(admin.get(f"{DAGS}/~/dagRuns", state=["failed", "success"], offset=2)) == ["r2", "x"]
    assert ids(admin.get(f"{DAGS}/~/dagRuns", dag_id_pattern="OTH", run_type="manual")) == ["x"]
    assert ids(admin.get(RUNS, run_type="scheduled")) == []
    assert ids(admin.get(RUNS, run_id_prefix_pattern="r1|r2")) == ["r1", "r2"]
    assert ids(admin.get(RUNS, duration_lt=3600, start_date_gte="2020-01-01")) == ["r0", "r1", "r2"]
    assert ids(admin.get(RUNS, dag_version=2)) == []
    assert ids(admin.get(RUNS, run_after_lt="2020-01-01")) == []
    for order in ("duration", "-run_after", "state", "conf", "dag_run_id", "partition_date"):
        assert len(ids(admin.get(RUNS, order_by=[order, "-id"]))) == 3
    whole = admin.get(RUNS).json()
    assert (whole["total_entries"], whole["next_cursor"]) == (3, None)


def test_runs_are_listed_by_a_body_too(admin: Caller, world: World) -> None:
    world.run(run_id="good")
    world.failed_run("other", run_id="bad")
    path = f"{DAGS}/~/dagRuns/list"
    assert ids(admin.post(path, {})) == ["good", "bad"]
    assert ids(admin.post(path, {"dag_ids": ["other", "\u0001"]})) == ["bad"]
    assert ids(admin.post(path, {"states": ["success"], "page_limit": 1})) == ["good"]
    assert ids(admin.post(path, {"order_by": "-id", "page_offset": 1})) == ["good"]
    assert faults(admin.post(path.replace("~", "etl"), {})) == [
        ("literal_error", ["path", "dag_id"])
    ]
    assert faults(admin.post(path, {"cursor": "x"})) == [("extra_forbidden", ["body", "cursor"])]


def test_a_run_and_a_task_may_be_called_like_a_call(admin: Caller, world: World) -> None:
    world.dag(task("list"))
    world.run(run_id="list")
    assert admin.get(f"{RUNS}/list").json()["dag_run_id"] == "list"
    assert admin.get(f"{RUNS}/list/taskInstances/list").json()["task_id"] == "list"
    assert admin.patch(f"{RUNS}/list", {"note": "n"}).json()["note"] == "n"


def test_a_page_of_runs_takes_as_many_queries_for_many_as_for_one(
    admin: Caller, world: World
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            ids(admin.get(f"{DAGS}/~/dagRuns", limit=100))
        return len(found)

    world.run(work=False)
    few = queries()
    for number in range(20):
        world.run(f"d{number}", work=False)
    assert queries() == few


def test_what_is_cancelled_has_airflows_states(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    cancel_run(run, actor=ACTOR)
    assert state_of(run) == "cancelled"
    assert admin.get(run_path(run)).json()["state"] == "failed"
    assert ids(admin.get(RUNS, state="failed")) == [run.run_id]
    assert ids(admin.get(RUNS, state="running")) == []


# Ended by hand


def test_failed_cancels_a_run_that_goes_on(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    found = world.calls(lambda: admin.patch(run_path(run), {"state": "failed", "note": "wrong"}))
    assert (found["state"], found["note"]) == ("failed", "wrong")
    assert state_of(run) == "cancelled"
    assert set(states_of(run).values()) == {"cancelled"}
    before = everything()
    assert admin.patch(run_path(run), {"state": "failed"}).status_code == 200
    assert everything() == before


def test_failed_marks_the_last_tasks_of_a_successful_run(admin: Caller, world: World) -> None:
    run = world.run()
    assert world.calls(lambda: admin.patch(run_path(run), {"state": "failed"}))["state"] == "failed"
    assert states_of(run) == {"a": "success", "b": "success", "c": "failed"}


def test_success_marks_what_is_not_and_lets_nothing_run(admin: Caller, world: World) -> None:
    run = world.failed_run()
    assert states_of(run) == {"a": "success", "b": "failed", "c": "upstream_failed"}
    found = world.calls(lambda: admin.patch(run_path(run), {"state": "success"}))
    assert found["state"] == "success"
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert run.task_instances.get(task_id="c").started_at is None


def test_a_mark_of_many_tasks_takes_as_many_queries_as_one_of_few(
    admin: Caller, world: World
) -> None:
    def queries(count: int) -> int:
        world.dag(*(task(f"t{number}") for number in range(count)), dag_id=f"d{count}")
        run = world.run(f"d{count}", work=False)
        with CaptureQueriesContext(database) as found:
            assert admin.patch(run_path(run), {"state": "success"}).status_code == 200
        return len(found)

    assert queries(60) == queries(3)


def test_success_is_refused_while_a_task_runs(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    run.task_instances.filter(task_id="a").update(state="running")
    before = everything()
    answer = admin.patch(run_path(run), {"state": "success"})
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": "a is running: cancel it first."},
    )
    assert everything() == before


def test_queued_lets_what_failed_run_again(admin: Caller, world: World) -> None:
    run = world.failed_run()
    world.calls(lambda: admin.patch(run_path(run), {"state": "queued"}))
    assert states_of(run) == dict.fromkeys("abc", "success")
    assert run.task_instances.get(task_id="b").try_number == 2
    answer = admin.patch(run_path(run), {"state": "queued"})
    assert (answer.status_code, "Nothing is to be cleared" in answer.json()["detail"]) == (
        409,
        True,
    )


def test_a_mask_leaves_out_what_it_does_not_name(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    answer = admin.patch(run_path(run), {"state": "failed", "note": "n"}, update_mask="note")
    assert (answer.json()["state"], answer.json()["note"]) == ("queued", "n")
    assert admin.patch(run_path(run), {"note": None}).json()["note"] is None


@pytest.mark.parametrize("body", [{"state": "running"}, {"note": "n" * 1001}, {"more": 1}])
def test_a_change_that_can_not_be_is_refused(
    admin: Caller, world: World, body: dict[str, Any]
) -> None:
    run = world.run()
    before = everything()
    [(_, place)] = faults(admin.patch(run_path(run), body))
    assert place == ["body", next(iter(body))]
    assert everything() == before


# Run again


def test_a_clear_only_tells_until_it_is_asked_to_do_it(admin: Caller, world: World) -> None:
    run = world.failed_run()
    before = everything()
    told = admin.post(run_path(run, "clear"), {"only_failed": True}).json()
    assert [each["task_id"] for each in told["task_instances"]] == ["b", "c"]
    assert admin.post(run_path(run, "clear"), {}).json()["total_entries"] == 3
    assert everything() == before
    body = {"dry_run": False, "note": "again"}
    found = world.calls(lambda: admin.post(run_path(run, "clear"), body))
    assert (found["dag_run_id"], found["note"]) == (run.run_id, "again")
    assert state_of(run) == "success"
    assert set(run.task_instances.values_list("task_id", "try_number")) == {
        ("a", 2),
        ("b", 2),
        ("c", 1),
    }


def test_a_cleared_run_moves_to_the_latest_version_when_asked(admin: Caller, world: World) -> None:
    SCRIPTS["b"] = [wrong]
    run = world.run()
    world.dag(task("a"), task("new", "a"))
    body = {"dry_run": False, "run_on_latest_version": True}
    found = world.calls(lambda: admin.post(run_path(run, "clear"), body))
    assert found["dag_versions"][0]["version_number"] == 2
    assert states_of(run)["new"] == "success"


def test_a_clear_is_refused_while_a_task_runs(admin: Caller, world: World) -> None:
    run = world.run()
    run.task_instances.filter(task_id="b").update(state="running")
    before = everything()
    answer = admin.post(run_path(run, "clear"), {"dry_run": False})
    assert (answer.status_code, "is running: cancel it first" in answer.json()["detail"]) == (
        409,
        True,
    )
    assert everything() == before


@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("PATCH", ""), ("POST", "/clear")])
def test_a_run_that_is_not_there_is_404_in_airflows_words(
    admin: Caller, world: World, method: str, more: str
) -> None:
    world.dag()
    for dag_id, run_id in (("etl", "nope"), ("nope", "nope")):
        answer = admin(method, f"{DAGS}/{dag_id}/dagRuns/{run_id}{more}", {})
        words = f"The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"
        assert (answer.status_code, answer.json()) == (404, {"detail": words})
    assert admin(method, f"{RUNS}/%00{more}", {}).status_code == 404


def test_scheduled_runs_say_so(admin: Caller, world: World) -> None:
    run = world.run(work=False)
    end = run.queued_at - timedelta(days=1)
    DagRun.objects.update(run_type="scheduled", data_interval_end=end, triggered_by_name="schedule")
    found = admin.get(run_path(run)).json()
    assert (found["triggered_by"], found["triggering_user_name"]) == ("timetable", None)
    assert datetime.fromisoformat(found["run_after"]) == end
    assert ids(admin.get(RUNS, run_after_lte=found["run_after"])) == [run.run_id]
