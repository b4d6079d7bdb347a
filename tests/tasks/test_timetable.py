"""When a DAG runs by its schedule: presets, intervals, start, end, catchup, data intervals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.schedules.timetable import Slot, Timetable
from tasks.spec import DagSpec, SpecError

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dag(schedule: str = "", **more: Any) -> DagSpec:
    return replace(DagSpec("d", (), schedule=schedule), **more)


def table(schedule: str = "", *, data_intervals: bool = False, **more: Any) -> Timetable:
    return Timetable(dag(schedule, **more), data_intervals=data_intervals)


def dates(timetable: Timetable, now: str, *, last: Slot | None = None, most: int = 5) -> list[str]:
    """The slots that are due and the next, as run_after."""
    slot = timetable.first(utc(now), last)
    found: list[str] = []
    while slot is not None and len(found) < most:
        found.append(f"{slot.run_after:%Y-%m-%d %H:%M}")
        slot = timetable.next_after(slot.run_after)
    return found


def test_as_in_airflow_3_the_logical_date_is_the_moment_of_the_run() -> None:
    slot = table("@daily", start_date="2026-01-01T00:00:00+00:00").first(utc("2026-01-05T12:00"))
    assert slot == Slot.at(utc("2026-01-05"))
    assert slot.logical_date == slot.data_interval_start == slot.data_interval_end


def test_with_data_intervals_a_run_comes_when_its_interval_is_over() -> None:
    timetable = table("@daily", data_intervals=True, start_date="2026-01-01T00:00:00+00:00")
    slot = timetable.first(utc("2026-01-05T12:00"))
    assert slot == Slot(utc("2026-01-05"), utc("2026-01-04"), utc("2026-01-04"), utc("2026-01-05"))
    assert timetable.next_after(slot.run_after) == Slot(
        utc("2026-01-06"), utc("2026-01-05"), utc("2026-01-05"), utc("2026-01-06")
    )


def test_with_catchup_all_since_the_start_date_run_in_order() -> None:
    timetable = table("@daily", start_date="2026-01-02T00:00:00+00:00", catchup=True)
    expected = [f"2026-01-0{day} 00:00" for day in (2, 3, 4, 5, 6)]
    assert dates(timetable, "2026-01-05T12:00") == expected


def test_with_data_intervals_catchup_begins_with_the_first_whole_interval() -> None:
    start = "2026-01-02T06:00:00+00:00"
    timetable = table("@daily", data_intervals=True, start_date=start, catchup=True)
    slot = timetable.first(utc("2026-01-05"))
    assert slot is not None
    assert (slot.data_interval_start, slot.run_after) == (utc("2026-01-03"), utc("2026-01-04"))


def test_without_catchup_only_the_latest_that_is_due_runs() -> None:
    timetable = table("@daily", start_date="2020-01-02T00:00:00+00:00")
    assert dates(timetable, "2026-01-05T12:00", most=2) == ["2026-01-05 00:00", "2026-01-06 00:00"]


def test_what_ran_does_not_run_again() -> None:
    timetable = table("@daily", start_date="2020-01-02T00:00:00+00:00")
    last = Slot.at(utc("2026-01-05"))
    assert dates(timetable, "2026-01-05T12:00", last=last, most=1) == ["2026-01-06 00:00"]


def test_a_start_date_that_is_to_come_is_waited_for() -> None:
    for catchup in (True, False):
        timetable = table("@hourly", start_date="2026-03-01T00:30:00+00:00", catchup=catchup)
        assert dates(timetable, "2026-01-05T12:00", most=1) == ["2026-03-01 01:00"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-05T12:04", "2026-01-05 12:00"),
        ("2026-01-05T12:06:30", "2026-01-05 13:00"),
        ("2026-01-05T12:00", "2026-01-05 12:00"),
    ],
)
def test_without_a_start_date_one_that_was_just_missed_runs(now: str, expected: str) -> None:
    assert dates(table("@hourly"), now, most=1) == [expected]


def test_after_the_end_date_nothing_runs() -> None:
    timetable = table(
        "@daily",
        start_date="2026-01-01T00:00:00+00:00",
        end_date="2026-01-03T00:00:00+00:00",
        catchup=True,
    )
    assert dates(timetable, "2026-02-01") == [f"2026-01-0{day} 00:00" for day in (1, 2, 3)]
    late = table("@daily", end_date="2026-01-03T00:00:00+00:00")
    assert late.first(utc("2026-02-01")) is None


def test_the_end_date_bounds_the_start_of_a_data_interval() -> None:
    dates = {"start_date": "2026-01-01T00:00:00+00:00", "end_date": "2026-01-02T00:00:00+00:00"}
    timetable = table("@daily", data_intervals=True, catchup=True, **dates)
    assert timetable.next_after(utc("2026-01-02")) is not None
    assert timetable.next_after(utc("2026-01-03")) is None


def test_of_several_that_are_due_without_catchup_the_latest_is_made() -> None:
    timetable = table("@hourly")
    slot = Slot.at(utc("2026-01-05T12:00"))
    assert timetable.due(slot, utc("2026-01-05T12:00")) == slot
    assert timetable.due(slot, utc("2026-01-07T08:20")) == Slot.at(utc("2026-01-07T08:00"))
    # A clock that went back changes nothing.
    assert timetable.due(slot, utc("2026-01-05T08:00")) == slot


def test_downtime_over_the_end_date_leaves_the_last_one_before_it() -> None:
    for data_intervals, end in ((False, "2026-01-05T14:30"), (True, "2026-01-05T13:30")):
        timetable = table("@hourly", data_intervals=data_intervals, end_date=f"{end}:00+00:00")
        slot = timetable.first(utc("2026-01-05T12:00"))
        assert slot is not None
        found = timetable.due(slot, utc("2026-02-01"))
        assert found is not None
        assert found.run_after == utc("2026-01-05T14:00")
        assert timetable.next_after(found.run_after) is None


def test_with_catchup_each_that_is_due_is_made() -> None:
    slot = Slot.at(utc("2026-01-05T12:00"))
    assert table("@hourly", catchup=True).due(slot, utc("2026-01-07")) == slot


def test_once_runs_once() -> None:
    timetable = table("@once", start_date="2026-01-02T00:00:00+00:00")
    slot = timetable.first(utc("2026-01-05"))
    assert slot == Slot.at(utc("2026-01-02"))
    assert timetable.due(slot, utc("2026-01-09")) == slot
    assert timetable.next_after(slot.run_after) is None
    assert timetable.first(utc("2026-01-05"), last=slot) is None
    assert table("@once").first(utc("2026-01-05")) == Slot.at(utc("2026-01-05"))


def test_continuous_runs_go_on_where_the_last_one_ended() -> None:
    timetable = table("@continuous", start_date="2026-01-01T00:00:00+00:00")
    first = timetable.first(utc("2026-01-01T00:10"))
    assert first is not None
    assert first.data_interval_start == utc("2026-01-01")
    following = timetable.next_after(first.run_after)
    assert following is not None
    due = timetable.due(following, utc("2026-01-01T00:25"))
    assert due == Slot(
        utc("2026-01-01T00:25"),
        utc("2026-01-01T00:10"),
        utc("2026-01-01T00:10"),
        utc("2026-01-01T00:25"),
    )


def test_continuous_runs_stop_at_the_end_date() -> None:
    timetable = table("@continuous", end_date="2026-01-02T00:00:00+00:00")
    slot = timetable.first(utc("2026-01-01"))
    assert slot is not None
    assert timetable.due(slot, utc("2026-01-03")) is None


def test_an_interval_is_counted_from_the_start_date() -> None:
    timetable = table(interval=6 * 3600, start_date="2026-01-01T01:00:00+00:00")
    assert dates(timetable, "2026-01-05T12:00", most=2) == ["2026-01-05 07:00", "2026-01-05 13:00"]


def test_an_interval_without_a_start_date_begins_now_and_is_not_shifted_by_downtime() -> None:
    timetable = table(interval=90)
    now = utc("2026-01-05T12:00:07")
    slot = timetable.first(now)
    assert slot == Slot.at(now)
    following = timetable.next_after(now)
    assert following == Slot.at(now + timedelta(seconds=90))
    late = timetable.due(following, now + timedelta(seconds=1000))
    assert late == Slot.at(now + timedelta(seconds=990))
    again = timetable.first(now + timedelta(seconds=1000), last=slot)
    assert again == late


def test_an_interval_of_part_of_a_second_is_refused() -> None:
    with pytest.raises(SpecError, match="at least a second"):
        table(interval=0.5)


def test_a_schedule_that_cannot_be_says_why() -> None:
    with pytest.raises(SpecError) as refused:
        table("61 * * * *")
    assert str(refused.value) == "schedule '61 * * * *': minute '61': must be from 0 to 59."
    with pytest.raises(SpecError, match="start_date 'soon' is no date"):
        table("@daily", start_date="soon")


def test_a_dag_without_a_schedule_has_no_slot() -> None:
    timetable = table()
    assert timetable.first(utc("2026-01-05")) is None
    assert timetable.next_after(utc("2026-01-05")) is None


def test_after_a_change_of_the_schedule_no_logical_date_comes_again() -> None:
    """A coarser schedule may have an interval that begins before that of the last run."""
    timetable = table("@daily", data_intervals=True, catchup=True)
    last = Slot(
        utc("2026-01-05T00:00"), utc("2026-01-04T23:00"), utc("2026-01-04T23:00"), utc("2026-01-05")
    )
    slot = timetable.first(utc("2026-01-09"), last=last)
    assert slot is not None
    assert slot.logical_date == utc("2026-01-05")
    trigger = Slot.at(utc("2026-01-05"))
    after_switch = timetable.first(utc("2026-01-09"), last=trigger)
    assert after_switch is not None
    assert after_switch.logical_date > trigger.logical_date


def test_a_cron_in_a_zone_gives_moments_in_utc() -> None:
    timetable = table("0 6 * * *", timezone=BERLIN, start_date="2026-06-01T00:00:00+02:00")
    slot = timetable.first(utc("2026-06-10T12:00"))
    assert slot is not None
    assert slot.run_after.isoformat() == "2026-06-10T04:00:00+00:00"
