"""A run of many tasks in a terminal: a line for each change of a task, steps of what failed."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tasks.command_line import terminal
from tests.tasks.run_page_rows import Plan, make_run, many

pytestmark = pytest.mark.django_db


class Lines:
    """As a command's output that isn't a terminal."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines += text.splitlines()


def test_a_long_run_has_a_line_for_each_task_and_steps_of_what_failed() -> None:
    run = make_run(many(30, task_0004="failed", task_0005="skipped"), state="failed")
    out = Lines()
    assert terminal.watch(run, out) is False
    heads = [line for line in out.lines if line.startswith("task_")]
    assert len(heads) == 30
    assert "task_0000  Success  Cloud job done, 5 rows (5.0 s)" in heads
    assert "task_0005  Skipped" in heads
    steps = [line for line in out.lines if line.startswith("  ") and line.strip()[0] in "2345"]
    assert [line.strip()[0] for line in steps] == ["2", "3", "4", "5"]
    assert "  Code           job:invalid-query, configuration" in out.lines
    assert out.lines[-1] == "Failed 1 min 0 s"


def test_a_short_run_has_a_line_for_each_step() -> None:
    run = make_run({"a": Plan(), "b": Plan()}, state="success")
    out = Lines()
    assert terminal.watch(run, out) is True
    assert sum(line.startswith(("2  a:", "2  b:")) for line in out.lines) == 2
    assert len(out.lines) == 1 + 10 + 1


def test_a_long_run_is_drawn_with_what_matters_first(capsys: Any) -> None:
    run = make_run(many(300, task_0200="failed", task_0100="running"))
    table = terminal._drawn_long(run)
    assert table.row_count == terminal.MOST_DRAWN
    first = list(table.columns[0].cells)[:2]
    assert first == ["task_0200", "task_0100"]
    assert table.caption == "1 failed, 1 running, 298 success"
