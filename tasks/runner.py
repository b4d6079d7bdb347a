"""Runs one task instance on a worker: claim, connection, session, work, close.

This is the one place that catches ``Exception``. The end of a step and the
start of the next share one transaction, because commits bound the throughput.
"""

from __future__ import annotations

import logging
import socket
from contextlib import ExitStack
from typing import Any

from django.db import Error as DatabaseFault
from django.db import transaction
from django.utils import timezone

from connections.database import give_connection_back
from connections.diagnosis import explain
from connections.exceptions import Failure
from connections.hooks import Hook, hook_for
from connections.masking import Masker, secrets_in_use, storable
from connections.services import get_connection, secrets_of
from tasks import leases, live, scheduling, steps
from tasks.context import TaskContext
from tasks.exceptions import LeaseLost, WorkerStopping
from tasks.leases import Lease
from tasks.models import DagRun, LogLine, Step, TaskInstance
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError, Operator, TaskResult
from tasks.states import RunState, StepState, TaskState
from tasks.steps import StepChange
from tasks.templating import context_of, render

logger = logging.getLogger(__name__)
WORKER = socket.gethostname()
NO_SESSION = "No session was opened"
#: Columns whose words come from elsewhere; a code or an ID must never be masked.
FREE_TEXTS = frozenset({"result", "facts", "vendor_message"})
NOT_REACHED = "Not reached"


def run(task_instance_id: int) -> list[int]:
    """Run the task instance if nobody else does; return the ids that are ready after it."""
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


def _claim(lease: Lease, stack: ExitStack) -> _Execution | None:
    """Take a queued task instance, or one whose worker has lost its lease, and do step 2.

    The connection is read in the transaction of the claim: it is one query of
    the same database, and a commit of its own would cost more than it.
    """
    now = timezone.now()
    rows = TaskInstance.objects.filter(pk=lease.task_instance_id)
    lapsed = rows.filter(state=TaskState.RUNNING, lease_expires_at__lt=now)
    columns = {
        "state": TaskState.RUNNING,
        "lease_token": lease.token,
        "lease_expires_at": now + leases.expiry(),
        "worker": WORKER,
    }
    with transaction.atomic():
        is_new = bool(rows.filter(state=TaskState.QUEUED).update(started_at=now, **columns))
        if not is_new and not lapsed.update(**columns):
            return None
        row = rows.select_related("run__dag", "run__version").get()
        execution = _Execution(row, lease, stack)
        execution.begin(is_new=is_new)
        live.publish_on_commit(row.run_id)
    give_connection_back()
    return execution


