"""The part of pendulum that DAG files use, for where pendulum isn't installed.

It is loaded under the name ``pendulum``, and imports nothing of Patchbay's.
Names and meaning follow https://pendulum.eustace.io/docs/
"""

from __future__ import annotations

import calendar
from datetime import date as Date
from datetime import datetime as _datetime
from datetime import timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

Timezone = ZoneInfo
UTC = ZoneInfo("UTC")
_ORDER = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_LOWEST = {"month": 1, "day": 1}


class DateTime(_datetime):
    """A moment that can be moved by years and months too."""

    @property
    def timezone(self) -> tzinfo | None:
        return self.tzinfo

    @property
    def timezone_name(self) -> str | None:
        return str(self.tzinfo) if self.tzinfo else None

    @property
    def int_timestamp(self) -> int:
        return int(self.timestamp())

    def add(self, years: int = 0, months: int = 0, **parts: float) -> DateTime:
        """Years, months, weeks, days, hours, minutes, seconds; a day too late becomes the last."""
        moved = self
        if years or months:
            year, month = divmod(self.year * 12 + self.month - 1 + years * 12 + months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            moved = self.replace(year=year, month=month + 1, day=min(self.day, last))
        days = {name: parts.pop(name) for name in ("weeks", "days") if name in parts}
        moved += timedelta(**days)
        if not parts:
            return moved
        # Hours and less are real time, whatever the clock does.
        return instance((moved.astimezone(UTC) + timedelta(**parts)).astimezone(self.tzinfo))

    def subtract(self, years: int = 0, months: int = 0, **parts: float) -> DateTime:
        gone = {name: -value for name, value in parts.items()}
        return self.add(years=-years, months=-months, **gone)

    def start_of(self, unit: str) -> DateTime:
        """``unit`` is year, month, week, day, hour, minute or second."""
        if unit == "week":
            return self.subtract(days=self.weekday()).start_of("day")
        rest = _ORDER[_ORDER.index(unit) + 1 :]
        return self.set(**{name: _LOWEST.get(name, 0) for name in rest})

    def end_of(self, unit: str) -> DateTime:
        return self.start_of(unit).add(**{f"{unit}s": 1}) - timedelta(microseconds=1)

    def set(self, **parts: Any) -> DateTime:
        return self.replace(**parts)

    def at(self, hour: int, minute: int = 0, second: int = 0, microsecond: int = 0) -> DateTime:
        return self.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)

    def in_timezone(self, tz: str | tzinfo) -> DateTime:
        return instance(self.astimezone(_zone(tz)))

    in_tz = in_timezone

    def naive(self) -> DateTime:
        return self.replace(tzinfo=None)

    def to_date_string(self) -> str:
        return self.strftime("%Y-%m-%d")

    def to_time_string(self) -> str:
        return self.strftime("%H:%M:%S")

    def to_datetime_string(self) -> str:
        return self.strftime("%Y-%m-%d %H:%M:%S")

    def to_iso8601_string(self) -> str:
        text = self.isoformat()
        return text.removesuffix("+00:00") + "Z" if str(self.tzinfo) == "UTC" else text


class Duration(timedelta):
    """A length of time, in pendulum's words."""

    def in_seconds(self) -> int:
        return int(self.total_seconds())

    def total_minutes(self) -> float:
        return self.total_seconds() / 60

    def total_hours(self) -> float:
        return self.total_seconds() / 3600

    def total_days(self) -> float:
        return self.total_seconds() / 86400


def datetime(
    year: int,
    month: int,
    day: int,
    hour: int = 0,
    minute: int = 0,
    second: int = 0,
    microsecond: int = 0,
    tz: str | tzinfo | None = UTC,
) -> DateTime:
    zone = None if tz is None else _zone(tz)
    return DateTime(year, month, day, hour, minute, second, microsecond, tzinfo=zone)


def instance(value: _datetime, tz: str | tzinfo = UTC) -> DateTime:
    """Any datetime as one of these; one without a time zone is in ``tz``."""
    zone = value.tzinfo or _zone(tz)
    parts = (value.year, value.month, value.day, value.hour, value.minute, value.second)
    return DateTime(*parts, value.microsecond, tzinfo=zone, fold=value.fold)


def now(tz: str | tzinfo = UTC) -> DateTime:
    return instance(_datetime.now(_zone(tz)))


def today(tz: str | tzinfo = UTC) -> DateTime:
    return now(tz).start_of("day")


def tomorrow(tz: str | tzinfo = UTC) -> DateTime:
    return today(tz).add(days=1)


def yesterday(tz: str | tzinfo = UTC) -> DateTime:
    return today(tz).subtract(days=1)


def from_timestamp(timestamp: float, tz: str | tzinfo = UTC) -> DateTime:
    return instance(_datetime.fromtimestamp(timestamp, _zone(tz)))


def parse(text: str, tz: str | tzinfo = UTC, **options: object) -> DateTime:
    """A moment from ISO 8601, or from a date alone."""
    del options
    return instance(_datetime.fromisoformat(text), tz)


def local(*parts: int) -> DateTime:
    return instance(_datetime(*parts), UTC)  # type: ignore[arg-type]


def date(year: int, month: int, day: int) -> Date:
    return Date(year, month, day)


def timezone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def duration(years: float = 0, months: float = 0, **parts: float) -> Duration:
    """A year counts 365 days here, and a month 30, as in pendulum."""
    days = parts.pop("days", 0) + years * 365 + months * 30
    return Duration(days=days, **parts)


def _zone(tz: str | tzinfo) -> tzinfo:
    if not isinstance(tz, str):
        return tz
    return UTC if tz in ("UTC", "utc") else ZoneInfo(tz)


class tz:
    """The module ``pendulum.tz``."""

    UTC = UTC
    timezone = staticmethod(timezone)
    Timezone = ZoneInfo
