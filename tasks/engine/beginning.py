"""The begin of a try: all it needs, and step 2, in the transaction of the claim."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

from django.db import Error as DatabaseFault
from django.utils import timezone

from connections.exceptions import Failure
from connections.hooks import Hook, hook_for
from connections.services import get_connection, secrets_of
from connections.types.base import LoadedConnection
from tasks.engine import database_time, hot_rows, places, steps
from tasks.engine.brokering import ConnectionBroker
from tasks.engine.context import TaskContext
from tasks.engine.hot_rows import Statement
from tasks.engine.leases import Lease
from tasks.engine.places import Message
from tasks.engine.recording import Recorder
from tasks.engine.resettling import resettle
from tasks.engine.steps import StepChange
from tasks.engine.template_names import names_of
from tasks.engine.templating import render
from tasks.engine.versions import UnreadableSpec, spec_of
from tasks.models import DagRun, HeldSession, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators.base import Operator
from tasks.spec import TaskSpec
from tasks.states import RunState, StepState, TaskState

NO_CONNECTION = "Needs no connection"
#: A try outlives so many workers. With one more, it counts as what killed them.
MOST_TAKEOVERS = 3


class NoPlace(Exception):
    """Every session that the connection allows is in use."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(conn_id)
        self.conn_id = conn_id


