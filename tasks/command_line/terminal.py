"""Shows a run in a terminal: the execution table as it fills, or plain lines."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from patchbay.templatetags.patchbay import clock, duration, state_word, tone
from tasks.command_line.changes import Changes
from tasks.command_line.lines import SoFar, explained, is_long, result_of, watch_lines
from tasks.models import DagRun
from tasks.presentation.execution_table import (
    RunTable,
    StepRow,
    run_table,
    tasks_table,
    waiting_for,
)
from tasks.presentation.heads import Filter, count_states, heads_of
from tasks.states import RunState, TaskState

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
#: The lines of a table of tasks beside those of the tasks, and of one that is drawn anyway.
FRAME, FEWEST = 7, 3


def print_run(run: DagRun, out: Any) -> None:
    out.write(f"{run.run_id} of {run.dag.dag_id} is queued. Its page: /runs/{run.pk}/")


def watch(run: DagRun, out: Any, *, before: SoFar | None = None) -> bool:
    """Follow ``run`` until it is over; true when it was successful.

    In lines, what it was ``before`` isn't told.
    """
    stream = getattr(out, "_out", out)
    if stream.isatty():
        return _watch_drawn(run, Console(file=stream))
    return watch_lines(run, out, before or SoFar())


def _watch_drawn(run: DagRun, console: Console) -> bool:
    """What goes on has to fit into the window, which would else show its beginning only; the
    whole of it is drawn at the end."""
    with (
        Changes(run) as changes,
        Live(console=console, refresh_per_second=8, transient=True) as screen,
    ):
        for latest in changes:
            screen.update(_fitting(latest, console))
    console.print(_drawn_long(latest) if is_long(latest) else _drawn(latest, run_table(latest)))
    failed = latest.task_instances.filter(state=TaskState.FAILED)[:MOST_DRAWN]
    for row in tasks_table(latest, failed).rows:
        if row.explanation:
            console.print(explained(row), markup=False, highlight=False)
    return RunState(latest.state) is RunState.SUCCESS


def _fitting(run: DagRun, console: Console) -> Table:
    if not is_long(run):
        table = _drawn(run, run_table(run))
        if len(console.render_lines(table)) < console.height:
            return table
    return _drawn_long(run, most=max(FEWEST, min(MOST_DRAWN, console.height - FRAME)))


def _drawn_long(run: DagRun, *, most: int = MOST_DRAWN) -> Table:
    counts = count_states(run)
    rows = Filter(sort="state").rows(run, counts.total)[:most]
    words = (f"{count:,} {state_word(state).lower()}" for state, count in counts.by_state.items())
    drawn = Table(title=_title(run), caption=waiting_for(run) or ", ".join(words), expand=False)
    for name in ("Task", "State", "Where it is, or how it ended", "Took"):
        drawn.add_column(name, overflow="fold")
    for head in heads_of(run, list(rows)):
        state = Text(
            f"{MARKS[tone(head.state)]} {state_word(head.state)}", STYLES[tone(head.state)]
        )
        where = " · ".join(filter(None, (head.tries, str(head.wait or ""), head.where)))
        drawn.add_row(head.task_instance.task_id, state, Text(where), duration(head.seconds))
    return drawn


def _title(run: DagRun) -> Text:
    took = f"{state_word(run.state)} {duration(run.seconds)}".strip()
    return Text(f"{run.dag.dag_id}  {run.run_id}  {took}")


def _drawn(run: DagRun, table: RunTable) -> Table:
    drawn = Table(title=_title(run), caption=waiting_for(run) or None, expand=False)
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
    result = Text(f"{mark} {result_of(row)}", style=style)
    return (
        str(row.number),
        row.action,
        row.conn_id or "N/A",
        row.internal_state,
        result,
        clock(row.started_at),
        duration(row.seconds),
    )
