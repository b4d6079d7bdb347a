"""One try of one task instance: connection, session, work, close, end.

This is the one place in ``tasks`` that catches whatever comes.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from typing import Any

from django.db import Error as DatabaseFault
from django.db import transaction
from django.utils import timezone

from connections.database import give_connection_back
from connections.exceptions import Failure
from connections.hooks import Hook, hook_for
from connections.services import get_connection, secrets_of
from connections.types.base import LoadedConnection
from tasks import live
from tasks.engine import hot_rows, places, steps, writing
from tasks.engine import outcome as outcomes
from tasks.engine.brokering import ConnectionBroker
from tasks.engine.context import TaskContext
from tasks.engine.hot_rows import Statement
from tasks.engine.leases import Lease
from tasks.engine.outcome import Outcome
from tasks.engine.places import Message
from tasks.engine.recording import Recorder
from tasks.engine.settlement import settle, too_large, xcoms_of
from tasks.engine.steps import StepChange
from tasks.engine.template_names import names_of
from tasks.engine.templating import render
from tasks.engine.versions import spec_of
from tasks.exceptions import LeaseLost, TaskCancelled, TaskTimedOut, WorkerStopping
from tasks.models import DagRun, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators.base import AlreadyDone, ArgumentError, Operator, Sensor
from tasks.states import RunState, StepState, TaskState

logger = logging.getLogger(__name__)
NO_SESSION = "No session was opened"
NO_CONNECTION = "Needs no connection"
#: A try outlives so many workers. With one more, it counts as what killed them.
MOST_TAKEOVERS = 3
#: What is not a matter of the task: it goes on elsewhere.
GONE = (LeaseLost, WorkerStopping, DatabaseFault)


class NoPlace(Exception):
    """Every session that the connection allows is in use."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(conn_id)
        self.conn_id = conn_id


