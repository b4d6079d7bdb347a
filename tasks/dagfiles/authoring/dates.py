"""Airflow's functions for dates: ``airflow.utils.timezone`` and ``airflow.utils.dates``."""

from __future__ import annotations

from datetime import UTC, timedelta, tzinfo
from datetime import datetime as _datetime
from typing import Any

#: What ``airflow.utils.timezone`` and ``airflow.sdk.timezone`` have here.
TIMEZONE = (
    *("coerce_datetime", "datetime", "is_localized", "is_naive", "make_aware"),
    *("make_naive", "parse", "utc", "utcnow"),
)

utc = UTC


def utcnow() -> _datetime:
    return _datetime.now(UTC)


def datetime(*parts: Any, **named: Any) -> _datetime:
    """A moment, in UTC where no time zone is given."""
    return _datetime(*parts, **{"tzinfo": UTC, **named})


def parse(string: str, timezone: tzinfo = UTC) -> _datetime:
    """A moment from its ISO 8601 text."""
    found = _datetime.fromisoformat(string)
    return found if found.tzinfo else found.replace(tzinfo=timezone)


def is_localized(value: _datetime) -> bool:
    return value.utcoffset() is not None


def is_naive(value: _datetime) -> bool:
    return value.utcoffset() is None


def make_aware(value: _datetime, timezone: tzinfo = UTC) -> _datetime:
    return value.replace(tzinfo=timezone)


def make_naive(value: _datetime, timezone: tzinfo = UTC) -> _datetime:
    return value.astimezone(timezone).replace(tzinfo=None)


def coerce_datetime(value: _datetime | None, tz: tzinfo = UTC) -> _datetime | None:
    return make_aware(value, tz) if value is not None and is_naive(value) else value


def days_ago(
    n: int, hour: int = 0, minute: int = 0, second: int = 0, microsecond: int = 0
) -> _datetime:
    """Midnight (UTC) of ``n`` days before today: another date each day."""
    today = utcnow().replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    return today - timedelta(days=n)
