"""Which tasks of which runs a call means: those that shall run again, or be marked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from access.problems import Refused
from tasks.engine.clearing import FAILED
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.spec import DagSpec
from tasks.states import TASK_HELD, TASK_TERMINAL

#: More in one call would hold its transaction, and the caller, for too long.
MOST_RUNS = 100


@dataclass(frozen=True)
class Wanted:
    """Which tasks: ``None`` for all. With ``only_failed``, of these those that failed."""

    task_ids: Collection[str] | None = None
    only_failed: bool = False
    upstream: bool = False
    downstream: bool = False

    def names_in(self, spec: DagSpec) -> set[str]:
        """Those of ``spec``; what it doesn't have is left out, as in Airflow."""
        if self.task_ids is None:
            return set(spec.by_id)
        chosen = set(self.task_ids) & spec.by_id.keys()
        found = set(chosen)
        if self.upstream:
            found |= all_upstream(spec, chosen)
        if self.downstream:
            found |= spec.all_downstream(chosen)
        return found


def all_upstream(spec: DagSpec, task_ids: Iterable[str]) -> set[str]:
    """Every task before one of ``task_ids``, however far."""
    found: set[str] = set()
    todo = list(task_ids)
    while todo:
        new = [name for name in spec.by_id[todo.pop()].upstream if name not in found]
        found.update(new)
        todo += new
    return found


def to_clear(runs: Iterable[DagRun], wanted: Wanted) -> dict[DagRun, list[TaskInstance]]:
    """What would run again: of each run the tasks that are over. One query for all runs.

    Raise ``Refused`` for a task that runs now.
    """
    chosen = {run: wanted.names_in(spec_of(run.version_id)) for run in runs}
    rows = instances_of(chosen)
    states = FAILED if wanted.only_failed else TASK_TERMINAL
    found: dict[DagRun, list[TaskInstance]] = {run: [] for run in chosen}
    by_pk = {run.pk: run for run in chosen}
    for row in rows.filter(state__in=states | TASK_HELD):
        run = by_pk[row.run_id]
        if row.task_id not in chosen[run]:
            continue
        if row.state in states:
            found[run].append(row)
        elif not wanted.only_failed:
            raise Refused(409, f"{row.task_id} of {run.run_id} is running: cancel it first.")
    return found


def instances_of(runs: Iterable[DagRun]) -> QuerySet[TaskInstance]:
    """In the order of their runs and positions, with what an answer shows of them."""
    rows = TaskInstance.objects.select_related("run__dag", "run__version")
    rows = rows.defer("run__version__spec", "run__version__source")
    return rows.filter(run__in=list(runs)).order_by("run", "position")
