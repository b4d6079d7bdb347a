"""What of a run's page has changed since its watcher looked, for what the watcher has in view.

A run may change faster than a page can show it. What changed is gathered, and
given out in pieces of a size that a browser takes; a task that changes twice
in between is drawn once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.template.loader import render_to_string

from patchbay.templatetags.patchbay import icon, state_word
from tasks import live
from tasks.models import DagRun, LogLine, TaskInstance
from tasks.presentation.execution_table import RunTable, TaskRows, tasks_table
from tasks.presentation.graph import MOST_NODES
from tasks.presentation.heads import (
    ALL_OPEN,
    OPEN_STATES,
    TaskHead,
    count_states,
    heads_of,
    lanes_of,
    length_of,
    open_by_themselves,
)
from tasks.presentation.tracker import COLUMNS
from tasks.states import TASK_HELD, TASK_WAITING, TaskState
from tasks.views.run_log import MOST_LINES, whole
from tasks.views.run_order import Order
from tasks.views.run_page import Asked, chosen_of, frame_context

#: So many tasks are drawn in one event; the others come with the next.
MOST_HEADS = 60
#: What enters the list while it is watched, beside what was there.
MOST_NEW = 100
MOST_RANGES = 2_000
#: Positions that one watcher may name in all.
MOST_POSITIONS = 20_000


@dataclass(frozen=True)
class Event:
    """``data`` is empty when nothing changed; ``cursor`` is ``None`` while more is to come."""

    data: dict[str, Any]
    cursor: int | None
    is_over: bool


@dataclass
class InView:
    """What the watcher's page shows: tasks by their position, open ones with their try."""

    asked: Asked
    shown: set[int] | None = None
    opened: dict[int, int] = field(default_factory=dict)
    kept_open: set[int] = field(default_factory=set)
    kept_shut: set[int] = field(default_factory=set)
    chosen: int | None = None
    new: int = 0

    @classmethod
    def of(cls, query: QueryDict) -> InView:
        """Without ``shown``, all tasks are: a watcher that isn't a page."""
        pairs = (each.partition(".") for each in query.get("open", "").split(",")[:MOST_RANGES])
        opened = {int(a): int(b) for a, _, b in pairs if whole(a) is not None and whole(b)}
        return cls(
            asked=Asked.of(query),
            shown=positions(query.get("shown", "")) if "shown" in query else None,
            opened=opened,
            kept_open=positions(query.get("keep", "")),
            kept_shut=positions(query.get("shut", "")),
            chosen=whole(query.get("chosen")),
        )

    def shows(self, position: int) -> bool:
        return self.shown is None or position in self.shown


def positions(text: str) -> set[int]:
    """``0-3,7`` as a set of numbers; what isn't one is left out."""
    found: set[int] = set()
    for each in text.split(",")[:MOST_RANGES]:
        first, _, last = each.partition("-")
        start, end = whole(first), whole(last or first)
        if start is not None and end is not None and end - start < MOST_POSITIONS - len(found):
            found.update(range(start, end + 1))
    return found


