"""One try of one task instance: connection, session, work, close, end.

This is the one place in ``tasks`` that catches whatever comes.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import partial
from typing import Any

from django.db import Error as DatabaseFault
from django.db import transaction
from django.utils import timezone

from connections.database import give_connection_back
from connections.exceptions import Failure
from connections.hooks import Hook
from tasks import live
from tasks.engine import database_time, places, steps, writing
from tasks.engine import outcome as outcomes
from tasks.engine.beginning import NO_CONNECTION, Beginning
from tasks.engine.outcome import Outcome
from tasks.engine.places import Message
from tasks.engine.settlement import settle, too_large, xcoms_of
from tasks.engine.steps import StepChange
from tasks.engine.templating import render
from tasks.exceptions import LeaseLost, TaskCancelled, TaskTimedOut, WorkerStopping
from tasks.models import TaskInstance
from tasks.operators.base import AlreadyDone, ArgumentError, Sensor
from tasks.states import TASK_HELD, TaskState

logger = logging.getLogger(__name__)
NO_SESSION = "No session was opened"
#: What is not a matter of the task: it goes on elsewhere.
GONE = (LeaseLost, WorkerStopping, DatabaseFault)


class Execution(Beginning):
    """The work of the worker that holds the lease."""

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
        # What is done is done: with its database away it waits to tell so.
        ended = self.recorder.insist(partial(self._settle, outcome, changes, xcoms))
        give_connection_back()
        return [*self.released, *ended, *self.broker.free()]

    def _settle(
        self, outcome: Outcome, changes: list[StepChange], xcoms: dict[str, Any], again: bool
    ) -> list[Message]:
        row = self.row
        with transaction.atomic():
            try:
                taken = writing.take_number_with(self.lease, row.run_id)
            except LeaseLost:
                if again and not TaskInstance.objects.filter(pk=row.pk, state__in=TASK_HELD):
                    # It was settled, and the answer was lost: what follows from it isn't sent yet.
                    return places.queued(row.run_id)
                raise
            if outcome.state != TaskState.SUCCESS:
                # The run's last row tells at which of these it failed.
                self.recorder.write_with(taken.number, changes)
                changes = []
            sessions = self.limit or self.broker.limit
            settled = settle(row, outcome, self.spec, taken=taken, sessions=sessions, xcoms=xcoms)
            changes = [*changes, settled.last] if settled.last else changes
            self.recorder.write_with(taken.number, changes, also=settled.also)
            live.publish_on_commit(row.run_id)
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
                lease_expires_at=database_time.expression(), worker=""
            )
