"""Cron texts as Airflow reads them, in time zones whose clocks are set twice a year."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.schedules.cron import BadCron, Cron

BERLIN = "Europe/Berlin"
#: cron -> zone -> how many moments Airflow 3.3.2's CronTriggerTimetable gives from 2024-12-15 to
#: 2026-12-15, and the beginning of the SHA-256 of them, in ISO 8601, one a line.
AIRFLOW = json.loads(Path(__file__).with_name("airflow_moments.json").read_text())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moments(cron: Cron, start: datetime, end: datetime) -> Iterator[datetime]:
    found = cron.after(start)
    while found is not None and found < end:
        yield found
        found = cron.after(found)


def shown(text: str, start: str, end: str, *, zone: str = BERLIN) -> list[str]:
    """The moments between two of UTC, on the wall clock with its offset."""
    found = moments(Cron(text, zone), utc(start), utc(end))
    return [f"{each.astimezone(ZoneInfo(zone)):%d %H:%M%z}" for each in found]


@pytest.mark.parametrize(
    ("cron", "zone"), [(cron, zone) for cron, zones in AIRFLOW.items() for zone in zones]
)
def test_the_moments_are_those_that_airflow_gives(cron: str, zone: str) -> None:
    found = list(moments(Cron(cron, zone), utc("2024-12-15"), utc("2026-12-15")))
    text = "\n".join(each.isoformat() for each in found)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert f"{len(found)} {digest}" == AIRFLOW[cron][zone]


def test_a_time_that_the_clock_jumps_over_comes_an_hour_later_once() -> None:
    assert shown("30 2 * * *", "2026-03-28T12:00", "2026-03-30T12:00") == [
        "29 03:30+0200",
        "30 02:30+0200",
    ]


def test_a_time_that_comes_twice_runs_the_second_time_and_once() -> None:
    assert shown("30 2 * * *", "2026-10-24T12:00", "2026-10-26T12:00") == [
        "25 02:30+0100",
        "26 02:30+0100",
    ]


@pytest.mark.parametrize(
    ("night", "expected"),
    [
        ("2026-03-28", ["29 00:00+0100", "29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]),
        (
            "2026-10-24",
            ["25 00:00+0200", "25 01:00+0200", "25 02:00+0200", "25 02:00+0100", "25 03:00+0100"],
        ),
    ],
)
def test_an_hourly_schedule_runs_in_each_real_hour(night: str, expected: list[str]) -> None:
    found = list(moments(Cron("0 * * * *", BERLIN), utc(f"{night}T12:00"), utc(night) + 2 * DAY))
    assert {later - earlier for earlier, later in pairwise(found)} == {HOUR}
    walls = [f"{each.astimezone(ZoneInfo(BERLIN)):%d %H:%M%z}" for each in found]
    start = walls.index(expected[0])
    assert walls[start : start + len(expected)] == expected


def test_each_of_several_times_in_the_gap_runs_though_airflow_runs_one() -> None:
    assert shown("*/15 2 * * *", "2026-03-29T00:00", "2026-03-29T12:00") == [
        "29 03:00+0200",
        "29 03:15+0200",
        "29 03:30+0200",
        "29 03:45+0200",
    ]


def test_an_hourly_schedule_of_one_day_stays_in_it_though_airflows_does_not() -> None:
    """Airflow's runs at 23:30 on 31 October, as it counts the clock's hour of that month."""
    found = moments(Cron("30 * 1 * *", BERLIN), utc("2025-01-01"), utc("2026-01-01"))
    days = [each.astimezone(ZoneInfo(BERLIN)) for each in found]
    assert {each.day for each in days} == {1}
    assert len(days) == 12 * 24


def test_a_zone_whose_clock_jumps_by_half_an_hour_keeps_its_full_hours() -> None:
    found = moments(Cron("0 * * * *", "Australia/Lord_Howe"), utc("2026-04-04"), utc("2026-04-06"))
    assert {each.astimezone(ZoneInfo("Australia/Lord_Howe")).minute for each in found} == {0}


def test_midnight_that_is_jumped_over_is_an_hour_later() -> None:
    found = shown("0 0 * * *", "2018-11-03T12:00", "2018-11-05T12:00", zone="America/Sao_Paulo")
    assert found == ["04 01:00-0200", "05 00:00-0200"]


def test_a_moment_in_the_hour_that_comes_twice_still_has_that_nights_run_before_it() -> None:
    cron = Cron("30 2 * * *", BERLIN)
    assert cron.after(utc("2026-10-25T00:45")) == utc("2026-10-25T01:30")
    assert cron.before(utc("2026-10-25T00:45")) == utc("2026-10-24T00:30")


def test_a_moment_after_the_gap_still_has_that_nights_run_before_it() -> None:
    assert Cron("30 2 * * *", BERLIN).after(utc("2026-03-29T01:10")) == utc("2026-03-29T01:30")


CRONS = st.sampled_from(
    ["0 * * * *", "*/20 * * * *", "30 2 * * *", "*/30 1-3 * * *", "0 */2 * * *", "0 0 * * 0"]
)
ZONES = st.sampled_from(
    [BERLIN, "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "UTC"]
)


@settings(max_examples=200, deadline=None)
@given(CRONS, ZONES, st.datetimes(datetime(2009, 1, 1), datetime(2030, 1, 1)))
def test_what_is_before_the_moment_after_is_at_or_before(
    text: str, zone: str, naive: datetime
) -> None:
    cron, moment = Cron(text, zone), naive.replace(tzinfo=UTC)
    later, earlier = cron.after(moment), cron.before(moment)
    assert later is not None
    assert earlier is not None
    assert earlier < moment < later
    back, forth = cron.before(later), cron.after(earlier)
    assert back in (earlier, moment)
    assert forth in (later, moment)


@settings(max_examples=100, deadline=None)
@given(ZONES, st.integers(2005, 2030), st.integers(0, 23), st.integers(0, 59))
def test_a_daily_schedule_runs_once_each_day_whatever_the_clock_does(
    zone: str, year: int, hour: int, minute: int
) -> None:
    found = list(
        moments(Cron(f"{minute} {hour} * * *", zone), utc(f"{year}-01-02"), utc(f"{year}-12-30"))
    )
    gaps = {later - earlier for earlier, later in pairwise(found)}
    assert all(DAY - 2 * HOUR <= gap <= DAY + 2 * HOUR for gap in gaps)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("61 * * * *", "minute '61': must be from 0 to 59"),
        ("* 24 * * *", "hour '24': must be from 0 to 23"),
        ("* * *", "a cron text has 5 fields, or 6 with seconds at the end, not 3"),
        ("0 0 31 2 *", "no month has such a day"),
        ("*/0 * * * *", "minute '*/0': the step after / must be a number from 1"),
        ("0 0 15W * *", "day of the month '15W': not a number from 1 to 31"),
        ("0 0 * * mon#6", "day of the week 'MON#6': after # comes a number from 1 to 5"),
        ("0 0 * * foo", "day of the week 'FOO': not a number from 0 to 6"),
        ("1,,2 * * * *", "minute '': not a number from 0 to 59"),
        (f"{'9' * 400} * * * *", "not a number from 0 to 59"),
        (f"{'1,' * 400}1 * * * *", "it has 809 characters; 500 are allowed"),
        ("0 5-5 * * *", "hour '5-5': Airflow takes it for *; write one value, or *"),
        ("0 22-5/3 * * *", "hour '22-5/3': a range that goes past the end has no step"),
    ],
)
def test_a_cron_text_that_cannot_be_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(BadCron) as refused:
        Cron(text)
    assert words in str(refused.value)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../etc/passwd", "UTC+2"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(BadCron, match="there is no time zone"):
        Cron("0 0 * * *", zone)


def test_what_never_comes_or_is_past_the_end_of_time_is_none() -> None:
    assert Cron("0 0 * * *", BERLIN).after(utc("9999-12-31T23:30")) is None
    assert Cron("0 0 * * *", BERLIN).before(utc("0001-01-01T00:30")) is None
