"""Finds what would be forgotten: messages that were lost, workers that died, free places."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from connections.models import Connection
from tasks.engine import admission, places, writing
from tasks.engine.places import Message, WaitsOn
from tasks.engine.row_locks import unlocked
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.states import RUN_TERMINAL, TASK_HELD, TaskState

#: A message that no worker took in this time is sent again. Twice does no harm.
RESEND_AFTER = timedelta(seconds=60)
BATCH = 500


def lost() -> list[Message]:
    """The task instances that need a message, marked as sent now."""
    return [*_unsent(), *_without_need(), *_tasks_with_a_place(), *_runs_with_a_place()]


def _unsent() -> list[Message]:
    now = timezone.now()
    is_old = Q(sent_at__isnull=True) | Q(sent_at__lt=now - RESEND_AFTER)
    unsent = Q(state=TaskState.QUEUED, waits_on=WaitsOn.NOTHING) & is_old
    # What was sent since its lease lapsed is on its way, however long the queue is.
    lapsed = Q(state__in=TASK_HELD, lease_expires_at__lt=now) & (
        is_old | Q(sent_at__lt=F("lease_expires_at"))
    )
    rows = TaskInstance.objects.filter(unsent | lapsed).order_by("queued_at")
    with transaction.atomic():
        found = unlocked(rows).values_list("pk", "queue")[:BATCH]
        messages = [Message(pk, queue) for pk, queue in found]
        ids = [each.task_instance_id for each in messages]
        TaskInstance.objects.filter(pk__in=ids).update(sent_at=now)
    return messages


def _without_need() -> list[Message]:
    """Those that wait for a session of a connection that has one, or knows no limit any more."""
    waiting = TaskInstance.objects.filter(
        state=TaskState.QUEUED, waits_on=WaitsOn.CONNECTION
    ).order_by()
    found: list[Message] = []
    for conn_id in waiting.values_list("conn_id", flat=True).distinct():
        row = Connection.objects.filter(conn_id=conn_id).values_list("max_sessions", flat=True)
        limit = row.first() or BATCH
        with transaction.atomic():
            places.lock_sessions(conn_id)
            found += places.next_for_session(conn_id, limit)
    return found


def _tasks_with_a_place() -> list[Message]:
    """Those that wait for a place in their run, where there is one."""
    waiting = TaskInstance.objects.filter(state=TaskState.QUEUED, waits_on=WaitsOn.TASKS)
    runs = waiting.order_by().values_list("run_id", "run__version_id").distinct()
    found: list[Message] = []
    for run_id, version_id in runs[:BATCH]:
        with transaction.atomic():
            number = writing.take_number(run_id)
            limit = spec_of(version_id).max_active_tasks or BATCH
            found += places.admit_tasks(run_id, limit, number=number)
    return found


def _runs_with_a_place() -> list[Message]:
    """Runs that wait for a place which their DAG, as it is now, has for them."""
    waiting = DagRun.objects.filter(admitted_at__isnull=True).exclude(state__in=RUN_TERMINAL)
    dags = waiting.order_by().values_list("dag_id", "dag__current_version_id").distinct()
    found: list[Message] = []
    for dag_pk, version_id in dags[:BATCH]:
        limit = spec_of(version_id).max_active_runs if version_id else None
        with transaction.atomic():
            found += admission.admit(dag_pk, limit or BATCH)
    return found