class RunWatch:
    """Follows one run for one watcher. ``look`` is called again and again, in any thread."""

    def __init__(self, pk: int, cursor: int, view: InView) -> None:
        self.pk = pk
        self.cursor = cursor
        self.view = view
        #: Changed, in view, and not drawn yet.
        self._heads: dict[int, None] = {}
        self._steps: set[int] = set()
        #: Whom the tracker told of last, and whether the run was over then.
        self._tracked: tuple[int, bool] | None = None
        self._said = ""
        #: The number that the watcher was told last.
        self._told = cursor
        #: What the heads of tasks that wait or run said when they were drawn last.
        self._words: dict[int, tuple[str, str]] = {}
        self._order = Order()

    def look(self) -> Event:
        """What changed since the last look, or some of it."""
        changes = live.changes_since(self.pk, self.cursor)
        run = changes.run
        if run.sequence <= self.cursor and not self._heads and not self._order.is_due:
            return Event({}, self.cursor, run.is_over)
        self.cursor = max(self.cursor, changes.sequence)
        data = self._draw(run, changes)
        if self._heads:
            return Event(data, None, False)
        if self.cursor > self._told:
            data["sequence"] = self._told = self.cursor
        return Event(data, self.cursor, run.is_over)

    def remind(self) -> dict[str, Any]:
        """What time alone has changed: what is waited for, and whose worker is lost."""
        run = live.light_runs().get(pk=self.pk)
        counts = count_states(run)
        html = render_to_string(
            "tasks/_run_state.html", frame_context(run, counts, self.view.asked)
        )
        is_new = bool(self._said) and html != self._said
        self._said = html
        data: dict[str, Any] = {"replace": {"run-state": html}} if is_new else {}
        if heads := self._late_heads(run) if self._has_heads(counts.total) else []:
            data["heads"] = _drawn_heads(run, heads)
            if counts.total <= MOST_NODES:
                data |= _drawn_nodes((x.task_instance.position, x.state) for x in heads)
        return data

    def _has_heads(self, total: int) -> bool:
        """A run of one task shows its steps alone; a task's page has the head."""
        return total > 1 or self.view.shown is not None

    def _late_heads(self, run: DagRun) -> list[TaskHead]:
        """Those that would say something else now than when they were drawn."""
        rows = run.task_instances.filter(state__in=TASK_WAITING | TASK_HELD)
        if self.view.shown is not None:
            rows = rows.filter(position__in=self.view.shown)
        return self._remembered(run, list(rows.order_by("position")[:MOST_HEADS]))

    def _remembered(self, run: DagRun, instances: list[TaskInstance]) -> list[TaskHead]:
        """The heads of ``instances`` that say something new."""
        found = []
        for head in heads_of(run, instances, opened=self.view.opened):
            position = head.task_instance.position
            words = head.state, head.wait.words if head.wait else ""
            if self._words.get(position) != words:
                self._words[position] = words
                found.append(head)
        return found

    def _draw(self, run: DagRun, changes: live.Changes) -> dict[str, Any]:
        counts = count_states(run)
        context = frame_context(run, counts, self.view.asked)
        is_many, has_heads = counts.total > 1, self._has_heads(counts.total)
        changed = self._changed(run, changes, total=counts.total)
        drawn = list(self._heads)[:MOST_HEADS]
        for position in drawn:
            del self._heads[position]
        self._steps |= changes.steps
        before = dict(self.view.opened)
        table, replace, rows = self._rows(run, counts.total)
        heads = [each for each in changed if each.position in drawn]
        heads += run.task_instances.filter(position__in=set(drawn) - {x.position for x in heads})
        self._said = render_to_string("tasks/_run_state.html", context)
        replace = {
            "run-state": self._said,
            "run-facts": render_to_string("tasks/_run_facts.html", context),
            "run-note": render_to_string("tasks/_run_note_words.html", context),
            **replace,
            **self._tracker(table, before, changes, is_many=is_many),
        }
        if is_many:
            replace["run-chips"] = render_to_string("tasks/_run_chips.html", context)
        data: dict[str, Any] = {
            "replace": replace,
            "append": self._lines(changes.lines),
            "rows": rows,
            "heads": self._drawn_heads(run, heads) if has_heads else {},
            "lanes": _drawn_lanes(run, heads),
            "is": context["conditions"],
            "length": length_of(run) if run.is_over else None,
        }
        if 1 < counts.total <= MOST_NODES:
            data |= _drawn_nodes((each.position, each.state) for each in changed)
        if self.view.shown is not None and self.view.asked.filter.is_sorted(counts.total):
            data |= self._order.told(self.view.asked.filter.rows(run, counts.total), run)
        return data

    def _changed(self, run: DagRun, changes: live.Changes, *, total: int) -> list[TaskInstance]:
        """The changed task instances; those that the page has, or shall have, are to be drawn."""
        found = list(run.task_instances.filter(pk__in=changes.tasks)) if changes.tasks else []
        for each in found:
            if self.view.shows(each.position) or self._enters(each, total):
                self._heads[each.position] = None
        return found

    def _enters(self, instance: TaskInstance, total: int) -> bool:
        """Whether a task that isn't in view belongs there now: one that failed, or is asked for."""
        view = self.view
        wanted = view.asked.filter
        if wanted.text or view.shown is None or view.new >= MOST_NEW:
            return False
        is_wanted = instance.state == (wanted.state or TaskState.FAILED)
        if not is_wanted or not (wanted.state or wanted.by_importance(total)):
            return False
        view.shown.add(instance.position)
        view.new += 1
        return True

    def _rows(self, run: DagRun, total: int) -> tuple[RunTable, dict[str, str], dict[str, str]]:
        """The steps to draw: all of a task that opens or is in another try, else what changed."""
        opened = {each.position: each for each in self._opened(run, total)}
        table = tasks_table(run, opened.values())
        rows = {str(position): "" for position in self.view.opened if position not in opened}
        replace: dict[str, str] = {}
        changed = [row for row in (table.first, table.last) if int(row.key[5:]) in self._steps]
        for task in table.tasks:
            instance = task.task_instance
            known = self.view.opened.get(instance.position, self._unknown(instance))
            if known == instance.try_number:
                changed += [row for row in task.rows if int(row.key[5:]) in self._steps]
            else:
                html = render_to_string("tasks/_task_rows.html", {"task": task, "run": run})
                rows[str(instance.position)] = html
        for row in changed:
            replace[row.key] = render_to_string("tasks/_step.html", {"row": row, "run": run})
        self._steps.clear()
        self.view.opened = {position: each.try_number for position, each in opened.items()}
        return table, replace, rows

    def _unknown(self, instance: TaskInstance) -> int:
        """The try that a watcher has of which it told nothing: a page tells, others have all."""
        return instance.try_number if self.view.shown is None else 0

    def _opened(self, run: DagRun, total: int) -> list[TaskInstance]:
        """The tasks in view whose steps are shown now."""
        view = self.view
        if total <= ALL_OPEN:
            wanted = {each for each in range(total) if view.shows(each)}
        else:
            rows = run.task_instances.filter(state__in=OPEN_STATES).order_by("position")
            shown = [each for each in rows if view.shows(each.position)]
            wanted = open_by_themselves(shown, total)
        wanted = (wanted | view.kept_open) - view.kept_shut
        return list(run.task_instances.filter(position__in=wanted).order_by("position"))

    def _tracker(
        self, table: RunTable, before: dict[int, int], changes: live.Changes, *, is_many: bool
    ) -> dict[str, str]:
        chosen = self._chosen(table)
        if chosen is None:
            # The task that it told of was folded; what it said of it is no longer true.
            self._tracked = None
            return {"run-tracker": _tracker_html(None, is_many=is_many)}
        position = chosen.task_instance.position
        known, self._tracked = self._tracked, (position, changes.run.is_over)
        is_known = known == self._tracked and position in before
        if is_many and is_known and position not in changes.tasks.values():
            return {}
        return {"run-tracker": _tracker_html(chosen, is_many=is_many)}

    def _chosen(self, table: RunTable) -> TaskRows | None:
        """Whom the watcher chose stays; else it goes with what matters most."""
        kept = {task.task_instance.position: task for task in table.tasks}
        if self.view.chosen in kept:
            return kept[self.view.chosen]
        return chosen_of(table)

    def _drawn_heads(self, run: DagRun, instances: list[TaskInstance]) -> dict[str, str]:
        for each in instances:
            self._words.pop(each.position, None)
        return _drawn_heads(run, self._remembered(run, instances))

    def _lines(self, lines: list[LogLine]) -> dict[str, str]:
        wanted = self.view.asked.log
        found = [line for line in lines if wanted.takes(line)]
        context: dict[str, Any] = {"log": wanted}
        html = "".join(
            render_to_string("tasks/_log_line.html", {**context, "line": line}) for line in found
        )
        if len(lines) >= MOST_LINES:
            html = render_to_string("tasks/_log_gap.html", context) + html
        return {"run-log": html} if html else {}


def _drawn_heads(run: DagRun, heads: Iterable[TaskHead]) -> dict[str, str]:
    return {
        f"task-{head.task_instance.position}": render_to_string(
            "tasks/_task_head.html", {"head": head, "run": run}
        )
        for head in heads
    }


def _drawn_nodes(states: Iterable[tuple[int, str]]) -> dict[str, Any]:
    """The states of nodes of the graph, and how each state is shown."""
    found = dict(states)
    return {
        "nodes": {str(position): state for position, state in found.items()},
        "words": {state: [icon(state), state_word(state)] for state in set(found.values())},
    }


def _drawn_lanes(run: DagRun, instances: Iterable[TaskInstance]) -> dict[str, str]:
    return {
        f"lane-{lane.task_instance.position}": render_to_string(
            "tasks/_run_lane.html", {"lane": lane, "run": run, "length": length_of(run)}
        )
        for lane in lanes_of(run, list(instances))
    }


def _tracker_html(chosen: TaskRows | None, *, is_many: bool) -> str:
    context = {"chosen": chosen, "columns": COLUMNS, "is_many": is_many}
    return render_to_string("tasks/_run_tracker.html", context)
