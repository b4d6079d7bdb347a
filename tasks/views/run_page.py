"""What a run's page shows: the part that is asked for, however many tasks the run has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.presentation.execution_table import RunTable, TaskRows, tasks_table
from tasks.presentation.heads import (
    PAGE,
    Counts,
    Filter,
    TaskHead,
    count_states,
    heads_of,
    lanes_of,
    length_of,
    open_by_themselves,
)
from tasks.presentation.tracker import COLUMNS
from tasks.presentation.waits import run_wait
from tasks.states import TASK_TERMINAL, RunState, TaskState
from tasks.views.run_log import LogFilter, log_context, whole

#: With more tasks the log has no list of them to choose from.
MOST_CHOICES = 100
MOST_ASKED = 50


@dataclass(frozen=True)
class Asked:
    """What of a run is asked for: which tasks, whose steps, which lines of the log."""

    filter: Filter = field(default_factory=Filter)
    page: int = 1
    task_ids: tuple[str, ...] = ()
    log: LogFilter = field(default_factory=LogFilter)

    @classmethod
    def of(cls, query: QueryDict) -> Asked:
        state, sort = query.get("state", ""), query.get("sort", "")
        return cls(
            filter=Filter(
                state=state if state in {each.value for each in TaskState} else "",
                text=query.get("q", "").replace("\0", "")[:250],
                sort=sort if sort in ("state", "order") else "",
            ),
            page=max(1, min(whole(query.get("page")) or 1, 1_000_000)),
            task_ids=tuple(query.getlist("task")[:MOST_ASKED]),
            log=LogFilter.of(query),
        )

    def query(self, **changed: object) -> str:
        """An address of the same page with these values changed; it begins on the first page."""
        values = {
            "state": self.filter.state,
            "q": self.filter.text,
            "sort": self.filter.sort,
            **changed,
        }
        return "?" + urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True)
class Window:
    """The task instances of one page of a run's list; ``matching`` is how many there are in all."""

    instances: tuple[TaskInstance, ...]
    matching: int
    page: int

    @property
    def has_more(self) -> bool:
        return self.page * PAGE < self.matching

    @property
    def left(self) -> int:
        return self.matching - self.page * PAGE

    @property
    def pages(self) -> int:
        return max(1, -(-self.matching // PAGE))


@dataclass(frozen=True)
class Chip:
    state: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class HeadAndRows:
    """A task in the list, and its steps if they are shown."""

    head: TaskHead
    rows: TaskRows | None


def window_of(run: DagRun, asked: Asked, counts: Counts) -> Window:
    rows = asked.filter.rows(run, counts.total)
    if asked.filter.text:
        matching = rows.count()
    elif asked.filter.state:
        matching = counts.by_state.get(asked.filter.state, 0)
    else:
        matching = counts.total
    page = min(asked.page, max(1, -(-matching // PAGE)))
    found = list(rows[(page - 1) * PAGE : page * PAGE])
    known = {each.task_id for each in found}
    missing = [name for name in asked.task_ids if name not in known and "\0" not in name]
    if missing:
        # Whoever links to a task sees it, whatever page it is on.
        found = [*run.task_instances.filter(task_id__in=missing), *found]
    return Window(tuple(found), matching, page)


def run_context(run: DagRun, asked: Asked) -> dict[str, Any]:
    """What the page shows, in a number of queries that doesn't grow with the run."""
    counts = count_states(run)
    window = window_of(run, asked, counts)
    opened = open_by_themselves(window.instances, counts.total)
    opened |= {each.position for each in window.instances if each.task_id in asked.task_ids}
    shown = [each for each in window.instances if each.position in opened]
    table = tasks_table(run, shown)
    context = {
        **frame_context(run, counts, asked),
        **list_context(run, window, table=table, opened=opened),
        **_addresses(window, asked, by_importance=asked.filter.by_importance(counts.total)),
        "table": table,
        "chosen": chosen_of(table, asked.task_ids),
        "columns": COLUMNS,
        **log_context(run, asked.log),
    }
    if 1 < counts.total <= MOST_CHOICES:
        names = run.task_instances.order_by("position").values_list("task_id", flat=True)
        context["log_tasks"] = list(names)
    return context


def frame_context(run: DagRun, counts: Counts, asked: Asked) -> dict[str, Any]:
    """What stands above the list."""
    tasks = spec_of(run.version_id).tasks
    return {
        "run": run,
        "only_task_id": tasks[0].task_id if counts.total == 1 else "",
        "counts": counts,
        "total": counts.total,
        "is_many": counts.total > 1,
        "chips": chips_of(counts, asked),
        "all_tasks": asked.query(state=""),
        "waiting": run_wait(run),
        "pins": pins_of(run),
        "conditions": conditions(run, counts),
    }


def list_context(
    run: DagRun, window: Window, *, table: RunTable, opened: Collection[int]
) -> dict[str, Any]:
    """The heads of the window, the steps of those in ``table``, and their lanes."""
    rows = {task.task_instance.position: task for task in table.tasks}
    heads = heads_of(run, window.instances, opened=opened)
    return {
        "window": window,
        "heads": [HeadAndRows(each, rows.get(each.task_instance.position)) for each in heads],
        "lanes": lanes_of(run, window.instances),
        "length": length_of(run),
    }


def _addresses(window: Window, asked: Asked, *, by_importance: bool) -> dict[str, Any]:
    """Where the same list leads to: its other pages, its other order."""
    return {
        "filter": asked.filter,
        "by_importance": by_importance,
        "other_order": asked.query(sort="order" if by_importance else "state"),
        "next_page": asked.query(page=window.page + 1) if window.has_more else "",
        "previous_page": asked.query(page=window.page - 1) if window.page > 1 else "",
    }


def chips_of(counts: Counts, asked: Asked) -> list[Chip]:
    """The states that tasks of the run are in, each a filter of the list."""
    chosen = asked.filter.state
    states = [*counts.by_state]
    if chosen and chosen not in states:
        states.append(chosen)
    return [
        Chip(state, counts.by_state.get(state, 0), asked.query(state=state), state == chosen)
        for state in states
    ]


def pins_of(run: DagRun) -> list[tuple[str, int | None]]:
    """The connections of a run's tasks with the versions they used, each once; 0: no version."""
    pairs = set(
        run.task_instances.exclude(conn_id="").order_by().values_list("conn_id", "conn_version")
    )
    known = {conn_id for conn_id, version in pairs if version is not None}
    return sorted((a, b) for a, b in pairs if b is not None or a not in known)


def conditions(run: DagRun, counts: Counts) -> list[str]:
    """What decides which acts are offered."""
    found = []
    if run.state in (RunState.QUEUED, RunState.RUNNING):
        found.append("going")
    if run.is_over:
        found.append("over")
        if counts.failed:
            found.append("failed")
    return found


def chosen_of(table: RunTable, task_ids: Sequence[str] = ()) -> TaskRows | None:
    """The task whose tracker is shown: who is asked for, else what matters most."""
    by_id = {task.task_instance.task_id: task for task in table.tasks}
    for name in task_ids:
        if name in by_id:
            return by_id[name]
    tasks = table.tasks
    for state in (TaskState.FAILED, TaskState.RUNNING, TaskState.CANCELLING):
        for task in tasks:
            if task.task_instance.state == state:
                return task
    going = (task for task in tasks if task.task_instance.state not in TASK_TERMINAL)
    return next(going, tasks[-1] if tasks else None)
