"""Keeps the leases of the task instances that this worker process holds.

One thread renews all of them with one UPDATE, so that a task that waits long
for an answer keeps its lease, and a worker that dies loses its leases. The same
thread hears that a task is to be cancelled, or has run out of its time.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection, transaction

from tasks.engine import database_time
from tasks.engine.row_locks import unlocked
from tasks.exceptions import LeaseLost, TaskCancelled, TaskTimedOut, WorkerStopping
from tasks.models import TaskInstance
from tasks.states import TASK_HELD, TaskState

logger = logging.getLogger(__name__)

Reason = type[LeaseLost] | type[WorkerStopping] | type[TaskCancelled] | type[TaskTimedOut]
#: Seconds between two looks for a cancel. A stopped task hears of it that late.
LOOK_SECONDS = 1.0


class Lease:
    """The right to change one task instance, until it is lost.

    ``deadline`` is in seconds of ``time.monotonic``. A task that does not
    ``resume`` elsewhere goes on while its worker is asked to stop.
    """

    def __init__(self, task_instance_id: int) -> None:
        self.task_instance_id = task_instance_id
        self.token = uuid.uuid4()
        self.renewed_at = time.monotonic()
        self.deadline: float | None = None
        self.resumes = True
        #: Whether it was heard that the task is to be cancelled.
        self.is_cancelling = False
        self.reason: Reason | None = None
        self._over = threading.Event()
        self._stops: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @property
    def is_due(self) -> bool:
        """Whether a third of its time is over."""
        return time.monotonic() - self.renewed_at >= settings.LEASE_SECONDS / 3

    def stop(self, reason: Reason) -> None:
        """Wake what waits, and stop the call that blocks. What is lost stays lost."""
        if reason is WorkerStopping and not self.resumes:
            return
        with self._lock:
            if self.reason is LeaseLost or self.reason is reason:
                return
            self.reason = reason
            self._over.set()
            stops = list(self._stops)
        for stop in stops:
            # It may talk to a server: the other leases don't wait for that.
            threading.Thread(target=_stop, args=(stop,), name="stop", daemon=True).start()

    def go_on(self) -> None:
        """Heard that it is to be cancelled or has no time left: cleaning up may wait again."""
        with self._lock:
            if self.reason in (TaskCancelled, TaskTimedOut):
                self.is_cancelling = self.is_cancelling or self.reason is TaskCancelled
                self.reason = None
                self.deadline = None
                self._over.clear()

    def check(self) -> None:
        """Raise why the task is to stop, if it is."""
        if self.reason is None and self.deadline is not None and time.monotonic() > self.deadline:
            self.stop(TaskTimedOut)
        if self.reason is not None:
            raise self.reason(f"task instance {self.task_instance_id}")

    def wait(self, seconds: float) -> None:
        """Sleep; raise as ``check`` does."""
        if self.deadline is not None:
            seconds = min(seconds, max(self.deadline - time.monotonic(), 0))
        self._over.wait(seconds)
        self.check()

    def hold_on(self, seconds: float) -> None:
        """Sleep, whoever asks to stop meanwhile; raise ``LeaseLost`` where another has the task."""
        time.sleep(seconds)
        if self.reason is LeaseLost:
            raise LeaseLost(f"task instance {self.task_instance_id}")

    @contextmanager
    def stopped_by(self, stop: Callable[[], object]) -> Iterator[None]:
        """While the block runs, call ``stop`` when the task is to stop."""
        with self._lock:
            self._stops.append(stop)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._stops.remove(stop)


def _stop(stop: Callable[[], object]) -> None:
    try:
        stop()
    except Exception:  # whatever a driver raises: the call comes back by its own time limit
        logger.warning("A call could not be stopped.", exc_info=True)


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
            lease.stop(WorkerStopping)
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
        leases = list(_held.values())
    for lease in leases:
        lease.stop(WorkerStopping)


def busy() -> int:
    """How many task instances this process holds."""
    return len(_held)


def _start_keeper() -> None:
    global _keeper
    if _keeper is None or not _keeper.is_alive():
        _keeper = threading.Thread(target=_keep, name="leases", daemon=True)
        _keeper.start()


def _keep() -> None:
    """Until the process ends: what can't resume elsewhere outlives the word to stop."""
    while True:
        time.sleep(min(LOOK_SECONDS, settings.LEASE_SECONDS / 3))
        with _lock:
            leases = list(_held.values())
        if not leases:
            continue
        try:
            look(leases)
            renew(leases)
        except DatabaseFault:
            # The database is away for a moment. The next round may still be in time; if it
            # isn't, the row tells, at the next write, that the lease is lost.
            continue
        finally:
            connection.close()


def look(leases: list[Lease]) -> None:
    """Tell each lease that is lost, or whose task is to stop."""
    tokens = [lease.token for lease in leases]
    rows = TaskInstance.objects.filter(lease_token__in=tokens, state__in=TASK_HELD)
    states = dict(rows.values_list("lease_token", "state"))
    now = time.monotonic()
    for lease in leases:
        if lease.token not in states:
            lease.stop(LeaseLost)
        elif states[lease.token] == TaskState.CANCELLING and not lease.is_cancelling:
            lease.stop(TaskCancelled)
        elif lease.deadline is not None and now > lease.deadline:
            lease.stop(TaskTimedOut)


def renew(leases: list[Lease]) -> None:
    """Renew those that are due. A row that is just written is left to the next round: to wait
    for it, with others locked, could end in a deadlock."""
    due = {lease.token: lease for lease in leases if lease.is_due}
    if not due:
        return
    with transaction.atomic():
        rows = TaskInstance.objects.filter(lease_token__in=due, state__in=TASK_HELD)
        found = dict(unlocked(rows).values_list("pk", "lease_token"))
        rows.filter(pk__in=found).update(lease_expires_at=database_time.expression(later=expiry()))
    for token in found.values():
        if token is not None:
            due[token].renewed_at = time.monotonic()
