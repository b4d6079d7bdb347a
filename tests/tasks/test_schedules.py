"""The runs that schedules make: each once, whatever the clock and the processes do."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from access.models import AuditEvent
from tasks.models import Dag, DagRun, DagVersion
from tasks.schedules import due
from tasks.schedules.due import set_paused, tick
from tasks.schedules.planning import plan, starts_paused
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.tasks.conftest import query_task

pytestmark = pytest.mark.django_db
START = "2026-01-01T00:00:00+00:00"
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def save(dag_id: str = "d", *, now: datetime | None = NOON, **more: Any) -> Dag:
    """A DAG with one query, at a new version; planned at ``now``."""
    more = {"schedule": "@hourly", "start_date": START, **more}
    spec = replace(DagSpec(dag_id, (query_task(),)), **more)
    dag, _ = Dag.objects.get_or_create(dag_id=dag_id, defaults={"filename": f"{dag_id}.py"})
    dag.current_version = DagVersion.objects.create(
        dag=dag, number=dag.versions.count() + 1, spec=spec.to_json(), digest=spec.digest()
    )
    dag.save()
    if now is not None:
        plan(dag, now)
    return dag


def dates(dag_id: str = "d") -> list[str]:
    """The logical dates of its scheduled runs, in the order in which they were made."""
    runs = DagRun.objects.filter(dag__dag_id=dag_id, run_type="scheduled").order_by("pk")
    return [f"{each:%d %H:%M}" for each in runs.values_list("logical_date", flat=True)]


def next_run(dag_id: str = "d") -> str:
    at = Dag.objects.get(dag_id=dag_id).next_run_at
    return f"{at:%d %H:%M}" if at else ""


def finish() -> None:
    """As if all runs ended."""
    DagRun.objects.update(state="success", ended_at=timezone.now())


def ticks(start: datetime, seconds: int) -> int:
    """A tick a second; how many runs they made."""
    return sum(len(tick(start + timedelta(seconds=each))) for each in range(seconds))


def test_a_run_is_made_when_it_is_due_and_the_next_one_is_shown() -> None:
    save(now=NOON + MINUTE)
    assert next_run() == "05 12:00"
    assert len(tick(NOON + MINUTE)) == 1
    assert next_run() == "05 13:00"
    run = DagRun.objects.get()
    assert run.run_id == "scheduled__2026-01-05T12:00:00+00:00"
    assert (run.run_type, run.triggered_by_name) == ("scheduled", "schedule")
    assert run.logical_date == run.data_interval_start == run.data_interval_end == NOON
    assert run.task_instances.get().state == "queued"


def test_nothing_is_made_before_it_is_due_nor_twice() -> None:
    save(now=NOON + MINUTE)
    assert ticks(NOON + MINUTE, 120) == 1
    assert tick(NOON + HOUR - timedelta(seconds=1)) == []
    assert len(tick(NOON + HOUR)) == 1
    assert tick(NOON + HOUR) == []
    assert dates() == ["05 12:00", "05 13:00"]


def test_with_data_intervals_the_run_has_that_which_is_over(settings: Any) -> None:
    settings.CRON_DATA_INTERVALS = True
    save()
    tick(NOON)
    run = DagRun.objects.get()
    assert run.logical_date == run.data_interval_start == NOON - HOUR
    assert run.data_interval_end == NOON
    assert run.run_id == "scheduled__2026-01-05T11:00:00+00:00"
    tick(NOON + HOUR)
    assert dates() == ["05 11:00", "05 12:00"]


def test_after_downtime_only_the_latest_runs_without_catchup() -> None:
    save()
    tick(NOON)
    assert ticks(NOON + 50 * HOUR, 60) == 1
    assert dates() == ["05 12:00", "07 14:00"]
    assert next_run() == "07 15:00"


def test_after_downtime_all_run_in_order_with_catchup() -> None:
    save(catchup=True, start_date="2026-01-05T10:00:00+00:00")
    assert len(tick(NOON)) == 3
    assert len(tick(NOON + 3 * HOUR)) == 3
    assert dates() == [f"05 {hour}:00" for hour in (10, 11, 12, 13, 14, 15)]


def test_no_more_than_sixteen_are_unfinished_and_the_end_of_one_lets_the_next_come() -> None:
    save(catchup=True)
    assert len(tick(NOON)) == due.ACTIVE_RUNS == 16
    assert tick(NOON) == []
    assert next_run() == "01 16:00"
    DagRun.objects.filter(pk=DagRun.objects.earliest("pk").pk).update(state="failed")
    assert len(tick(NOON)) == 1
    assert dates()[-1] == "01 16:00"


def test_max_active_runs_bounds_them_instead() -> None:
    save(catchup=True, max_active_runs=2)
    assert len(tick(NOON)) == 2
    finish()
    assert len(tick(NOON)) == 2


def test_manual_runs_do_not_count_among_them() -> None:
    save(catchup=True, max_active_runs=1)
    trigger_dag_run("d", actor=ACTOR)
    assert len(tick(NOON)) == 1


def test_while_its_runs_go_on_without_catchup_the_latest_is_what_comes_then() -> None:
    save(max_active_runs=1)
    assert ticks(NOON, 3) == 1
    assert ticks(NOON + 3 * HOUR, 3) == 0
    finish()
    assert ticks(NOON + 5 * HOUR, 3) == 1
    assert dates() == ["05 12:00", "05 17:00"]


def test_a_year_to_catch_up_on_is_made_in_bounded_parts_and_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(due, "RUNS_A_TICK", 10)
    save("behind", catchup=True, max_active_runs=1000, start_date="2025-01-01T00:00:00+00:00")
    save("punctual")
    assert len(tick(NOON)) == 10
    assert len(dates("behind")) == 9
    assert dates("punctual") == ["05 12:00"]
    assert len(tick(NOON)) == 10


def test_a_tick_asks_twice_however_many_dags_wait(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(4):
        save(f"d{number}", catchup=True, max_active_runs=1)
    tick(NOON)
    with django_assert_num_queries(2):
        assert tick(NOON + timedelta(seconds=1)) == []
    Dag.objects.update(next_run_at=NOON + HOUR)
    with django_assert_num_queries(1):
        tick(NOON + timedelta(seconds=1))


def test_a_pause_stops_the_schedule_and_its_end_runs_the_latest_at_once() -> None:
    dag = save()
    tick(NOON)
    assert set_paused(dag, True, actor=ACTOR)
    assert next_run() == ""
    assert ticks(NOON + 3 * HOUR, 3) == 0
    assert not set_paused(dag, True, actor=ACTOR)
    assert set_paused(dag, False, actor=ACTOR)
    assert len(tick(timezone.now())) == 1
    found = AuditEvent.objects.filter(actor_name="tester").values_list("action", "object_id")
    assert sorted(found) == [("paused", "d"), ("unpaused", "d")]


def test_a_paused_dag_can_be_triggered_and_its_runs_go_on() -> None:
    dag = save()
    tick(NOON)
    set_paused(dag, True, actor=ACTOR)
    trigger_dag_run("d", actor=ACTOR)
    assert list(DagRun.objects.order_by("pk").values_list("run_type", "state")) == [
        ("scheduled", "queued"),
        ("manual", "queued"),
    ]


def test_what_is_paused_or_missing_has_no_next_run() -> None:
    dag = save()
    for column in ("is_paused", "is_missing"):
        Dag.objects.update(is_paused=False, is_missing=False)
        plan(dag, NOON)
        assert next_run() == "05 12:00"
        Dag.objects.update(**{column: True})
        assert tick(NOON) == []
        plan(dag, NOON)
        assert next_run() == ""


def test_once_and_the_end_date_leave_no_next_run() -> None:
    save("once", schedule="@once")
    save("ending", end_date="2026-01-05T12:30:00+00:00")
    tick(NOON)
    finish()
    assert ticks(NOON + HOUR, 3) == 0
    assert (next_run("once"), next_run("ending")) == ("", "")
    assert dates("once") == ["01 00:00"]
    save("once", schedule="@once", doc_md="changed")
    assert next_run("once") == ""


def test_continuous_runs_follow_one_another() -> None:
    save(schedule="@continuous", now=NOON)
    assert ticks(NOON, 5) == 1
    finish()
    assert ticks(NOON + MINUTE, 5) == 1
    runs = DagRun.objects.order_by("pk")
    assert runs[1].data_interval_start == runs[0].data_interval_end == NOON
    assert runs[1].data_interval_end == NOON + MINUTE


def test_a_new_version_with_another_schedule_is_planned_anew_and_repeats_nothing() -> None:
    save()
    tick(NOON)
    save(schedule="*/30 * * * *", now=NOON + MINUTE)
    assert next_run() == "05 12:30"
    save(schedule="0 0 1 1 *", now=NOON + MINUTE)
    tick(NOON + MINUTE)
    assert next_run() == "01 00:00"
    save(schedule="", now=NOON + MINUTE)
    assert next_run() == ""
    assert dates() == ["05 12:00"]


def test_a_plan_made_again_changes_nothing(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    dag = save(catchup=True, max_active_runs=3)
    tick(NOON)
    before = next_run()
    with django_assert_max_num_queries(5):
        plan(dag, NOON)
    assert next_run() == before == "01 03:00"


def test_a_version_with_a_schedule_that_cannot_be_stops_nobody(caplog: Any) -> None:
    save("bad", schedule="61 * * * *")
    assert next_run("bad") == ""
    assert "DAG bad is not scheduled: schedule '61 * * * *'" in caplog.text
    Dag.objects.filter(dag_id="bad").update(next_run_at=NOON)
    save("good")
    tick(NOON)
    assert (dates("bad"), next_run("bad"), dates("good")) == ([], "", ["05 12:00"])


def test_a_clock_that_goes_back_makes_nothing_twice() -> None:
    save()
    tick(NOON)
    assert ticks(NOON - 2 * HOUR, 5) == 0
    assert ticks(NOON + HOUR, 5) == 1
    assert dates() == ["05 12:00", "05 13:00"]


def test_after_a_clock_that_ran_ahead_the_runs_between_still_come() -> None:
    save()
    tick(NOON)
    tick(NOON + 30 * HOUR)
    assert (dates(), next_run()) == (["05 12:00", "06 18:00"], "06 19:00")
    tick(NOON + MINUTE)
    assert next_run() == "05 13:00"
    for hours in range(1, 33):
        tick(NOON + hours * HOUR)
        finish()
    found = dates()
    assert len(found) == len(set(found))
    assert sorted(found)[:3] == ["05 12:00", "05 13:00", "05 14:00"]
    assert sorted(found)[-2:] == ["06 19:00", "06 20:00"]


def test_a_slot_that_is_there_already_is_passed_over() -> None:
    dag = save()
    tick(NOON)
    Dag.objects.update(next_run_at=NOON, next_logical_date=NOON, next_interval_start=NOON)
    assert tick(NOON) == []
    dag.refresh_from_db()
    assert dag.next_run_at == NOON + HOUR
    assert dates() == ["05 12:00"]


@pytest.mark.parametrize(
    ("schedule", "own", "is_default_on", "expected"),
    [
        ("@daily", None, True, True),
        ("@daily", None, False, False),
        ("@daily", False, True, False),
        ("", True, False, True),
        ("", None, True, False),
    ],
)
def test_a_new_dag_starts_paused_if_it_has_a_schedule_unless_something_says_otherwise(
    settings: Any, schedule: str, own: bool | None, is_default_on: bool, expected: bool
) -> None:
    settings.DAGS_PAUSED_AT_CREATION = is_default_on
    spec = DagSpec("d", (TaskSpec("a", "X"),), schedule=schedule, is_paused_upon_creation=own)
    assert starts_paused(spec) is expected


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.booleans(),
    st.lists(st.tuples(st.integers(-90, 300), st.booleans()), min_size=1, max_size=8),
)
def test_whatever_the_clock_does_no_slot_runs_twice_and_with_catchup_none_is_lost(
    catchup: bool, moves: list[tuple[int, bool]]
) -> None:
    """Each move is so many minutes of the clock, and whether the runs so far end."""
    Dag.objects.update(is_paused=True)
    dag = f"d{Dag.objects.count()}"
    save(dag, catchup=catchup, start_date=NOON.isoformat(), max_active_runs=1000)
    now, latest = NOON, NOON
    for minutes, is_end in moves:
        now += minutes * MINUTE
        latest = max(latest, now)
        tick(now)
        if is_end:
            finish()
    tick(latest)
    runs = DagRun.objects.filter(dag__dag_id=dag).order_by("logical_date")
    found = list(runs.values_list("logical_date", flat=True))
    hours = [NOON + each * HOUR for each in range((latest - NOON) // HOUR + 1)]
    assert len(found) == len(set(found))
    assert set(found) <= set(hours)
    assert not catchup or found == hours
    assert found[-1] == hours[-1]


@pytest.mark.django_db(transaction=True)
def test_processes_that_look_at_once_make_each_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.services.send", lambda ids: True)
    for number in range(6):
        save(f"d{number}", catchup=True, start_date="2026-01-05T10:00:00+00:00")
    made: list[int] = []
    start = threading.Barrier(4)

    def look() -> None:
        start.wait()
        for _ in range(4):
            made.extend(tick(NOON))
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 18
    for number in range(6):
        assert dates(f"d{number}") == ["05 10:00", "05 11:00", "05 12:00"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no index condition plan")
def test_what_is_due_is_found_by_its_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT id FROM tasks_dag WHERE next_run_at <= now()")
        assert "dag_due" in "".join(row[0] for row in cursor.fetchall())
        cursor.execute("RESET enable_seqscan")
