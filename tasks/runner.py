"""Runs one task instance on a worker: claim it, do its steps, end it.

The end of a step and the start of the next share one transaction, because
commits bound the throughput.
"""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connections.database import give_connection_back
from tasks import leases, live, steps
from tasks.exceptions import LeaseLost, WorkerStopping
from tasks.execution import Execution, NoPlace
from tasks.leases import Lease
from tasks.models import TaskInstance
from tasks.places import Message
from tasks.states import TASK_HELD, TaskState

logger = logging.getLogger(__name__)
WORKER = socket.gethostname()
WaitsOn = TaskInstance.WaitsOn


def run(task_instance_id: int) -> list[Message]:
    """Run the task instance if nobody else does; return the messages for what is ready then."""
    lease = Lease(task_instance_id)
    with ExitStack() as stack:
        try:
            execution = _claim(lease, stack)
            if execution is None:
                logger.debug("Task instance %s is not to be run, or is run.", task_instance_id)
                return []
            # From here on it is renewed: before the claim's commit nobody else could see it.
            stack.enter_context(leases.held(lease))
            return execution.run()
        except LeaseLost:
            logger.warning("Task instance %s was taken over.", task_instance_id)
        except WorkerStopping:
            logger.info("Task instance %s is left to another worker.", task_instance_id)
    return []


def _claim(lease: Lease, stack: ExitStack) -> Execution | None:
    """Take a queued task instance, or one whose worker has lost its lease, and do step 2.

    The connection is read in the transaction of the claim: it is one query of
    the same database, and a commit of its own would cost more than it.
    """
    with transaction.atomic():
        number = steps.take_number_for(lease.task_instance_id)
        if number is None:
            return None
        is_new = _take(lease, number)
        if is_new is None:
            return None
        rows = TaskInstance.objects.select_related("run__dag")
        row = rows.get(pk=lease.task_instance_id)
        execution = Execution(row, lease, stack)
        try:
            execution.begin(is_new=is_new, number=number)
        except NoPlace as error:
            _park(row, error.conn_id, number)
            live.publish_on_commit(row.run_id)
            return None
        live.publish_on_commit(row.run_id)
    give_connection_back()
    return execution


def _take(lease: Lease, number: int) -> bool | None:
    """Whether it is a new try (or look), or one that another worker has lost; ``None``: neither."""
    now = timezone.now()
    rows = TaskInstance.objects.filter(pk=lease.task_instance_id)
    columns: dict[str, Any] = {
        "lease_token": lease.token,
        "lease_expires_at": now + leases.expiry(),
        "worker": WORKER,
        "sequence": number,
    }
    queued = rows.filter(state=TaskState.QUEUED, waits_on=WaitsOn.NOTHING)
    # The time of a sensor is that of its first look.
    if queued.filter(looks=0).update(state=TaskState.RUNNING, started_at=now, **columns):
        return True
    if queued.update(state=TaskState.RUNNING, **columns):
        return True
    lapsed = rows.filter(state__in=TASK_HELD, lease_expires_at__lt=now)
    if lapsed.update(takeovers=F("takeovers") + 1, **columns):
        return False
    return None


def _park(row: TaskInstance, conn_id: str, number: int) -> None:
    """Let it wait for a session of its connection; who ends one sends it again."""
    TaskInstance.objects.filter(pk=row.pk, state=TaskState.RUNNING).update(
        state=TaskState.QUEUED,
        waits_on=WaitsOn.CONNECTION,
        conn_id=conn_id,
        sequence=number,
        lease_token=None,
        lease_expires_at=None,
        started_at=row.started_at if row.looks else None,
    )
