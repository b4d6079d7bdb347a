"""Limits: how many runs of a DAG, tasks of a run and sessions of a connection there are at once.

What finds no place waits in the database; who ends looks, in the same
transaction, for who may go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from connections.database import kept_cursor
from tasks.engine import database_time, hot_rows
from tasks.engine.row_locks import unlocked
from tasks.models import Dag, DagRun, HeldSession, TaskInstance
from tasks.spec import DagSpec
from tasks.states import RUN_TERMINAL, TASK_HELD, TaskState

WaitsOn = TaskInstance.WaitsOn
#: The first number of PostgreSQL's advisory locks on a connection's places.
SESSIONS_LOCK = 7_213_002


class Message(NamedTuple):
    """What is to be sent to a worker: a task instance, and the queue it goes to."""

    task_instance_id: int
    queue: str


# Tasks of a run


def queue(run_id: int, spec: DagSpec, ids: Sequence[int], *, number: int) -> list[Message]:
    """Queue pending task instances; those that have a place are to be sent."""
    limit = spec.max_active_tasks
    messages = []
    if ids:
        waits_on = WaitsOn.TASKS if limit else WaitsOn.NOTHING
        messages = _queued(run_id, ids, waits_on=waits_on, number=number)
    return admit_tasks(run_id, limit, number=number) if limit else messages


def _queued(run_id: int, ids: Sequence[int], *, waits_on: str, number: int) -> list[Message]:
    now = hot_rows.prepared(TaskInstance, "queued_at", database_time.now())
    statement = _QUEUE.format(", ".join(["%s"] * len(ids)))
    with kept_cursor(values=len(ids)) as cursor:
        cursor.execute(statement, [now, now, waits_on, number, *ids])
        moved = sorted(cursor.fetchall())
    if len(moved) != len(ids):
        raise RuntimeError(f"{len(ids) - len(moved)} task instances of run {run_id} did not wait.")
    return [Message(pk, name) for _, pk, name in moved]


_QUEUE = (
    "UPDATE tasks_taskinstance SET state = 'queued', queued_at = %s, sent_at = %s, "
    "waits_on = %s, sequence = %s WHERE state = 'pending' AND id IN ({}) "
    "RETURNING position, id, queue"
)


def admit_tasks(run_id: int, limit: int, *, number: int) -> list[Message]:
    """Let waiting tasks of the run go on while fewer than ``limit`` are active."""
    rows = TaskInstance.objects.filter(run_id=run_id)
    waiting = rows.filter(state=TaskState.QUEUED, waits_on=WaitsOn.TASKS)
    active = rows.filter(
        Q(state__in=TASK_HELD) | (Q(state=TaskState.QUEUED) & ~Q(waits_on=WaitsOn.TASKS))
    ).count()
    ids = list(
        waiting.order_by("queued_at", "position").values_list("pk", flat=True)[
            : max(0, limit - active)
        ]
    )
    if not ids:
        return []
    rows.filter(pk__in=ids).update(
        waits_on=WaitsOn.NOTHING, sent_at=database_time.now(), sequence=number
    )
    return _messages(TaskInstance.objects.filter(pk__in=ids))


def queued(run_id: int) -> list[Message]:
    """The messages of all that may run now."""
    rows = TaskInstance.objects.filter(run_id=run_id, state=TaskState.QUEUED)
    return _messages(rows.filter(waits_on=WaitsOn.NOTHING))


def _messages(rows: QuerySet[TaskInstance]) -> list[Message]:
    found = rows.order_by("position").values_list("pk", "queue")
    return [Message(pk, name) for pk, name in found]


# Runs of a DAG


def active_runs(dag_pk: int) -> QuerySet[DagRun]:
    return DagRun.objects.filter(dag=dag_pk, admitted_at__isnull=False).exclude(
        state__in=RUN_TERMINAL
    )


def has_place(dag_pk: int, limit: int | None) -> bool:
    """Whether one more run of the DAG may be active; the DAG is locked from here on."""
    if not limit:
        return True
    Dag.objects.select_for_update(no_key=True).values_list("pk").get(pk=dag_pk)
    return active_runs(dag_pk).count() < limit


def next_runs(dag_pk: int, limit: int) -> list[DagRun]:
    """Runs that wait and have a place now; the earliest date first. The DAG is locked."""
    Dag.objects.select_for_update(no_key=True).values_list("pk").get(pk=dag_pk)
    free = limit - active_runs(dag_pk).count()
    if free <= 0:
        return []
    # One that is locked is just cancelled or cleared; the sweep looks again.
    waiting = unlocked(DagRun.objects.filter(dag=dag_pk, admitted_at__isnull=True))
    return list(waiting.exclude(state__in=RUN_TERMINAL).order_by("logical_date", "pk")[:free])


# Sessions of a connection


def lock_sessions(conn_id: str) -> None:
    """Let nobody else count the sessions of the connection until the transaction's end."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [SESSIONS_LOCK, conn_id]
            )


def sessions_held(conn_id: str, *, but: TaskInstance | None = None) -> int:
    """Those that are a task's first, and further ones that tasks asked for; by others than
    ``but``."""
    own = but.pk if but else 0
    firsts = TaskInstance.objects.filter(conn_id=conn_id, state__in=TASK_HELD).exclude(pk=own)
    further = HeldSession.objects.filter(
        conn_id=conn_id,
        task_instance__state__in=TASK_HELD,
        task_instance__lease_token=F("lease_token"),
    ).exclude(task_instance=own)
    return firsts.count() + further.count()


def hold_session(row: TaskInstance, conn_id: str, *, token: UUID) -> None:
    """Take a place of a further connection for who holds the task instance by ``token``."""
    HeldSession.objects.update_or_create(
        task_instance=row, conn_id=conn_id, defaults={"lease_token": token}
    )


def next_for_session(conn_id: str, limit: int) -> list[Message]:
    """Task instances that wait for a session of the connection, and may have one now."""
    free = limit - sessions_held(conn_id)
    if free <= 0:
        return []
    waiting = TaskInstance.objects.filter(
        conn_id=conn_id, state=TaskState.QUEUED, waits_on=WaitsOn.CONNECTION
    ).order_by("queued_at", "pk")
    # Whoever has locked one of them is at it; the sweep looks again.
    ids = list(unlocked(waiting).values_list("pk", flat=True)[:free])
    return let_go_on(ids, now=database_time.now())


def let_go_on(ids: Sequence[int], *, now: datetime) -> list[Message]:
    """They look for a place again; nothing else about them changes."""
    rows = TaskInstance.objects.filter(pk__in=ids, state=TaskState.QUEUED)
    rows.update(waits_on=WaitsOn.NOTHING, sent_at=now)
    return _messages(rows) if ids else []
