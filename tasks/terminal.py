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
from tasks.models import DagRun
from tasks.presentation import RunTable, StepRow, run_table, waiting_for
from tasks.states import RunState, StepState

POLL = 0.25
STYLES = {"ok": "green", "bad": "bold red", "run": "bold blue", "wait": "dim", "skip": "dim"}
MARKS = {"ok": "✓", "bad": "✗", "run": "●", "wait": "·", "skip": "–"}


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
            table = run_table(latest)
            screen.update(_drawn(latest, table))
    table = run_table(latest)
    for row in table.rows:
        if row.explanation:
            console.print(_explained(row))
    return RunState(latest.state) is RunState.SUCCESS


def _drawn(run: DagRun, table: RunTable) -> Table:
    waiting = waiting_for(run, table)
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
    seen: dict[str, tuple[StepState, str]] = {}
    said = ""
    out.write(f"{run.dag.dag_id} {run.run_id}")
    with _Changes(run) as changes:
        for latest in changes:
            table = run_table(latest)
            waiting = waiting_for(latest, table)
            if waiting and waiting.split(" for ")[0] != said:
                said = waiting.split(" for ")[0]
                out.write(waiting)
            names = _task_names(table)
            for row in table.rows:
                now = (row.state, row.result)
                if row.state in (StepState.PENDING,) or seen.get(row.key) == now:
                    continue
                seen[row.key] = now
                conn_id = row.conn_id or "N/A"
                took = f" ({duration(row.seconds)})" if row.seconds is not None else ""
                task = names.get(row.key, "")
                out.write(f"{row.number}  {task}{row.action}  {conn_id}  {_result(row)}{took}")
                if row.explanation:
                    out.write(_explained(row))
    out.write(f"{state_word(latest.state)} {duration(latest.seconds)}".strip())
    return RunState(latest.state) is RunState.SUCCESS


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