class _Execution:
    """One try of one task instance, by the worker that holds its lease."""

    def __init__(self, row: TaskInstance, lease: Lease, stack: ExitStack) -> None:
        self.row = row
        self.lease = lease
        self.stack = stack
        self.masker = Masker()
        self.spec = row.run.version.parsed
        self.task = self.spec.task(row.task_id)
        self.context = TaskContext(row, lease, self._write)
        self.hook: Hook | None = None
        self.session: Any = None
        self.changes: list[StepChange] = []
        self.error: Exception | None = None

    def begin(self, *, is_new: bool) -> None:
        """Steps 1 and 2. What goes wrong with the connection is kept for ``run``."""
        now = timezone.now()
        if self.row.run.state == RunState.QUEUED and DagRun.objects.filter(
            pk=self.row.run_id, state=RunState.QUEUED
        ).update(state=RunState.RUNNING, started_at=now):
            self.changes.append(steps.succeeded(0, steps.KINDS[1].done, started_at=now))
        if not is_new:
            self._begin_anew()
        started = timezone.now()
        try:
            with transaction.atomic():
                self.kind = self._kind()
                self._request_connection()
        except Exception as error:
            self.error = error
            self.changes.append(steps.began(self._at(2), started_at=started))
            return
        done = steps.succeeded(self._at(2), steps.KINDS[2].done, started_at=started)
        self._write([done, steps.began(self._at(3))])

    def _begin_anew(self) -> None:
        touched = Step.objects.filter(task_instance=self.row).exclude(state=StepState.PENDING)
        columns: dict[str, Any] = {
            **dict.fromkeys(("result", "error_code", "vendor_message"), ""),
            **dict.fromkeys(("started_at", "ended_at")),
            "facts": {},
            "retries": 0,
        }
        for position in touched.order_by("position").values_list("position", flat=True):
            self.changes.append(StepChange(position, StepState.PENDING, columns))
        self.context.log("taken over: the worker that ran this task is gone", level="warning")

    def run(self) -> list[int]:
        """Steps 3 to 5; step 5 runs whenever a session was opened."""
        number = 2
        try:
            if self.error is not None:
                raise self.error
            number = 3
            self._open_session()
            number = 4
            result = self._execute()
        except (LeaseLost, WorkerStopping, DatabaseFault) as error:
            # Without its database a worker can't say how a task ended, nor whether its job
            # runs on: the lease lapses, and who takes over finds the job.
            self._let_go(error)
            raise
        except Exception as error:
            return self._end(TaskState.FAILED, self._failed(number, error))
        self.context.log(result.summary)
        facts = {**self.context.facts, **result.facts}
        done = steps.succeeded(self._at(4), result.summary, facts=facts)
        return self._end(TaskState.SUCCESS, [done])

    def _kind(self) -> type[Operator]:
        try:
            return OPERATORS[self.task.operator]
        except KeyError:
            reason = f"there is no operator {self.task.operator}."
            raise Failure("task:not-runnable", reason=reason) from None

    def _request_connection(self) -> None:
        kind = self.kind
        argument = kind.connection_argument
        names = context_of(self.row.run, self.row, self.spec)
        self.conn_id: str = render(kind, {argument: self.task.conn_id}, names)[argument]
        connection = get_connection(self.conn_id)
        self._mask(secrets_of(connection))
        if connection.conn_type not in kind.connection_types:
            raise Failure(
                "connection:wrong-type",
                conn_id=self.conn_id,
                conn_type=connection.conn_type,
                operator=kind.name,
                expected=" or ".join(kind.connection_types),
            )
        self.hook = hook_for(connection)
        origin = connection.origin and f"from {connection.origin}"
        origin = origin or f"version {connection.version}"
        self.context.log(f"connection {connection.conn_id}, {origin}, {connection.conn_type}")
        TaskInstance.objects.filter(pk=self.row.pk).update(
            conn_id=self.conn_id, conn_version=connection.version
        )
        if self.conn_id != self.row.conn_id:
            # Before it was filled, the rows showed the template.
            columns = {"conn_id": self.conn_id}
            self.changes += [
                StepChange(self._at(number), StepState.PENDING, columns)
                for number in steps.TASK_STEPS
            ]

    def _open_session(self) -> None:
        assert self.hook is not None
        self.session = self.hook.open()
        self._mask(self.session.secrets)
        identity = self.session.identity
        self.context.log(f"session opened as {identity}")
        done = steps.succeeded(self._at(3), steps.KINDS[3].done, facts={"identity": identity})
        self._write([done, steps.began(self._at(4))])

    def _execute(self) -> TaskResult:
        kind = self.kind
        names = context_of(self.row.run, self.row, self.spec)
        arguments = render(kind, self.task.arguments, names)
        try:
            kind.check(arguments)
        except ArgumentError as error:
            raise Failure("task:not-runnable", reason=str(error)) from None
        return kind(arguments).execute(self.session, self.context)

    def _failed(self, number: int, error: Exception) -> list[StepChange]:
        """Step ``number`` as failed, with the code and the facts for its words."""
        if isinstance(error, Failure):
            failure = error
        else:
            logger.exception("Step %s of task instance %s failed.", number, self.row.pk)
            failure = Failure(
                "task:internal-error", error=type(error).__name__, vendor_message=str(error)
            )
        if self.hook is not None:
            self._mask(self.hook.secrets)
        if self.session is not None:
            self._mask(self.session.secrets)
        facts = {**self.context.facts, **failure.facts}
        words = explain(failure.code, facts)
        self.context.log(f"{words.happened} ({failure.code})", level="error")
        if failure.vendor_message:
            self.context.log(failure.vendor_message, level="error")
        change = steps.failed(
            self._at(number),
            words.short,
            error_code=failure.code,
            facts=facts,
            vendor_message=failure.vendor_message,
        )
        later = [later for later in (3, 4) if later > number]
        return [change, *(steps.skipped(self._at(later), NOT_REACHED) for later in later)]

    def _end(self, state: TaskState, changes: list[StepChange]) -> list[int]:
        """Close the session if there is one, and end the task instance."""
        if self.session is None or self.hook is None:
            changes.append(steps.skipped(self._at(5), NO_SESSION))
        elif self.hook.closes_at_once:
            changes.append(self._closed())
        else:
            self._write([*changes, steps.began(self._at(5))])
            changes = [self._closed()]
        with transaction.atomic():
            self._write(changes)
            return scheduling.finish(self.row, state, self.spec)

    def _closed(self) -> StepChange:
        assert self.hook is not None
        started = timezone.now()
        try:
            self.hook.close(self.session)
        except Exception as error:
            logger.exception("The session of task instance %s did not close.", self.row.pk)
            words = explain("session:close-failed", {})
            return steps.failed(
                self._at(5),
                words.short,
                started_at=started,
                error_code=words.code,
                vendor_message=f"{type(error).__name__}: {error}",
            )
        return steps.succeeded(self._at(5), steps.KINDS[5].done, started_at=started)

    def _let_go(self, error: Exception) -> None:
        """Close without a record: the task goes on elsewhere, at once if this worker stops."""
        if self.session is not None and self.hook is not None:
            with ExitStack() as quiet:
                quiet.push(lambda *_: True)
                self.hook.close(self.session)
        if isinstance(error, WorkerStopping):
            TaskInstance.objects.filter(pk=self.row.pk, lease_token=self.lease.token).update(
                lease_expires_at=timezone.now()
            )

    # Writing

    def _at(self, number: int) -> int:
        return steps.position_of(number, self.row.position)

    def _mask(self, secrets: set[str]) -> None:
        self.masker.add(secrets)
        self.stack.enter_context(secrets_in_use(secrets))

    def _write(self, changes: list[StepChange], *, lines: list[LogLine] | None = None) -> None:
        """Write masked changes, with those that were kept back, if the lease is still held."""
        changes, self.changes = [*self.changes, *changes], []
        lines = [*(lines or []), *self.context.taken_lines()]
        for line in lines:
            line.text = storable(self.masker.text(line.text))
        safe = [StepChange(each.position, each.state, self._safe(each)) for each in changes]
        with transaction.atomic(savepoint=False):
            steps.write(self.row.run_id, safe, lines=lines, lease=self.lease)
            live.publish_on_commit(self.row.run_id)
        give_connection_back()

    def _safe(self, change: StepChange) -> dict[str, Any]:
        """The change's columns, with what others may have said masked, and fit to be stored."""
        return {
            name: storable(self.masker.data(value)) if name in FREE_TEXTS else value
            for name, value in change.columns.items()
        }
