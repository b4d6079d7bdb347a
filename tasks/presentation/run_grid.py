"""The last runs of a DAG as a grid: a row for each task, a column for each run."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.models import DagRun, TaskInstance
from tasks.spec import DagSpec

#: A grid of more tasks is no picture any more: the runs are bars alone then.
MOST_ROWS = 60
COLUMNS = 25


@dataclass(frozen=True)
class Cell:
    """What became of the task in ``run``; ``state`` is empty where the run didn't have it."""

    run: DagRun
    state: str


@dataclass(frozen=True)
class GridRow:
    position: int
    task_id: str
    cells: tuple[Cell, ...]


def grid_rows(spec: DagSpec, runs: list[DagRun]) -> list[GridRow]:
    """One query; nothing for a DAG with too many tasks."""
    if len(spec.tasks) > MOST_ROWS or not runs:
        return []
    rows = TaskInstance.objects.filter(run__in=[run.pk for run in runs]).order_by()
    found = rows.values_list("run_id", "task_id", "state")
    states = {(run, task_id): state for run, task_id, state in found}
    return [
        GridRow(
            position,
            task.task_id,
            tuple(Cell(run, states.get((run.pk, task.task_id), "")) for run in runs),
        )
        for position, task in enumerate(spec.ordered)
    ]
