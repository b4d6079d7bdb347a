"""Finds what the command is told to work on, and says how it ends."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from access.moments import wrong_moment
from access.output import formatted
from connections.command_line.session import failed, wrong_usage
from patchbay.templatetags.patchbay import duration
from tasks import live
from tasks.acts import LONGEST_NOTE
from tasks.command_line.meaning import did_you_mean
from tasks.exceptions import DagNotFound
from tasks.models import Dag, DagRun, TaskInstance

Options = dict[str, Any]
#: So many names are told where one isn't known.
MOST_NAMES = 20
#: So many of the last runs are compared with an ID that isn't known.
COMPARED = 100
PROGRAMS = ("json", "yaml")


def known_dag(dag_id: str) -> Dag:
    """With its present version. Ends the command where there is none."""
    dag = Dag.objects.select_related("current_version").filter(dag_id=dag_id).first()
    if dag is None or dag.current_version is None:
        no_such_dag(dag_id)
    return dag


def no_such_dag(dag_id: str) -> NoReturn:
    """End the command with what was meant instead, perhaps."""
    names = list(Dag.objects.order_by("dag_id").values_list("dag_id", flat=True))
    wrong_usage(f"{DagNotFound(dag_id)}{did_you_mean(dag_id, names)} There are: {_some(names)}.")


def _some(names: list[str]) -> str:
    more = ["…"] if len(names) > MOST_NAMES else []
    return ", ".join([*names[:MOST_NAMES], *more]) or "none"


def known_run(dag_id: str, run_id: str) -> DagRun:
    """Ends the command where there is none."""
    dag = known_dag(dag_id)
    rows = dag.runs.select_related("dag", "version").defer("version__spec", "version__source")
    run = rows.filter(run_id=run_id).first()
    if run is None:
        last = list(dag.runs.order_by("-queued_at").values_list("run_id", flat=True)[:COMPARED])
        words = f"The last ones: {', '.join(last[:3])}." if last else "It has none."
        wrong_usage(f"{dag_id} has no run {run_id}.{did_you_mean(run_id, last)} {words}")
    return run


def known_task(run: DagRun, task_id: str) -> TaskInstance:
    """Ends the command where the run has no such task."""
    row = run.task_instances.select_related("run__dag").filter(task_id=task_id).first()
    if row is None:
        names = list(run.task_instances.values_list("task_id", flat=True))
        meant = did_you_mean(task_id, names)
        wrong_usage(f"The run has no task {task_id}.{meant} There are: {_some(names)}.")
    return row


def check_that_something_runs() -> None:
    """A broker of production may be away for a while; one of `make run` is gone for good."""
    if not settings.BROKER_URL or (settings.BROKER_IS_LOCAL and not live.answers()):
        failed(
            "No Patchbay runs here: there is no broker to send the task to. Start it with "
            "`make run` in another terminal, or set PATCHBAY_BROKER_URL."
        )


def check_length(text: str, flag: str) -> None:
    """End the command where ``text`` is longer than what pages and the API take."""
    if len(text) > LONGEST_NOTE:
        wrong_usage(f"{flag} has {len(text):,} characters; {LONGEST_NOTE:,} are allowed.")


def moment_of(text: str, flag: str) -> datetime:
    """A moment, or the midnight that begins a day; in UTC where no time zone is said."""
    try:
        found = parse_datetime(text)
        if found is None:
            day = parse_date(text)
            found = datetime(day.year, day.month, day.day) if day else None
    except ValueError:
        found = None
    if found is None:
        wrong_usage(f"{flag} takes a moment, for example 2026-01-31T06:00:00+00:00.")
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if words := wrong_moment(found):
        wrong_usage(f"{flag}: {words}")
    return found


def agrees(question: str, options: Options) -> bool:
    """Whether the person at the terminal says yes. ``--yes`` says it before it is asked."""
    if options["yes"]:
        return True
    if not sys.stdin.isatty():
        wrong_usage("Nobody can be asked here: say --yes.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def when(moment: datetime | None, output: str) -> str | None:
    """For programs with all its digits and in UTC, for people in the time zone in use."""
    if moment is None:
        return None
    if output in PROGRAMS:
        return moment.astimezone(UTC).isoformat()
    return timezone.localtime(moment).isoformat(sep=" ", timespec="seconds")


def took(seconds: float | None, output: str) -> float | str | None:
    """In seconds for programs."""
    return seconds if output in PROGRAMS or seconds is None else duration(seconds)


def one(row: dict[str, Any], output: str) -> str:
    """A line for each field, where people read it; a list of one object for programs."""
    if output in PROGRAMS:
        return formatted([row], output)
    return formatted([{"field": name, "value": value} for name, value in row.items()], output)
