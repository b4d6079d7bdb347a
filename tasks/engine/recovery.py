"""Finds what would be forgotten: messages that were lost, workers that died, free places."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from connections.models import Connection
from tasks.engine import places
from tasks.engine.places import Message, WaitsOn
from tasks.engine.row_locks import unlocked
from tasks.models import TaskInstance
from tasks.states import TASK_HELD, TaskState

#: A message that no worker took in this time is sent again. Twice does no harm.
RESEND_AFTER = timedelta(seconds=60)
BATCH = 500


def lost() -> list[Message]:
    """The task instances that need a message, marked as sent now."""
    return [*_unsent(), *_without_need()]


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
