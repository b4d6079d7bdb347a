"""Runs of a thousand tasks, of the three shapes that are hardest for an engine."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.models import TaskInstance
from tests.engine.driving import Engine, ScriptedOperator, layers, state_of, task


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param([task(f"t{n}") for n in range(1_000)], id="1,000 at once"),
        pytest.param(layers(1, 1_000), id="a chain of 1,000"),
        pytest.param(layers(30, 30), id="30 layers of 30, each after all of the one before"),
    ],
)
def test_a_large_run_ends_and_each_task_ran_once(
    engine: Engine, start: Any, tasks: list[Any]
) -> None:
    run = start(*tasks)
    engine.work()
    assert state_of(run) == "success"
    assert len(ScriptedOperator.calls) == len(tasks)
    rows = TaskInstance.objects.filter(run=run)
    assert rows.filter(state="success", upstream_left=0).count() == len(tasks)
