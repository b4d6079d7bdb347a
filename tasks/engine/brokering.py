"""Connections that a task asks for while it runs: the same steps, when they happen.

Each counts among the sessions of its connection. A task that holds a place and
waits for another could wait for one that waits for it: places are taken in the
order of their conn_ids, and who asks for one out of order waits only so long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.db import Error as DatabaseFault
from django.db import transaction
from django.utils import timezone

from connections.database import give_connection_back
from connections.exceptions import Failure
from connections.types.base import LoadedConnection
from tasks import live
from tasks.engine import places, steps, writing
from tasks.engine.context import TaskContext
from tasks.engine.places import Message
from tasks.engine.recording import Recorder
from tasks.engine.steps import StepChange
from tasks.models import HeldSession, TaskInstance
from tasks.states import StepState

ASKED_FOR_NONE = "Asked for no connection"
#: Seconds between two looks for a session, where all that the connection allows are in use.
PLACE_PAUSE = 1.0
#: For a task that holds another meanwhile, for which others wait: it comes before them.
HOLDER_PAUSE = 0.3
#: The pause of the others grows up to so many seconds.
LONGEST_PAUSE = 5.0
#: Seconds that a task waits for a place out of order, while it holds another.
LONGEST_WAIT = 5.0


class ConnectionBroker:
    """The first connection fills the task's rows; further ones stand in its log."""

    def __init__(
        self, recorder: Recorder, context: TaskContext, fetch: Callable[[str], LoadedConnection]
    ) -> None:
        self.recorder = recorder
        self.context = context
        self.fetch = fetch
        self.first = ""
        #: conn_id -> how many sessions it allows, of all that were given out.
        self.limits: dict[str, int | None] = {}
        self.opened_as = ""
        self.problem: str | None = None

    @property
    def limit(self) -> int | None:
        """Of the first connection."""
        return self.limits.get(self.first)

    def request(self, conn_id: str) -> LoadedConnection:
        started = timezone.now()
        connection = self.recorder.insist(lambda _: self.fetch(conn_id))
        if connection.conn_id in self.limits:
            return connection
        changes = [] if self.first else self._rows_of_first(conn_id, started_at=started)
        self._wait_for_place(connection)
        take = partial(self._take_place, connection, changes)
        while not self.recorder.insist(take):
            # Another was quicker.
            self._wait_for_place(connection)
        self.first = self.first or conn_id
        self.limits[conn_id] = connection.max_sessions
        return connection

    def _rows_of_first(self, conn_id: str, *, started_at: datetime) -> list[StepChange]:
        at, columns = self.recorder.at, {"conn_id": conn_id}
        return [
            steps.succeeded(at(2), steps.KINDS[2].done, started_at=started_at, **columns),
            steps.began(at(3), **columns),
            StepChange(at(4), StepState.RUNNING, columns),
            StepChange(at(5), StepState.PENDING, columns),
        ]

    def _wait_for_place(self, connection: LoadedConnection) -> None:
        """Until a session is free. Raise ``Failure`` where to wait on could be for ever."""
        conn_id, limit = connection.conn_id, connection.max_sessions
        began: float | None = None
        while limit and self._sessions_held(conn_id) >= limit:
            if began is None:
                began = time.monotonic()
                self.context.log(f"waits for a session: all {limit} of {conn_id} are in use")
                self.context.flush()
            elif not self._is_in_order(conn_id) and time.monotonic() - began > LONGEST_WAIT:
                seconds = f"{LONGEST_WAIT:g}"
                raise Failure("task:no-session-free", conn_id=conn_id, limit=limit, seconds=seconds)
            self.context.wait(self._pause(time.monotonic() - began))

    def _pause(self, waited: float) -> float:
        if any(self.limits.values()):
            return HOLDER_PAUSE
        return min(max(PLACE_PAUSE, waited / 4), LONGEST_PAUSE)

    def _is_in_order(self, conn_id: str) -> bool:
        return all(held < conn_id for held, limit in self.limits.items() if limit)

    def _sessions_held(self, conn_id: str) -> int:
        """By others."""
        row = self.recorder.row
        held = self.recorder.insist(lambda _: places.sessions_held(conn_id, but=row))
        give_connection_back()
        return held

    def _take_place(
        self, connection: LoadedConnection, changes: list[StepChange], again: bool
    ) -> bool:
        """Whether there was one, in the order of locks of all who write: the run's row first."""
        row, conn_id = self.recorder.row, connection.conn_id
        with transaction.atomic():
            number = writing.take_number_with(self.recorder.lease, row.run_id).number
            if connection.max_sessions:
                places.lock_sessions(conn_id)
                if places.sessions_held(conn_id, but=row) >= connection.max_sessions:
                    return False
            if self.first:
                places.hold_session(row, conn_id, token=self.recorder.lease.token)
            else:
                TaskInstance.objects.filter(
                    pk=row.pk, lease_token=self.recorder.lease.token
                ).update(conn_id=conn_id, conn_version=connection.version)
            if again and self.recorder.is_written(changes):
                self.recorder.forget()
            else:
                self.recorder.write_with(number, changes)
            live.publish_on_commit(row.run_id)
        give_connection_back()
        row.conn_id = row.conn_id if self.first else conn_id
        return True

    def free(self) -> list[Message]:
        """After the end of the try: the messages of who waits for one of its further sessions."""
        further = {name: limit for name, limit in self.limits.items() if name != self.first}
        if not further:
            return []
        found: list[Message] = []
        # Where this fails, the sweep finds who waits.
        with suppress(DatabaseFault):
            # Another worker may have begun the next try, with places of its own.
            HeldSession.objects.filter(
                task_instance=self.recorder.row, lease_token=self.recorder.lease.token
            ).delete()
        for conn_id, limit in further.items():
            if not limit:
                continue
            with suppress(DatabaseFault), transaction.atomic():
                places.lock_sessions(conn_id)
                found += places.next_for_session(conn_id, limit)
        return found

    def opened(self, identity: str) -> None:
        self.context.log(f"session opened as {identity}")
        if self.opened_as:
            return
        self.opened_as = identity
        facts = {"identity": identity}
        done = steps.succeeded(self.recorder.at(3), steps.KINDS[3].done, facts=facts)
        self.recorder.write([done])

    def closed(self, problem: str) -> None:
        self.problem = problem or self.problem or ""

    def closing(self) -> list[StepChange]:
        """The task's rows at its end, as far as they are still open."""
        at = self.recorder.at
        if not self.first:
            return [steps.skipped(at(number), ASKED_FOR_NONE) for number in (2, 3, 5)]
        if not self.opened_as:
            return [steps.skipped(at(number), "No session was opened") for number in (3, 5)]
        if self.problem:
            return [steps.not_closed(at(5), self.problem)]
        return [steps.succeeded(at(5), steps.KINDS[5].done)]
