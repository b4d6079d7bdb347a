"""Finds what would be forgotten: messages that were lost, workers that died, free places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from connections.models import Connection
from tasks.engine import admission, broker_contents, database_time, places, writing
from tasks.engine.guarding import guarded
from tasks.engine.places import Message, WaitsOn
from tasks.engine.row_locks import unlocked
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.states import RUN_TERMINAL, TASK_HELD, TaskState

#: A message that no worker took in this time may be lost. Twice does no harm.
RESEND_AFTER = timedelta(seconds=60)
BATCH = 500


def lost() -> list[Message]:
    """The task instances that need a message, marked as sent now."""
    return [message for part in PARTS for message in part()]


def all_waiting() -> Iterator[list[Message]]:
    """All that need a message, in batches, for a broker that has lost its messages."""
    began = database_time.now()
    while found := _marked(_waiting().filter(sent_at__lt=began).order_by("queued_at")[:BATCH]):
        yield found


def _waiting() -> QuerySet[TaskInstance]:
    """What waits for a worker: to be run, or to be taken over."""
    queued = Q(state=TaskState.QUEUED, waits_on=WaitsOn.NOTHING)
    lapsed = Q(state__in=TASK_HELD, lease_expires_at__lt=database_time.expression())
    return TaskInstance.objects.filter(queued | lapsed)


def _unsent() -> list[Message]:
    """What the broker refused, and what lapsed since it was sent."""
    # What was sent since its lease lapsed is on its way, however long the queue is.
    is_new = Q(state__in=TASK_HELD, sent_at__lt=F("lease_expires_at"))
    rows = _waiting().filter(Q(sent_at__isnull=True) | is_new)
    return _marked(rows.order_by("queued_at")[:BATCH])


def _sent_long_ago() -> list[Message]:
    """Of what no worker took for long, as many as their queues have too few messages.

    While all workers are busy nothing is lost: to send it again each minute would fill the
    broker. What was sent first comes first.
    """
    old = Q(sent_at__lt=database_time.now() - RESEND_AFTER)
    queues = set(_waiting().filter(old).order_by().values_list("queue", flat=True).distinct())
    if not queues or (there := broker_contents.waiting(queues)) is None:
        return []
    counted = _waiting().filter(queue__in=queues).order_by().values_list("queue")
    found: list[Message] = []
    for queue, count in counted.annotate(Count("pk")):
        if (missing := count - there[queue]) > 0:
            rows = _waiting().filter(old, queue=queue).order_by("sent_at")
            found += _marked(rows[: min(missing, BATCH)])
    return found


def _marked(rows: QuerySet[TaskInstance]) -> list[Message]:
    """Their messages, marked as sent now; those that somebody is at are left out."""
    with transaction.atomic():
        found = unlocked(rows).values_list("pk", "queue")
        messages = [Message(pk, queue) for pk, queue in found]
        ids = [each.task_instance_id for each in messages]
        TaskInstance.objects.filter(pk__in=ids).update(sent_at=database_time.now())
    return messages


def _without_need() -> list[Message]:
    """Those that wait for a session of a connection that has one, or knows no limit any more."""
    waiting = TaskInstance.objects.filter(
        state=TaskState.QUEUED, waits_on=WaitsOn.CONNECTION
    ).order_by()
    found: list[Message] = []
    for conn_id in waiting.values_list("conn_id", flat=True).distinct():
        found += guarded(partial(_with_a_session, conn_id)) or []
    return found


def _with_a_session(conn_id: str) -> list[Message]:
    row = Connection.objects.filter(conn_id=conn_id).values_list("max_sessions", flat=True)
    limit = row.first() or BATCH
    with transaction.atomic():
        places.lock_sessions(conn_id)
        return places.next_for_session(conn_id, limit)


def _tasks_with_a_place() -> list[Message]:
    """Those that wait for a place in their run, where there is one."""
    waiting = TaskInstance.objects.filter(state=TaskState.QUEUED, waits_on=WaitsOn.TASKS)
    runs = waiting.order_by().values_list("run_id", "run__version_id").distinct()
    found: list[Message] = []
    for run_id, version_id in runs[:BATCH]:
        found += guarded(partial(_of_run, run_id, version_id)) or []
    return found


def _of_run(run_id: int, version_id: int) -> list[Message]:
    with transaction.atomic():
        number = writing.take_number(run_id)
        limit = spec_of(version_id).max_active_tasks or BATCH
        return places.admit_tasks(run_id, limit, number=number)


def _runs_with_a_place() -> list[Message]:
    """Runs that wait for a place which their DAG, as it is now, has for them."""
    waiting = DagRun.objects.filter(admitted_at__isnull=True).exclude(state__in=RUN_TERMINAL)
    dags = waiting.order_by().values_list("dag_id", "dag__current_version_id").distinct()
    found: list[Message] = []
    for dag_pk, version_id in dags[:BATCH]:
        found += guarded(partial(_of_dag, dag_pk, version_id)) or []
    return found


def _of_dag(dag_pk: int, version_id: int | None) -> list[Message]:
    limit = spec_of(version_id).max_active_runs if version_id else None
    with transaction.atomic():
        return admission.admit(dag_pk, limit or BATCH)


#: What a sweep does. One that fails keeps no other from it; nor does one run, DAG or connection
#: in it: what was found of others is marked as sent, and would not be sent.
PARTS: tuple[Callable[[], list[Message]], ...] = (
    _unsent,
    _sent_long_ago,
    _without_need,
    _tasks_with_a_place,
    _runs_with_a_place,
)
