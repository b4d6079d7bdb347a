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
from django.utils import timezone

from connections.database import give_connection_back
from tasks import live
from tasks.engine import hot_rows, leases, writing
from tasks.engine.execution import Execution, NoPlace
from tasks.engine.leases import Lease
from tasks.engine.places import Message
from tasks.exceptions import LeaseLost, WorkerStopping
from tasks.models import TaskInstance
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
        number = writing.take_number_for(lease.task_instance_id)
        if number is None:
            return None
        row = hot_rows.task_instance(lease.task_instance_id)
        if (columns := _columns(row, lease)) is None:
            return None
        is_new = row.state == TaskState.QUEUED
        before = {"state": row.state, "lease_token": row.lease_token}
        for name, value in columns.items():
            setattr(row, name, value)
        execution = Execution(row, lease, stack)
        live.publish_on_commit(row.run_id)
        try:
            execution.begin(is_new=is_new)
        except NoPlace as error:
            _park(row, error.conn_id, number)
            return None
        columns |= {**execution.found, "sequence": number}
        claim = hot_rows.updating(TaskInstance, columns, where={"id": row.pk, **before})
        execution.claimed(number, claim)
    give_connection_back()
    return execution


def _columns(row: TaskInstance, lease: Lease) -> dict[str, Any] | None:
    """What a claim makes of the row; ``None`` where it can't be claimed any more."""
    now = timezone.now()
    columns: dict[str, Any] = {
        "lease_token": lease.token,
        "lease_expires_at": now + leases.expiry(),
        "worker": WORKER,
    }
    if row.state == TaskState.QUEUED and row.waits_on == WaitsOn.NOTHING:
        columns["state"] = TaskState.RUNNING
        # The time of a sensor is that of its first look.
        return {**columns, "started_at": now} if row.looks == 0 else columns
    is_lapsed = row.lease_expires_at is not None and row.lease_expires_at < now
    if row.state in TASK_HELD and is_lapsed:
        return {**columns, "takeovers": row.takeovers + (1 if row.worker else 0)}
    return None


def _park(row: TaskInstance, conn_id: str, number: int) -> None:
    """Let it wait for a session of its connection; who ends one sends it again."""
    TaskInstance.objects.filter(pk=row.pk, state=TaskState.QUEUED).update(
        waits_on=WaitsOn.CONNECTION, conn_id=conn_id, sequence=number
    )
