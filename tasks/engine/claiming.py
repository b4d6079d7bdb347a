"""Reads a task instance that a worker may claim, and locks its run: the first thing of each task.

The run's row is locked before that of the task instance, as by all who change
a run, and both are read as they are once they are locked.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from connections.database import kept_cursor
from connections.rows import instance_of, names_of
from tasks.engine.hot_rows import prepared
from tasks.models import Dag, DagRun, TaskInstance

#: Long texts that no worker needs of a run's DAG.
_UNREAD: dict[type[Model], tuple[str, ...]] = {Dag: ("description", "notices")}
_TABLES = ((TaskInstance, "ti"), (DagRun, "r"), (Dag, "d"))


class Candidate(NamedTuple):
    """A task instance with its run and its DAG, the number that was taken of the run's sequence,
    and the moment by the database's clock: leases go by that of no worker."""

    row: TaskInstance
    number: int
    now: datetime


def candidate(task_instance_id: int) -> Candidate | None:
    """The task instance, if it is queued, or if its worker has lost it. In a transaction."""
    if connection.vendor == "postgresql":
        found = _fetched(_locking(), [task_instance_id, task_instance_id])
        return _candidate(found[1:], found[0]) if found else None
    now = timezone.now()
    moment = prepared(TaskInstance, "lease_expires_at", now)
    if not _fetched(f"{_TAKE.format('%s')} RETURNING 1", [task_instance_id, moment]):
        return None
    return _candidate(_fetched(_select("tasks_dagrun"), [task_instance_id]), now)


def _fetched(statement: str, values: list[Any]) -> tuple[Any, ...]:
    with kept_cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() or ()


def _candidate(values: tuple[Any, ...], now: datetime) -> Candidate:
    made: list[Any] = []
    start = 0
    for model, _ in _TABLES:
        names = _read(model)
        made.append(instance_of(model, names, values[start : start + len(names)]))
        start += len(names)
    row: TaskInstance = made[0]
    row.run, row.run.dag = made[1], made[2]
    return Candidate(row, row.run.sequence, now)


def _read(model: type[Model]) -> tuple[str, ...]:
    return names_of(model, without=_UNREAD.get(model, ()))


_TAKE = (
    "UPDATE tasks_dagrun SET sequence = sequence + 1 WHERE id = "
    "(SELECT run_id FROM tasks_taskinstance WHERE id = %s "
    "AND (state = 'queued' OR lease_expires_at < {}))"
)


@lru_cache
def _locking() -> str:
    """All in one statement, which waits for the run's row first."""
    take = _TAKE.format("statement_timestamp()")
    select = _select("taken").replace("SELECT ", "SELECT clock_timestamp(), ", 1)
    return f"WITH taken AS ({take} RETURNING *) {select} FOR NO KEY UPDATE OF ti"


@lru_cache
def _select(runs: str) -> str:
    columns = [f"{alias}.{name}" for model, alias in _TABLES for name in _read(model)]
    return (
        f"SELECT {', '.join(columns)} FROM {runs} r "  # noqa: S608 - names of columns
        "JOIN tasks_taskinstance ti ON ti.run_id = r.id JOIN tasks_dag d ON d.id = r.dag_id "
        "WHERE ti.id = %s"
    )
