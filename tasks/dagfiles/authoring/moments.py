"""Dates and lengths of time that a DAG file gives, as the spec has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem

#: Beyond these, sums of dates end in errors that nobody understands.
YEARS = range(1900, 2500)
#: Ten years; what is longer was meant otherwise.
MOST_SECONDS = 3650 * 86_400


def moment(value: object, *, where: str) -> datetime | None:
    """A date or its ISO 8601 text, with its time zone where it has one."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ArgumentProblem(
                f"{where}: {value!r} is no date, such as 2024-01-31T06:00:00+00:00."
            ) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if value is None:
        return None
    if not isinstance(value, datetime):
        raise ArgumentProblem(f"{where} must be a datetime, not {type(value).__name__}.")
    if value.year not in YEARS:
        raise ArgumentProblem(f"{where}: the year {value.year} can't be right.")
    return value


def zone_name(zone: tzinfo | None, *, where: str) -> str:
    """The name of a time zone, such as ``Europe/Vienna``; whole hours have one too."""
    if zone is None or zone is UTC:
        return "UTC"
    for attribute in ("key", "zone", "name"):
        name = getattr(zone, attribute, None)
        if isinstance(name, str) and not name.startswith(("+", "-")) and name != "UTC":
            return name
    offset = zone.utcoffset(None)
    if offset is None:
        name = str(zone)
        raise ArgumentProblem(
            f"{where}: the time zone {name} can't be kept; take ZoneInfo('Europe/Vienna')."
        )
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest or abs(hours) > 12:
        raise ArgumentProblem(
            f"{where}: the time zone {zone} can't be kept; take one with a name, such as "
            "ZoneInfo('Asia/Kolkata')."
        )
    # In these names of the time zone database, what is east of Greenwich has a minus.
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"


def iso(value: datetime | None, zone: str) -> str | None:
    """ISO 8601 with an offset; a date without a time zone is in ``zone``."""
    if value is None:
        return None
    if value.tzinfo is None:
        value = value.replace(tzinfo=_zone(zone))
    return datetime.fromisoformat(value.isoformat()).isoformat()


def seconds(value: Any) -> float | None:
    """A timedelta, or a number of seconds, as seconds."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    if isinstance(value, float) and value.is_integer():
        return int(value)
    number: float | None = value
    return number


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
