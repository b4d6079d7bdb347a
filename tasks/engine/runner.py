"""Runs one task instance on a worker: claim it, do its steps, end it.

The end of a step and the start of the next share one transaction, because
commits bound the throughput.
"""

from __future__ import annotations

import logging
import socket
import time
from contextlib import ExitStack, suppress
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from connections.database import give_connection_back
from tasks import live
from tasks.engine import database_time, hot_rows, leases
from tasks.engine.beginning import NoPlace
from tasks.engine.claiming import candidate
from tasks.engine.execution import Execution
from tasks.engine.leases import Lease
from tasks.engine.places import Message
from tasks.engine.recording import OUT_OF_REACH, PAUSES
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
            execution = _claimed(lease, stack)
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


def _claimed(lease: Lease, stack: ExitStack) -> Execution | None:
    """``_claim``, done again while the database can't be had: else its message would be lost."""
    for pause in PAUSES:
        try:
            return _claim(lease, stack)
        except OUT_OF_REACH as fault:
            if connection.in_atomic_block:
                raise
            logger.warning("Task instance %s is claimed again: %s", lease.task_instance_id, fault)
            connection.close()
            time.sleep(pause)
            with suppress(*OUT_OF_REACH):
                _disown(lease)
    return _claim(lease, stack)


def _disown(lease: Lease) -> None:
    """It may have been claimed, and the answer was lost: nobody has begun it."""
    rows = TaskInstance.objects.filter(pk=lease.task_instance_id, lease_token=lease.token)
    rows.update(lease_expires_at=database_time.expression(), worker="")


def _claim(lease: Lease, stack: ExitStack) -> Execution | None:
    """Take a queued task instance, or one whose worker has lost its lease, and do step 2.

    The connection is read in the transaction of the claim: it is one query of
    the same database, and a commit of its own would cost more than it.
    """
    with transaction.atomic():
        found = candidate(lease.task_instance_id)
        if found is None:
            return None
        row, number, now = found
        if (columns := _columns(row, lease, now)) is None:
            return None
        is_new = row.state == TaskState.QUEUED
        before = {"state": row.state, "lease_token": row.lease_token}
        worker_before = row.worker
        for name, value in columns.items():
            setattr(row, name, value)
        execution = Execution(row, lease, stack, worker_before=worker_before)
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


def _columns(row: TaskInstance, lease: Lease, now: datetime) -> dict[str, Any] | None:
    """What a claim makes of the row; ``None`` where it can't be claimed any more.

    ``now`` is the database's.
    """
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