class Execution:
    """The work of the worker that holds the lease."""

    kind: type[Operator]

    def __init__(self, row: TaskInstance, lease: Lease, stack: ExitStack) -> None:
        self.row = row
        self.lease = lease
        self.recorder = Recorder(row, lease, stack)
        self.spec = spec_of(row.run.version_id)
        self.task = self.spec.task(row.task_id)
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
        spent = (timezone.now() - self.row.started_at).total_seconds()
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
        """Go on for a worker that is gone."""
        self.recorder.changes += steps.begun_anew(self.row)
        self.recorder.log("taken over: the worker that ran this task is gone", level="warning")
        self.is_quiet = False

    def _check_takeover(self) -> None:
        can_go_on = self.kind.resumes and self.row.takeovers <= MOST_TAKEOVERS
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

    # Steps 3 to 5

    def run(self) -> list[Message]:
        """Steps 3 to 5; step 5 runs whenever a session was opened."""
        try:
            outcome = self._work()
        except GONE as error:
            # Without its database a worker can't say how a task ended, nor whether its job
            # runs on: the lease lapses, and who takes over finds the job.
            self._let_go(error)
            raise
        return self._end(outcome)

    def _work(self) -> Outcome:
        number = 2
        try:
            if self.connection_error is not None:
                raise self.connection_error
            if self.hook is not None:
                number = 3
                self._open_session(self.hook)
            number = 4
            return self._execute()
        except GONE:
            raise
        except (TaskCancelled, TaskTimedOut) as error:
            return self._interrupted(error)
        except (Exception, SystemExit, KeyboardInterrupt, GeneratorExit) as error:
            # What ends a process in other places would here end a thread, and its task for ever.
            return self._failed(number, error)

    def _open_session(self, hook: Hook) -> None:
        self.lease.check()
        self.session = hook.open()
        self.recorder.mask(self.session.secrets)
        self._prepare()
        if self.is_quiet:
            return
        identity, at = self.session.identity, self.recorder.at
        self.context.log(f"session opened as {identity}")
        done = steps.succeeded(at(3), steps.KINDS[3].done, facts={"identity": identity})
        self.recorder.write([done, steps.began(at(4))])

    def _prepare(self) -> None:
        """Fill the templates. What goes wrong belongs to step 4."""
        given = self.task.arguments
        try:
            arguments = render(self.kind, given, self.names)
            filled = {name: each for name, each in arguments.items() if each != given[name]}
            self.recorder.rendered = filled if not self.is_quiet else None
            self.kind.check(arguments)
            self.operator = self.kind(arguments)
        except ArgumentError as error:
            self.template_error = Failure("task:not-runnable", reason=str(error))
        except Failure as failure:
            self.template_error = failure

    def _execute(self) -> Outcome:
        if self.hook is None:
            # Not in the claim: a template may take its time, and the run's row is locked there.
            self._prepare()
            if self.recorder.rendered:
                self.recorder.write([])
        if self.is_cancelling:
            self.lease.stop(TaskCancelled)
        self.lease.check()
        if self.template_error is not None:
            raise self.template_error
        assert self.operator is not None
        result = self.operator.execute(self.session, self.context)
        if result is not None:
            return outcomes.done(result, facts={**self.context.facts, **result.facts})
        assert isinstance(self.operator, Sensor)
        return outcomes.not_yet(self.operator.values, self.row)

    def _interrupted(self, error: TaskCancelled | TaskTimedOut) -> Outcome:
        """The task was cancelled, or ran out of its time: stop what it left running elsewhere."""
        self.lease.go_on()
        words = ""
        try:
            if self.operator is not None and (self.session is not None or self.hook is None):
                words = self.operator.cancel(self.session, self.context)
        except AlreadyDone as there:
            return outcomes.done(there.result, facts={**self.context.facts, **there.result.facts})
        except GONE:
            raise
        except (TaskCancelled, TaskTimedOut) as again:
            # A cancel came while what ran out of its time was stopped.
            return self._interrupted(again)
        except Exception as failure:
            return self._failed(4, failure)
        if isinstance(error, TaskTimedOut):
            seconds = f"{self.task.execution_timeout or 0:g}"
            return self._failed(4, Failure("task:execution-timeout", seconds=seconds))
        return outcomes.cancelled(words, facts=self.context.facts)

    def _failed(self, number: int, error: BaseException) -> Outcome:
        if not isinstance(error, Failure):
            logger.exception("Step %s of task instance %s failed.", number, self.row.pk)
            error = Failure(
                "task:internal-error", error=type(error).__name__, vendor_message=str(error)
            )
        for holder in (self.hook, self.session):
            if holder is not None:
                self.recorder.mask(holder.secrets)
        facts = {**self.context.facts, **error.facts}
        return outcomes.failed(error, self.task, self.row, facts=facts, number=number)

    def _end(self, outcome: Outcome) -> list[Message]:
        """Close the session if there is one, and end the try or the look."""
        xcoms = self.recorder.masked(xcoms_of(outcome))
        if words := too_large(xcoms):
            outcome = self._failed(4, Failure("task:xcom-too-large", **words))
            xcoms = {}
        for level, text in outcome.lines:
            self.context.log(text, level=level)
        changes = outcome.changes(self.recorder.at, is_quiet=self.is_quiet)
        if self.session is not None and self.hook is not None:
            changes = self._close(self.hook, outcome, changes)
        elif not outcome.is_pause:
            changes += self._nothing_to_close()
        with transaction.atomic():
            taken = writing.take_number_with(self.lease, self.row.run_id)
            number = taken.number
            if outcome.state != TaskState.SUCCESS:
                # The run's last row tells at which of these it failed.
                self.recorder.write_with(number, changes)
                changes = []
            settled = settle(
                self.row,
                outcome,
                self.spec,
                taken=taken,
                sessions=self.limit or self.broker.limit,
                xcoms=xcoms,
            )
            changes += [settled.last] if settled.last else []
            self.recorder.write_with(number, changes, also=settled.also)
            live.publish_on_commit(self.row.run_id)
        give_connection_back()
        return list(settled.messages)

    def _nothing_to_close(self) -> list[StepChange]:
        at = self.recorder.at
        if self.connection_error is None and not self.kind.connection_argument:
            if self.kind.asks_for_connections:
                return self.broker.closing()
            return [steps.skipped(at(5), NO_CONNECTION)]
        return [steps.skipped(at(5), NO_SESSION)]

    def _close(self, hook: Hook, outcome: Outcome, changes: list[StepChange]) -> list[StepChange]:
        """The changes that are still to be written, with that of step 5."""
        at = self.recorder.at
        if outcome.is_pause:
            self._closed(hook)
            return changes
        if hook.closes_at_once:
            return [*changes, self._closed(hook)]
        self.recorder.write([*changes, steps.began(at(5))])
        return [self._closed(hook)]

    def _closed(self, hook: Hook) -> StepChange:
        at, started = self.recorder.at, timezone.now()
        try:
            hook.close(self.session)
        except Exception as error:
            logger.exception("The session of task instance %s did not close.", self.row.pk)
            words = f"{type(error).__name__}: {error}"
            return steps.not_closed(at(5), words, started_at=started)
        return steps.succeeded(at(5), steps.KINDS[5].done, started_at=started)

    def _let_go(self, error: Exception) -> None:
        """Close without a record: the task goes on elsewhere, at once if this worker stops."""
        if self.session is not None and self.hook is not None:
            with ExitStack() as quiet:
                quiet.push(lambda *_: True)
                self.hook.close(self.session)
        if isinstance(error, WorkerStopping):
            # Without a worker: who takes it over counts no loss.
            TaskInstance.objects.filter(pk=self.row.pk, lease_token=self.lease.token).update(
                lease_expires_at=timezone.now(), worker=""
            )
