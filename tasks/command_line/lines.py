"""Tells a run as it goes on in plain lines, for a pipe or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from patchbay.templatetags.patchbay import duration, state_word
from tasks.command_line.changes import Changes
from tasks.models import DagRun, TaskInstance
from tasks.presentation.execution_table import StepRow, TaskRows, run_table, tasks_table
from tasks.presentation.heads import ALL_OPEN, heads_of
from tasks.presentation.waits import run_wait
from tasks.states import RunState, StepState, TaskState

#: How a step ends that had nothing to do.
_FOLDED = (StepState.SKIPPED, StepState.CANCELLED)


class Seen(NamedTuple):
    """What a line told of a step: a later try may end like this one."""

    state: StepState
    result: str
    try_number: int
    started_at: datetime | None

    @classmethod
    def of(cls, row: StepRow) -> Seen:
        return cls(row.state, row.result, row.try_number, row.started_at)


@dataclass(frozen=True)
class SoFar:
    """What a run was when something was done to it: that isn't told once more."""

    sequence: int = -1
    steps: Mapping[str, Seen] = field(default_factory=dict)
    tries: frozenset[tuple[int, int]] = frozenset()


def so_far(run: DagRun) -> SoFar:
    if is_long(run):
        return SoFar(run.sequence)
    table = run_table(run)
    tries = {(task.task_instance.pk, each.number) for task in table.tasks for each in task.earlier}
    # What is the present try now will be an earlier one.
    tries |= {(task.task_instance.pk, task.task_instance.try_number) for task in table.tasks}
    steps = {row.key: Seen.of(row) for row in table.rows if row.state != StepState.PENDING}
    return SoFar(run.sequence, steps, frozenset(tries))


def is_long(run: DagRun) -> bool:
    """Whether it has more tasks than one wants to see each step of."""
    return run.task_instances.count() > ALL_OPEN


def watch_lines(run: DagRun, out: Any, before: SoFar) -> bool:
    """Until ``run`` is over; true when it was successful."""
    lines = TaskLines(out, before) if is_long(run) else StepLines(out, before)
    said = ""
    out.write(f"{run.dag.dag_id} {run.run_id}")
    with Changes(run) as changes:
        for latest in changes:
            waiting = run_wait(latest)
            lines.write(latest)
            if waiting and waiting.words != said:
                said = waiting.words
                out.write(printable(str(waiting)))
    out.write(f"{state_word(latest.state)} {duration(latest.seconds)}".strip())
    return RunState(latest.state) is RunState.SUCCESS


class StepLines:
    """A line each time a step changes, and one for each try that failed before the last one.

    Steps that a task has no need of have no line; a task of nothing else has one.
    """

    def __init__(self, out: Any, before: SoFar) -> None:
        self._out = out
        self._seen = dict(before.steps)
        self._tries = set(before.tries)

    def write(self, run: DagRun) -> None:
        table = run_table(run)
        self._write_step(table.first, "")
        for task in table.tasks:
            self._write_task(task, has_name=len(table.tasks) > 1)
        self._write_step(table.last, "")

    def _write_task(self, task: TaskRows, *, has_name: bool) -> None:
        task_id = task.task_instance.task_id
        for each in task.earlier:
            key = (task.task_instance.pk, each.number)
            if each.state == StepState.FAILED and key not in self._tries:
                self._tries.add(key)
                self._out.write(f"{task_id}: try {each.number} failed at {printable(each.reason)}")
        if task.rows and (words := _folded(task.rows)):
            if self._is_new(task.rows[0]):
                self._out.write(f"{task_id}: {printable(words)}")
            return
        for row in task.rows:
            if row.state != StepState.SKIPPED or row.conn_id:
                self._write_step(row, f"{task_id}: " if has_name else "")

    def _write_step(self, row: StepRow, name: str) -> None:
        if row.state == StepState.PENDING or not self._is_new(row):
            return
        self._out.write(line(row, name))
        if row.explanation:
            self._out.write(explained(row))

    def _is_new(self, row: StepRow) -> bool:
        now = Seen.of(row)
        is_new = self._seen.get(row.key) != now
        self._seen[row.key] = now
        return is_new


def _folded(rows: tuple[StepRow, ...]) -> str:
    """What became of a task of which all steps ended in the same words, as it had nothing to do."""
    ends = {(row.state, result_of(row)) for row in rows}
    state, words = next(iter(ends))
    return words if len(ends) == 1 and state in _FOLDED else ""


class TaskLines:
    """A line each time a task changes its state; the steps only of one that failed."""

    def __init__(self, out: Any, before: SoFar) -> None:
        self._out = out
        self._cursor = before.sequence
        self._seen: dict[int, tuple[str, int]] = {}

    def write(self, run: DagRun) -> None:
        changed = run.task_instances.filter(
            sequence__gt=self._cursor, sequence__lte=run.sequence
        ).exclude(state=TaskState.PENDING)
        self._cursor = run.sequence
        for head in heads_of(run, list(changed.order_by("sequence", "position"))):
            row = head.task_instance
            if self._seen.get(row.pk) == (row.state, row.try_number):
                continue
            self._seen[row.pk] = (row.state, row.try_number)
            took = f" ({duration(head.seconds)})" if head.seconds is not None else ""
            words = (state_word(head.state), head.tries, str(head.wait or ""), head.where)
            self._out.write(f"{row.task_id}  {printable('  '.join(filter(None, words)))}{took}")
            if row.state == TaskState.FAILED:
                self._write_steps(run, row)

    def _write_steps(self, run: DagRun, instance: TaskInstance) -> None:
        [task] = tasks_table(run, [instance]).tasks
        for row in task.rows:
            self._out.write(f"  {line(row, '')}")
            if row.explanation:
                self._out.write(explained(row))


def line(row: StepRow, name: str) -> str:
    took = f" ({duration(row.seconds)})" if row.seconds is not None else ""
    result = printable(result_of(row))
    return f"{row.number}  {name}{row.action}  {row.conn_id or 'N/A'}  {result}{took}"


def result_of(row: StepRow) -> str:
    """The word of the state for a row that isn't done, so that no colour is needed."""
    parts = [row.result, row.facts]
    if row.retries:
        parts.append(f"{row.retries} retries")
    text = " · ".join(part for part in parts if part)
    if row.state == StepState.SUCCESS:
        return text
    return f"{state_word(row.state)}: {text}" if text else state_word(row.state)


def printable(text: str) -> str:
    """No escape sequence of somebody else's reaches the terminal."""
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else repr(sign)[1:-1] for sign in text
    )


def explained(row: StepRow) -> str:
    assert row.explanation is not None
    words = row.explanation
    lines = [
        f"Step {row.number} failed",
        f"  What happened  {printable(words.happened)}",
        f"  Likely cause   {printable(words.cause)}",
        f"  What to do     {printable(words.remedy)}",
    ]
    if words.command:
        lines.append(f"  Command        {printable(words.command)}")
    if row.vendor_message:
        message = printable(row.vendor_message).replace("\n", "\n" + " " * 17)
        lines.append(f"  Message        {message}")
    lines.append(f"  Code           {words.code}, {words.type}")
    return "\n".join(lines)
