"""A DAG's schedule: a preset or cron text, or how far its runs are apart."""

from __future__ import annotations

from datetime import timedelta

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.moments import MOST_SECONDS
from tasks.dagfiles.authoring.own import own_module
from tasks.dagfiles.authoring.values import plain

#: Those that name no times; the others stand for a cron text.
NO_TIMES = ("@once", "@continuous")
NO_SCHEDULE = ""
PRESETS = (
    *NO_TIMES,
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
    "@annually",
)
_WORDS = "None, a preset such as '@daily', a cron text or a timedelta"


def schedule_of(value: object, zone: str) -> tuple[str, float | None]:
    """The spec's ``schedule`` and ``interval``."""
    if value is None:
        return NO_SCHEDULE, None
    if isinstance(value, timedelta):
        return NO_SCHEDULE, _interval(value)
    if not isinstance(value, str):
        raise ArgumentProblem(f"schedule must be {_WORDS}, not {_kind(value)}.")
    text = str(plain(value, where="schedule")).strip()
    if text.startswith("@"):
        if text not in PRESETS:
            raise ArgumentProblem(
                f"schedule {value!r} isn't one of Airflow's presets: {', '.join(PRESETS)}."
            )
    else:
        _check_cron(text, zone)
    return text, None


def _interval(value: timedelta) -> float:
    length = value.total_seconds()
    if not 1 <= length <= MOST_SECONDS:
        raise ArgumentProblem(f"schedule: runs can't be {value} apart; from 1 s to 10 years can.")
    return int(length) if length.is_integer() else length


def _check_cron(text: str, zone: str) -> None:
    cron = own_module("tasks.schedules.cron")  # most files don't need it, and it takes some ms
    try:
        cron.Cron(text, zone)
    except cron.BadCron as error:
        raise ArgumentProblem(f"schedule {text!r} can't be: {error}.") from None


def _kind(value: object) -> str:
    if isinstance(value, list | tuple | set):
        return f"a {type(value).__name__}: Patchbay has no assets"
    return type(value).__name__
