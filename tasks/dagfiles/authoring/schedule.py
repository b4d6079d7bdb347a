"""A DAG's schedule, as the text that pages show."""

from __future__ import annotations

from datetime import timedelta

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.values import plain

PRESETS = (
    "@once",
    "@continuous",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@quarterly",
    "@yearly",
)


def schedule_text(value: object) -> str | None:
    """Return a preset or cron text as it is, a timedelta as ``every 1:00:00``."""
    if value is None:
        return None
    if isinstance(value, timedelta):
        return f"every {value}"
    if not isinstance(value, str):
        raise ArgumentProblem(
            f"schedule must be None, a preset, a cron text or a timedelta, "
            f"not {type(value).__name__}."
        )
    # Which values a cron field may have is checked where schedules are run.
    if value in PRESETS or (not value.startswith("@") and len(value.split()) in (5, 6)):
        return str(plain(value, where="schedule"))
    raise ArgumentProblem(
        f"schedule {value!r} is neither a cron text of 5 or 6 fields nor one of "
        f"{', '.join(PRESETS)}."
    )