class Beginning:
    """What a worker has that holds the lease, and steps 1 and 2."""

    kind: type[Operator]

    def __init__(
        self, row: TaskInstance, lease: Lease, stack: ExitStack, *, worker_before: str = ""
    ) -> None:
        self.row = row
        self.worker_before = worker_before
        self.lease = lease
        self.recorder = Recorder(row, lease, stack)
        self.spec = spec_of(row.run.version_id)
        self.task = self.spec.by_id.get(row.task_id) or TaskSpec(row.task_id, row.operator)
        self.context = TaskContext(self.recorder, self.spec)
        self.broker = ConnectionBroker(self.recorder, self.context, self._fetch)
        self.context.broker = self.broker
        self.context.names = self.names = names_of(row.run, row, self.spec)
        self.hook: Hook | None = None
        self.session: Any = None
        self.operator: Operator | None = None
        #: What went wrong in step 2, or with the templates: told when its step comes.
        self.connection_error: Exception | None = None
        self.template_error: Failure | None = None
        #: What the row is to know of the connection.
        self.found: dict[str, Any] = {}
        #: How many sessions the connection allows.
        self.limit: int | None = None
        #: Messages for what was released with the claim.
        self.released: list[Message] = []
        self.is_cancelling = row.state == TaskState.CANCELLING
        #: A sensor whose rows tell of its first look already.
        self.is_quiet = row.looks > 0

    # Step 2, in the transaction of the claim

    def begin(self, *, is_new: bool) -> None:
        """Step 2. What goes wrong with the connection is kept for ``run``.

        Raise ``NoPlace`` when the task has to wait for a session.
        """
        self.began_at = timezone.now()
        try:
            if not is_new:
                self._begin_anew()
            if isinstance(self.spec, UnreadableSpec):
                raise Failure("task:spec-unreadable", reason=self.spec.problem)
            self.kind = self._kind()
            self.lease.resumes = self.kind.resumes
            if not is_new:
                self._check_takeover()
            if self.kind.connection_argument:
                self._request_connection(is_new=is_new)
            elif self.kind.asks_for_connections:
                # The try before may have had a session: this one has none until it asks.
                self.row.conn_id = ""
                self.found = {"conn_id": "", "conn_version": None}
        except (NoPlace, DatabaseFault):
            raise
        except Exception as error:
            self.connection_error = error

    def claimed(self, number: int, claim: Statement) -> None:
        """Show steps 1 and 2 with the claim, in the transaction that has taken ``number``."""
        if isinstance(self.spec, UnreadableSpec):
            # Its arrows may be others than those by which tasks were counted.
            self.released = resettle(self.row.run_id, self.spec, number=number)
        also = [claim, *self._start_run()]
        self.lease.deadline = self._deadline()
        self.recorder.write_with(number, self._after_step_2(), also=also)

    def _after_step_2(self) -> list[StepChange]:
        at, started = self.recorder.at, self.began_at
        if self.connection_error is not None:
            return [] if self.is_quiet else [steps.began(at(2), started_at=started)]
        if self.kind.connection_argument:
            done = steps.succeeded(at(2), steps.KINDS[2].done, started_at=started)
            return self._unless_quiet([done, steps.began(at(3))])
        skipped = [steps.skipped(at(number), NO_CONNECTION) for number in (2, 3)]
        known = [] if self.kind.asks_for_connections else skipped
        return self._unless_quiet([*known, steps.began(at(4))])

    def _unless_quiet(self, changes: list[StepChange]) -> list[StepChange]:
        return [] if self.is_quiet else changes

    def _deadline(self) -> float | None:
        """Seconds of ``time.monotonic``; a sensor's time begins with its first look."""
        if self.task.execution_timeout is None or self.row.started_at is None:
            return None
        spent = (database_time.now() - self.row.started_at).total_seconds()
        return time.monotonic() + self.task.execution_timeout - spent

    def _start_run(self) -> list[Statement]:
        """The run begins with its first task. Its row was locked before it was read."""
        if self.row.run.state != RunState.QUEUED:
            return []
        now = self.began_at
        first = steps.succeeded(0, steps.KINDS[1].done, started_at=now, ended_at=now)
        self.recorder.changes.insert(0, first)
        columns = {"state": RunState.RUNNING, "started_at": now}
        where = {"id": self.row.run_id, "state": RunState.QUEUED}
        return [hot_rows.updating(DagRun, columns, where=where)]

    def _begin_anew(self) -> None:
        """Go on for a worker that is gone, and has no further sessions any more."""
        HeldSession.objects.filter(task_instance=self.row).delete()
        self.recorder.changes += steps.begun_anew(self.row)
        self.recorder.log("taken over: the worker that ran this task is gone", level="warning")
        self.is_quiet = False

    def _check_takeover(self) -> None:
        # Without a worker nobody had begun: the answer to the claim was lost.
        is_kept = self.kind.resumes or not self.worker_before
        can_go_on = is_kept and self.row.takeovers <= MOST_TAKEOVERS
        if not can_go_on and not self.is_cancelling:
            raise Failure("task:worker-lost", times=self.row.takeovers)

    def _kind(self) -> type[Operator]:
        try:
            return OPERATORS[self.task.operator]
        except KeyError:
            reason = f"there is no operator {self.task.operator}."
            raise Failure("task:not-runnable", reason=reason) from None

    def _request_connection(self, *, is_new: bool) -> None:
        argument = self.kind.connection_argument
        if "{%" in str(self.task.conn_id):
            reason = "the ID of a connection may hold {{ }}, but no {% %}"
            raise Failure("task:template-error", field=argument, reason=reason)
        conn_id: str = render(self.kind, {argument: self.task.conn_id}, self.names)[argument]
        connection = self._fetch(conn_id)
        if connection.conn_type not in self.kind.connection_types:
            raise Failure(
                "connection:wrong-type",
                conn_id=conn_id,
                conn_type=connection.conn_type,
                operator=self.kind.name,
                expected=" or ".join(self.kind.connection_types),
            )
        self.limit = connection.max_sessions
        if self.limit and is_new:
            self._check_place(conn_id, self.limit)
        self.hook = hook_for(connection)
        self.found = {"conn_id": conn_id, "conn_version": connection.version}
        if conn_id != self.row.conn_id:
            # Before it was filled, the rows showed the template.
            columns = {"conn_id": conn_id}
            self.recorder.changes += [
                StepChange(self.recorder.at(number), StepState.PENDING, columns)
                for number in steps.TASK_STEPS
            ]
            self.row.conn_id = conn_id

    def _check_place(self, conn_id: str, limit: int) -> None:
        places.lock_sessions(conn_id)
        if places.sessions_held(conn_id) >= limit:
            raise NoPlace(conn_id)

    def _fetch(self, conn_id: str) -> LoadedConnection:
        """The connection with its secrets, which are masked from here on."""
        connection = get_connection(conn_id)
        self.recorder.mask(secrets_of(connection))
        origin = connection.origin and f"from {connection.origin}"
        origin = origin or f"version {connection.version}"
        if not self.is_quiet:
            self.context.log(f"connection {connection.conn_id}, {origin}, {connection.conn_type}")
        return connection
