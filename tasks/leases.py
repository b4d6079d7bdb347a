"""Keeps the leases of the task instances that this worker process holds.

One thread renews all of them with one UPDATE, so that a task that waits long
for an answer keeps its lease, and a worker that dies loses its leases.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection
from django.utils import timezone

from tasks.models import TaskInstance
from tasks.states import TaskState


class Lease:
    """The right to change one task instance, until it is lost."""

    def __init__(self, task_instance_id: int) -> None:
        self.task_instance_id = task_instance_id
        self.token = uuid.uuid4()
        #: Set when the lease is lost or the worker is stopping; what waits wakes up.
        self.over = threading.Event()


def expiry() -> timedelta:
    return timedelta(seconds=settings.LEASE_SECONDS)


_held: dict[uuid.UUID, Lease] = {}
_lock = threading.Lock()
_keeper: threading.Thread | None = None
stopping = threading.Event()


@contextmanager
def held(lease: Lease) -> Iterator[None]:
    """Renew ``lease`` while the block runs."""
    with _lock:
        _held[lease.token] = lease
        if stopping.is_set():
            lease.over.set()
        _start_keeper()
    try:
        yield
    finally:
        with _lock:
            del _held[lease.token]


def stop_all() -> None:
    """The worker is told to stop: everything that waits lets go of its task."""
    stopping.set()
    with _lock:
        for lease in _held.values():
            lease.over.set()


def busy() -> int:
    """How many task instances this process holds."""
    return len(_held)


def _start_keeper() -> None:
    global _keeper
    if _keeper is None or not _keeper.is_alive():
        _keeper = threading.Thread(target=_keep, name="leases", daemon=True)
        _keeper.start()


def _keep() -> None:
    while not stopping.wait(settings.LEASE_SECONDS / 3):
        with _lock:
            leases = list(_held.values())
        if not leases:
            continue
        try:
            renew(leases)
        except DatabaseFault:
            # The database is away for a moment. The next round may still be in time; if it
            # isn't, the row tells, at the next write, that the lease is lost.
            continue
        finally:
            connection.close()


def renew(leases: list[Lease]) -> None:
    """Renew what is still held, and tell the others that it is lost."""
    tokens = [lease.token for lease in leases]
    rows = TaskInstance.objects.filter(lease_token__in=tokens, state=TaskState.RUNNING)
    rows.update(lease_expires_at=timezone.now() + expiry())
    alive = set(rows.values_list("lease_token", flat=True))
    for lease in leases:
        if lease.token not in alive:
            lease.over.set()
