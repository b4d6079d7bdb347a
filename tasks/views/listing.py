"""Rows for the lists of runs and DAGs, a fixed number of queries for each list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from tasks.models import Dag, DagRun, Step
from tasks.states import RunState, StepState
from tasks.steps import KINDS

BARS = 20


@dataclass(frozen=True)
class RunLine:
    """A run in a list: ``where`` says at which step it is, or why it failed."""

    run: DagRun
    conn_ids: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Bar:
    """One run as a bar: ``height`` from 1 to 10 by its duration."""

    run: DagRun
    height: int


@dataclass(frozen=True)
class DagBars:
    dag: Dag
    bars: tuple[Bar, ...]


def run_lines(runs: Iterable[DagRun]) -> list[RunLine]:
    rows = list(runs.select_related("dag") if hasattr(runs, "select_related") else runs)
    steps: dict[int, list[Step]] = {row.pk: [] for row in rows}
    active = Step.objects.filter(
        run__in=rows, state__in=(StepState.RUNNING, StepState.FAILED)
    ).order_by("position")
    for step in active:
        steps[step.run_id].append(step)
    used: dict[int, dict[str, None]] = {row.pk: {} for row in rows}
    pairs = Step.objects.filter(run__in=rows, number=2).order_by("position")
    for run_id, conn_id in pairs.values_list("run_id", "conn_id"):
        used[run_id][conn_id] = None
    return [RunLine(row, tuple(used[row.pk]), _where(row, steps[row.pk])) for row in rows]


def _where(run: DagRun, steps: list[Step]) -> str:
    if run.state == RunState.FAILED:
        first = next((step for step in steps if step.state == StepState.FAILED), None)
        return f"step {first.number}: {first.result}" if first else "failed"
    running = next((step for step in steps if step.state == StepState.RUNNING), None)
    if running:
        return f"step {running.number}: {KINDS[running.number].action}"
    return "waits for a worker" if run.state == RunState.QUEUED else ""


def bars(dags: list[Dag]) -> list[DagBars]:
    """The last runs of each DAG, oldest first, in one query for all of them."""
    newest = Window(
        RowNumber(), partition_by="dag", order_by=[F("queued_at").desc(), F("pk").desc()]
    )
    runs: dict[int, list[DagRun]] = {dag.pk: [] for dag in dags}
    for run in DagRun.objects.filter(dag__in=dags).annotate(rank=newest).filter(rank__lte=BARS):
        runs[run.dag_id].insert(0, run)
    return [DagBars(dag, _bars(runs[dag.pk])) for dag in dags]


def _bars(runs: list[DagRun]) -> tuple[Bar, ...]:
    longest = max((run.seconds or 0 for run in runs), default=0) or 1
    return tuple(Bar(run, max(1, round(10 * (run.seconds or 0) / longest))) for run in runs)
