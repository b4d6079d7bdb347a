"""Finds what would be forgotten: messages that were lost, and workers that died."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from tasks.models import TaskInstance
from tasks.states import TaskState

#: A message that no worker took in this time is sent again. Twice does no harm.
RESEND_AFTER = timedelta(seconds=60)
BATCH = 500


def lost() -> list[int]:
    """The task instances that need a message, marked as sent now."""
    now = timezone.now()
    is_old = Q(sent_at__isnull=True) | Q(sent_at__lt=now - RESEND_AFTER)
    unsent = Q(state=TaskState.QUEUED) & is_old
    # What was sent since its lease lapsed is on its way, however long the queue is.
    lapsed = Q(state=TaskState.RUNNING, lease_expires_at__lt=now) & (
        is_old | Q(sent_at__lt=F("lease_expires_at"))
    )
    rows = TaskInstance.objects.filter(unsent | lapsed).order_by("queued_at")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    TaskInstance.objects.filter(pk__in=ids).update(sent_at=now)
    return ids
