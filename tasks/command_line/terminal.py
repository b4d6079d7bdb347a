"""Shows a run in a terminal: the execution table as it fills, or plain lines."""

from __future__ import annotations

import time
from typing import Any

import redis
from django.db import connection
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from patchbay.templatetags.patchbay import clock, duration, state_word, tone
from tasks import live
from tasks.models import DagRun, TaskInstance
from tasks.presentation.execution_table import (
    RunTable,
    StepRow,
    run_table,
    tasks_table,
    waiting_for,
)
from tasks.presentation.heads import ALL_OPEN, Filter, count_states, heads_of
from tasks.presentation.waits import run_wait
from tasks.states import RunState, StepState, TaskState

POLL = 0.25
STYLES = {
    "ok": "green",
    "bad": "bold red",
    "run": "bold blue",
    "wait": "dim",
    "skip": "dim",
    "off": "dim",
    "warn": "yellow",
    "lost": "bold red",
}
MARKS = {
    "ok": "✓",
    "bad": "✗",
    "run": "●",
    "wait": "·",
    "skip": "–",
    "off": "–",
    "warn": "●",
    "lost": "!",
}
#: Of a longer run so many tasks are drawn: those that matter most.
MOST_DRAWN = 25


def print_run(run: DagRun, out: Any) -> None:
    out.write(f"{run.run_id} of {run.dag.dag_id} is queued. Its page: /runs/{run.pk}/")


def watch(run: DagRun, out: Any) -> bool:
    """Follow ``run`` until it is over; true when it was successful."""
    stream = getattr(out, "_out", out)
    if stream.isatty():
        return _watch_drawn(run, Console(file=stream))
    return _watch_lines(run, out)


def _watch_drawn(run: DagRun, console: Console) -> bool:
    with _Changes(run) as changes, Live(console=console, refresh_per_second=8) as screen:
        for latest in changes:
            is_long = _is_long(latest)
            screen.update(_drawn_long(latest) if is_long else _drawn(latest, run_table(latest)))
    failed = latest.task_instances.filter(state=TaskState.FAILED)[:MOST_DRAWN]
    for row in tasks_table(latest, failed).rows:
        if row.explanation:
            console.print(_explained(row))
    return RunState(latest.state) is RunState.SUCCESS


def _is_long(run: DagRun) -> bool:
    """Whether it has more tasks than one wants to see each step of."""
    return run.task_instances.count() > ALL_OPEN


def _drawn_long(run: DagRun) -> Table:
    counts = count_states(run)
    rows = Filter(sort="state").rows(run, counts.total)[:MOST_DRAWN]
    words = (f"{count:,} {state_word(state).lower()}" for state, count in counts.by_state.items())
    drawn = Table(
        title=f"{run.dag.dag_id}  {run.run_id}",
        caption=waiting_for(run) or ", ".join(words),
        expand=False,
    )
    for name in ("Task", "State", "Where it is, or how it ended", "Took"):
        drawn.add_column(name, overflow="fold")
    for head in heads_of(run, list(rows)):
        state = Text(
            f"{MARKS[tone(head.state)]} {state_word(head.state)}", STYLES[tone(head.state)]
        )
        where = " · ".join(filter(None, (head.tries, str(head.wait or ""), head.where)))
        drawn.add_row(head.task_instance.task_id, state, where, duration(head.seconds))
    return drawn


def _drawn(run: DagRun, table: RunTable) -> Table:
    waiting = waiting_for(run)
    caption = waiting or f"{state_word(run.state)} {duration(run.seconds)}".strip()
    drawn = Table(title=f"{run.dag.dag_id}  {run.run_id}", caption=caption, expand=False)
    for name in ("Step", "Action", "Connection ID used", "Internal state", "Result"):
        drawn.add_column(name, overflow="fold")
    drawn.add_column("Started", justify="right", overflow="fold")
    drawn.add_column("Took", justify="right", overflow="fold")
    several = len(table.tasks) > 1
    drawn.add_row(*_cells(table.first))
    for task in table.tasks:
        if several:
            drawn.add_row("", Text(task.task_instance.task_id, style="bold"))
        for row in task.rows:
            drawn.add_row(*_cells(row))
    drawn.add_row(*_cells(table.last))
    return drawn


