"""Rows for the lists of runs and DAGs, a fixed number of queries for each list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Min, OuterRef, Q, Subquery

from tasks.models import Dag, DagRun, Step, TaskInstance
from tasks.presentation.execution_table import work_of
from tasks.states import TASK_TERMINAL, RunState, StepState, TaskState

BARS = 20
#: A run that isn't over.
ACTIVE = (RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING)


@dataclass(frozen=True)
class RunLine:
    """A run in a list: ``where`` says how far it is, or why it failed.

    ``task_id`` is the first task that failed, of a run with several.
    """

    run: DagRun
    conn_ids: tuple[str, ...]
    where: str
    task_id: str = ""


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
    """In five queries or fewer, however many tasks the runs have."""
    if hasattr(runs, "select_related"):
        runs = runs.select_related("dag", "version").defer("version__spec", "version__source")
    rows = list(runs)
    counts = _counts(rows)
    steps = _telling_steps(rows, counts)
    lines = []
    for row in rows:
        step, count = steps.get(row.pk), counts.get(row.pk, {})
        task = step.task_instance if step else None
        is_failure = row.state == RunState.FAILED and task and sum(count.values()) > 1
        lines.append(
            RunLine(
                run=row,
                conn_ids=tuple(row.version.conn_ids),
                where=_where(row, step, count),
                task_id=task.task_id if is_failure and task else "",
            )
        )
    return lines


def _counts(runs: list[DagRun]) -> dict[int, dict[str, int]]:
    """How many tasks of each run are in each state, for the runs whose words need it."""
    asked = [row.pk for row in runs if row.state in (*ACTIVE, RunState.FAILED)]
    found: dict[int, dict[str, int]] = {}
    states = TaskInstance.objects.filter(run__in=asked).order_by().values_list("run", "state")
    for run, state, count in states.annotate(count=Count("pk")):
        found.setdefault(run, {})[state] = count
    return found


def _telling_steps(runs: list[DagRun], counts: dict[int, dict[str, int]]) -> dict[int, Step]:
    """Of each run the step that failed first, or that runs; none for a run of many that runs."""
    failed = [row.pk for row in runs if row.state == RunState.FAILED]
    single = [
        row.pk for row in runs if row.state in ACTIVE and sum(counts.get(row.pk, {}).values()) == 1
    ]
    first = (
        TaskInstance.objects.filter(
            Q(run__in=failed, state=TaskState.FAILED)
            | Q(run__in=single, state__in=(TaskState.RUNNING, TaskState.CANCELLING))
        )
        .order_by()
        .values("run")
        .annotate(first=Min("pk"))
    )
    found = Step.objects.filter(
        task_instance__in=[row["first"] for row in first],
        state__in=(StepState.RUNNING, StepState.FAILED),
    )
    steps: dict[int, Step] = {}
    # Of several tries the last one tells; of its steps the one that failed first.
    for step in found.select_related("task_instance").order_by("try_number", "-position"):
        steps[step.run_id] = step
    silent = [pk for pk in failed if pk not in steps]
    ends = Step.objects.filter(run__in=silent, task_instance=None, state=StepState.FAILED)
    return steps | {step.run_id: step for step in (ends if silent else ())}


def _where(run: DagRun, step: Step | None, counts: dict[str, int]) -> str:
    if run.state == RunState.FAILED:
        return f"step {step.number}: {step.result}" if step else "failed"
    if run.state == RunState.CANCELLED and run.cancelled_by_name:
        reason = f": {run.cancel_reason}" if run.cancel_reason else ""
        return f"cancelled by {run.cancelled_by_name}{reason}"
    if run.state not in ACTIVE:
        return ""
    if step:
        operator = step.task_instance.operator if step.task_instance else ""
        return f"step {step.number}: {work_of(step.number, operator).action}"
    if run.state == RunState.QUEUED:
        return "waits for a worker" if run.admitted_at else "waits for another run of its DAG"
    total = sum(counts.values())
    ended = sum(count for state, count in counts.items() if state in TASK_TERMINAL)
    return f"{ended:,} of {total:,} task{'' if total == 1 else 's'} ended" if total else ""


def bars(dags: list[Dag], *, most: int = BARS) -> list[DagBars]:
    """The last runs of each DAG, oldest first, in two queries that read no other runs."""
    newest = DagRun.objects.filter(dag=OuterRef("pk")).order_by("-queued_at").values("queued_at")
    edges = Dag.objects.filter(pk__in=[dag.pk for dag in dags]).annotate(
        edge=Subquery(newest[most - 1 : most])
    )
    wanted = Q(pk__in=())
    for pk, edge in edges.values_list("pk", "edge"):
        wanted |= Q(dag=pk, queued_at__gte=edge) if edge else Q(dag=pk)
    runs: dict[int, list[DagRun]] = {dag.pk: [] for dag in dags}
    found = DagRun.objects.filter(wanted).defer("conf", "note").order_by("queued_at", "pk")
    for run in found if dags else ():
        runs[run.dag_id].append(run)
    return [DagBars(dag, as_bars(runs[dag.pk][-most:])) for dag in dags]


def as_bars(runs: list[DagRun]) -> tuple[Bar, ...]:
    longest = max((run.seconds or 0 for run in runs), default=0) or 1
    return tuple(Bar(run, max(1, round(10 * (run.seconds or 0) / longest))) for run in runs)
