"""Connections that a task asks for while it runs: the same steps, when they happen."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from connections.types.base import LoadedConnection
from tasks.engine import places, steps
from tasks.engine.context import TaskContext
from tasks.engine.recording import Recorder
from tasks.engine.steps import StepChange
from tasks.models import TaskInstance
from tasks.states import StepState

ASKED_FOR_NONE = "Asked for no connection"
#: Seconds between two looks for a session, where all that the connection allows are in use.
PLACE_PAUSE = 1.0


class ConnectionBroker:
    """The first connection fills the task's rows; further ones stand in its log."""

    def __init__(
        self, recorder: Recorder, context: TaskContext, fetch: Callable[[str], LoadedConnection]
    ) -> None:
        self.recorder = recorder
        self.context = context
        self.fetch = fetch
        self.first = ""
        self.limit: int | None = None
        self.opened_as = ""
        self.problem: str | None = None

    def request(self, conn_id: str) -> LoadedConnection:
        started = timezone.now()
        connection = self.fetch(conn_id)
        if self.first:
            return connection
        self._take_place(connection)
        self.first = conn_id
        columns = {"conn_id": conn_id}
        at = self.recorder.at
        self.recorder.write(
            [
                steps.succeeded(at(2), steps.KINDS[2].done, started_at=started, **columns),
                steps.began(at(3), **columns),
                StepChange(at(4), StepState.RUNNING, columns),
                StepChange(at(5), StepState.PENDING, columns),
            ]
        )
        return connection

    def _take_place(self, connection: LoadedConnection) -> None:
        row, conn_id = self.recorder.row, connection.conn_id
        self.limit = connection.max_sessions
        told = False
        while True:
            with transaction.atomic():
                if self.limit:
                    places.lock_sessions(conn_id)
                if not self.limit or places.sessions_held(conn_id) < self.limit:
                    TaskInstance.objects.filter(pk=row.pk).update(
                        conn_id=conn_id, conn_version=connection.version
                    )
                    row.conn_id = conn_id
                    return
            if not told:
                self.context.log(f"waits for a session: all {self.limit} of {conn_id} are in use")
                self.context.flush()
                told = True
            self.context.wait(PLACE_PAUSE)

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