def _cells(row: StepRow) -> tuple[Text | str, ...]:
    style = STYLES[tone(row.state)]
    mark = MARKS[tone(row.state)]
    result = Text(f"{mark} {_result(row)}", style=style)
    return (
        str(row.number),
        row.action,
        row.conn_id or "N/A",
        row.internal_state,
        result,
        clock(row.started_at),
        duration(row.seconds),
    )


def _result(row: StepRow) -> str:
    """The word of the state for a row that isn't done, so that no colour is needed."""
    parts = [row.result, row.facts]
    if row.retries:
        parts.append(f"{row.retries} retries")
    text = " · ".join(part for part in parts if part)
    if row.state == StepState.SUCCESS:
        return text
    return f"{state_word(row.state)}: {text}" if text else state_word(row.state)


def _explained(row: StepRow) -> str:
    assert row.explanation is not None
    words = row.explanation
    lines = [
        f"Step {row.number} failed",
        f"  What happened  {words.happened}",
        f"  Likely cause   {words.cause}",
        f"  What to do     {words.remedy}",
    ]
    if words.command:
        lines.append(f"  Command        {words.command}")
    if row.vendor_message:
        lines.append(f"  Message        {row.vendor_message}")
    lines.append(f"  Code           {words.code}, {words.type}")
    return "\n".join(lines)


def _watch_lines(run: DagRun, out: Any) -> bool:
    lines = _TaskLines(out) if _is_long(run) else _StepLines(out)
    said = ""
    out.write(f"{run.dag.dag_id} {run.run_id}")
    with _Changes(run) as changes:
        for latest in changes:
            waiting = run_wait(latest)
            if waiting and waiting.words != said:
                said = waiting.words
                out.write(str(waiting))
            lines.write(latest)
    out.write(f"{state_word(latest.state)} {duration(latest.seconds)}".strip())
    return RunState(latest.state) is RunState.SUCCESS


class _StepLines:
    """A line each time a step changes."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self._seen: dict[str, tuple[StepState, str]] = {}

    def write(self, run: DagRun) -> None:
        table = run_table(run)
        names = _task_names(table)
        for row in table.rows:
            now = (row.state, row.result)
            if row.state == StepState.PENDING or self._seen.get(row.key) == now:
                continue
            self._seen[row.key] = now
            self._out.write(_line(row, names.get(row.key, "")))
            if row.explanation:
                self._out.write(_explained(row))


class _TaskLines:
    """A line each time a task changes its state; the steps only of one that failed."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self._cursor = -1
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
            self._out.write(f"{row.task_id}  {'  '.join(filter(None, words))}{took}")
            if row.state == TaskState.FAILED:
                self._write_steps(run, row)

    def _write_steps(self, run: DagRun, instance: TaskInstance) -> None:
        [task] = tasks_table(run, [instance]).tasks
        for row in task.rows:
            self._out.write(f"  {_line(row, '')}")
            if row.explanation:
                self._out.write(_explained(row))


def _line(row: StepRow, task: str) -> str:
    took = f" ({duration(row.seconds)})" if row.seconds is not None else ""
    return f"{row.number}  {task}{row.action}  {row.conn_id or 'N/A'}  {_result(row)}{took}"


def _task_names(table: RunTable) -> dict[str, str]:
    """What stands before the lines of each task, where there is more than one."""
    if len(table.tasks) < 2:
        return {}
    return {row.key: f"{task.task_instance.task_id}: " for task in table.tasks for row in task.rows}


class _Changes:
    """Yields the run at each change until it is over; woken by messages, else by the clock."""

    def __init__(self, run: DagRun) -> None:
        self.run = run
        self.subscription: Any = None

    def __enter__(self) -> _Changes:
        try:
            self.subscription = live.client().pubsub(ignore_subscribe_messages=True)
            self.subscription.subscribe(live.CHANNEL)
        except (redis.RedisError, OSError):
            self.subscription = None
        return self

    def __exit__(self, *_: object) -> None:
        if self.subscription is not None:
            self.subscription.close()

    def __iter__(self) -> Any:
        while True:
            run = DagRun.objects.select_related("dag").get(pk=self.run.pk)
            yield run
            if run.is_over:
                return
            self._wait()

    def _wait(self) -> None:
        connection.close()
        try:
            if self.subscription is not None:
                self.subscription.get_message(timeout=POLL)
                return
        except (redis.RedisError, OSError):
            self.subscription = None
        time.sleep(POLL)
