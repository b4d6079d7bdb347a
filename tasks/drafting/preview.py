"""What a draft would be, as far as it can be told: its graph, and its next runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from graphlib import CycleError, TopologicalSorter

from django.conf import settings

from tasks.drafting.dag_settings import read_settings
from tasks.drafting.draft import Draft, DraftTask
from tasks.drafting.reading import circle_words
from tasks.presentation.graph import MOST_NODES, Graph, graph_of
from tasks.schedules.cron import zone_of
from tasks.schedules.timetable import Timetable
from tasks.spec import TRIGGER_RULES, DagSpec, SpecError, TaskSpec, TriggerRule

NEXT = 3


@dataclass(frozen=True)
class Sketch:
    """The drawing, or the words of why there is none."""

    graph: Graph | None
    words: str = ""


@dataclass(frozen=True)
class Moment:
    """A moment as ISO 8601, and in words by the clock of the DAG."""

    iso: str
    words: str


@dataclass(frozen=True)
class NextRuns:
    """When the schedule would run; or words instead."""

    moments: tuple[Moment, ...] = ()
    words: str = ""


def sketch(draft: Draft) -> Sketch:
    """The graph, also of tasks whose fields aren't right yet; a node leads to ``#open-<key>``."""
    if not draft.tasks:
        return Sketch(None, "There is no task yet.")
    if len(draft.tasks) > MOST_NODES:
        return Sketch(None, f"{len(draft.tasks)} tasks are too many to draw.")
    try:
        TopologicalSorter({task.key: task.after for task in draft.tasks}).prepare()
    except CycleError as error:
        return Sketch(None, f"The arrows go in a circle: {circle_words(draft, error.args[1])}.")
    names = _names(draft)
    tasks = tuple(
        TaskSpec(
            names[task.key],
            task.operator or "no operator yet",
            upstream=tuple(names[key] for key in task.after if key in names),
            trigger_rule=_rule(task),
        )
        for task in draft.tasks
    )
    return Sketch(graph_of(DagSpec("draft", tasks), href=lambda at: f"#open-{draft.tasks[at].key}"))


def _names(draft: Draft) -> dict[str, str]:
    """A name for each task: what its author typed, where no other has it."""
    found: dict[str, str] = {}
    for number, task in enumerate(draft.tasks, start=1):
        # The drawing keeps names with a colon for itself.
        name = f"task {number}" if ":" in task.task_id else draft.name_of(task.key)
        found[task.key] = f"{name} ({number})" if name in found.values() else name
    return found


def _rule(task: DraftTask) -> str:
    rule = task.texts.get("trigger_rule", "")
    return rule if rule in TRIGGER_RULES else TriggerRule.ALL_SUCCESS.value


def next_runs(draft: Draft, now: datetime) -> NextRuns:
    """The next three; nothing where the schedule can't be read, which is told at its field."""
    values, errors = read_settings(draft.texts)
    zone = values["timezone"]
    if errors.keys() & {"schedule", "timezone", "start_date", "end_date"}:
        return NextRuns()
    names = ("schedule", "interval", "start_date", "end_date", "catchup")
    spec = DagSpec("draft", (), timezone=zone, **{name: values[name] for name in names})
    try:
        timetable = Timetable(spec, data_intervals=settings.CRON_DATA_INTERVALS)
    except SpecError:
        return NextRuns()
    if not timetable.is_scheduled:
        return NextRuns((), "It runs when somebody triggers it.")
    if timetable.is_continuous:
        return NextRuns((), "It runs all the time: each run starts when the one before ends.")
    if timetable.is_once:
        slot = timetable.first(now)
        words = "It runs once, as soon as it is saved." if slot and slot.run_after <= now else ""
        once = [slot.run_after] if slot and not words else []
        return NextRuns(_by_clock(once, zone), words)
    moments = _moments(timetable, now)
    words = "" if moments else "It never runs by itself: no moment fits."
    return NextRuns(_by_clock(moments, zone), words)


def _moments(timetable: Timetable, now: datetime) -> list[datetime]:
    found: list[datetime] = []
    at = now
    while len(found) < NEXT and (slot := timetable.next_after(at)):
        at = slot.run_after
        found.append(at)
    return found


def _by_clock(moments: Iterable[datetime], zone: str) -> tuple[Moment, ...]:
    local = (moment.astimezone(zone_of(zone)) for moment in moments)
    return tuple(Moment(at.isoformat(), f"{at:%a} {at.day} {at:%b %Y, %H:%M %Z}") for at in local)
