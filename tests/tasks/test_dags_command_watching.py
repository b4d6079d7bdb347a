"""What ``--watch`` prints into a pipe: each thing once, in order, and nothing of before."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError
from rich.console import Console

from connections.exceptions import Failure
from tasks.acts import clear_tasks, delete_run
from tasks.command_line import terminal
from tasks.command_line.acting import followed
from tasks.command_line.changes import Changes
from tasks.command_line.lines import SoFar, StepLines, TaskLines, so_far, watch_lines
from tasks.models import DagRun
from tasks.presentation.heads import ALL_OPEN
from tests.api.dag_world import World, world
from tests.conftest import ACTOR
from tests.engine.driving import SCRIPTS, ok, task, transient, wrong

__all__ = ["world"]


class Out:
    """As a command's output that isn't a terminal."""

    def __init__(self) -> None:
        self._out = StringIO()
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines += text.splitlines()


def fresh(run: DagRun) -> DagRun:
    return DagRun.objects.select_related("dag").get(pk=run.pk)


def test_a_step_is_told_once_however_often_one_looks(world: World) -> None:
    run, out = world.run(work=False), Out()
    lines = StepLines(out, SoFar())
    lines.write(fresh(run))
    assert out.lines == []
    world.engine.take()
    for _ in range(3):
        lines.write(fresh(run))
    told = list(out.lines)
    assert told[0].startswith("1  DAG starts execution")
    assert len(told) == len(set(told))
    world.engine.work()
    lines.write(fresh(run))
    assert out.lines[: len(told)] == told
    assert out.lines[-1].startswith("6  DAG run ends  N/A  DAG run successful")


def test_a_task_without_a_need_of_steps_has_one_line(world: World) -> None:
    world.dag(task("a", operator="EmptyOperator"), task("b", "a", operator="EmptyOperator"))
    run, out = world.run(), Out()
    assert terminal.watch(run, out)
    assert [line for line in out.lines if ":" in line and line[0] in "ab"] == [
        "a: Skipped: Nothing to do",
        "b: Skipped: Nothing to do",
    ]


def test_a_try_that_failed_is_told_before_the_next_one(world: World) -> None:
    world.dag(task("a", retries=1), task("b", "a"))
    SCRIPTS["a"] = [transient, ok]
    run, out = world.run(), Out()
    lines = StepLines(out, SoFar())
    lines.write(fresh(run))
    lines.write(fresh(run))
    [told] = [line for line in out.lines if "try 1 failed" in line]
    assert told.startswith("a: try 1 failed at step 4: ")


def test_what_runs_again_tells_nothing_of_before(world: World) -> None:
    SCRIPTS["b"] = [wrong]
    run = world.run()
    before = so_far(fresh(run))
    with world.engine.committing():
        clear_tasks(run, actor=ACTOR, only_failed=True)
    world.engine.work()
    out = Out()
    assert not terminal.watch(fresh(run), out, before=before)
    # b failed again by the same words, and is told again; a isn't.
    steps = [line for line in out.lines if line[0].isdecimal()]
    assert [line[:5] for line in steps] == ["4  b:", "6  DA"]
    assert not [line for line in out.lines if "a:" in line.split("  ")[:2]]
    assert not [line for line in out.lines if "try 1 failed" in line]


def test_a_long_run_tells_only_what_changes_after_it_was_cleared(world: World) -> None:
    world.dag(*(task(f"t{number}") for number in range(12)))
    SCRIPTS["t3"] = [wrong, ok]
    run = world.run()
    before = so_far(fresh(run))
    with world.engine.committing():
        clear_tasks(run, actor=ACTOR, only_failed=True)
    world.engine.work()
    out = Out()
    assert terminal.watch(fresh(run), out, before=before)
    [told] = [line for line in out.lines if line.startswith("t")]
    assert told.startswith("t3  Success")


def test_a_run_of_1000_tasks_has_a_line_for_each(world: World) -> None:
    tasks = (task(f"t{number}", operator="EmptyOperator") for number in range(1_000))
    world.dag(*tasks)
    run, out = world.run(), Out()
    lines = TaskLines(out, SoFar())
    lines.write(fresh(run))
    lines.write(fresh(run))
    assert len(out.lines) == 1_000


def test_escape_sequences_of_others_do_not_reach_the_terminal(world: World) -> None:
    def evil(context: Any) -> Any:
        raise Failure("task:not-runnable", reason="red", vendor_message="\x1b[31mred\x07")

    world.dag(task("a"))
    SCRIPTS["a"] = [evil]
    run, out = world.run(), Out()
    terminal.watch(run, out)
    text = "\n".join(out.lines)
    assert "\x1b" not in text
    assert "\x07" not in text


@pytest.mark.parametrize("count", [1, 2, ALL_OPEN + 1])
def test_escape_sequences_in_words_do_not_reach_a_pipe(world: World, count: int) -> None:
    def evil(context: Any) -> Any:
        raise Failure("task:not-runnable", reason="\x1b]0;mine\x07\x1b[2J")

    world.dag(*(task(f"t{number}", retries=0) for number in range(count)))
    SCRIPTS["t0"] = [evil]
    run, out = world.run(), Out()
    with world.engine.committing():
        clear_tasks(fresh(run), actor=ACTOR, only_failed=True)
    SCRIPTS["t0"] = [evil]
    world.engine.work()
    watch_lines(fresh(run), out, SoFar())
    text = "\n".join(out.lines)
    assert "x1b]0;mine" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_run_that_is_deleted_meanwhile_is_told(world: World) -> None:
    run = world.run()
    delete_run(run, actor=ACTOR)
    with pytest.raises(CommandError, match="The run was deleted meanwhile"):
        followed(run, Out())
    assert not list(DagRun.objects.all())


def test_what_is_drawn_while_it_goes_on_fits_into_the_window(world: World) -> None:
    run = world.run(work=False)
    for height in (12, 24, 100):
        console = Console(file=StringIO(), width=100, height=height)
        drawn = terminal._fitting(fresh(run), console)
        assert len(console.render_lines(drawn)) < height


def test_a_run_that_is_over_is_looked_at_once(world: World) -> None:
    with Changes(world.run()) as changes:
        assert len(list(changes)) == 1
