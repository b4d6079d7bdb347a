"""Writes what one try of a task instance does, masked, while its lease is held."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from itertools import chain, repeat
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from connections.database import give_connection_back
from connections.masking import Masker, redacted_inside, secrets_in_use, storable
from tasks import live
from tasks.engine import steps, writing
from tasks.engine.hot_rows import Statement
from tasks.engine.leases import Lease, stopping
from tasks.engine.steps import StepChange
from tasks.models import LogLine, RenderedFields, Step, TaskInstance

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Columns whose words come from elsewhere; a code or an ID must never be masked.
FREE_TEXTS = frozenset({"result", "facts", "vendor_message"})
#: Characters of a text that are kept of the filled templates; more is not for reading.
LONGEST_RENDERED = 100_000
#: The database is away, or has ended the connection: nothing is wrong with what was asked.
OUT_OF_REACH = (OperationalError, InterfaceError)
#: Seconds before it is asked again; the last one stays.
PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0)
#: Seconds after which a worker gives up that has heard nothing of the database.
LONGEST_ABSENCE = 600.0
#: The same of a worker that is told to stop: the database may be told so, too.
LAST_MOMENTS = 5.0


class Recorder:
    """Keeps changes and lines back until the next write, which costs one commit."""

    def __init__(self, row: TaskInstance, lease: Lease, stack: ExitStack) -> None:
        self.row = row
        self.lease = lease
        self.masker = Masker()
        #: Changes that go with the next write.
        self.changes: list[StepChange] = []
        self.lines: list[LogLine] = []
        #: Filled templates that are not stored yet.
        self.rendered: dict[str, Any] | None = None
        self._stack = stack

    def at(self, number: int) -> int:
        """Where the try's row of this number stands."""
        return steps.position_of(number, self.row.position, self.row.try_number)

    def mask(self, secrets: set[str]) -> None:
        """Let none of ``secrets`` be stored or logged from here on."""
        self.masker.add(secrets)
        self._stack.enter_context(secrets_in_use(secrets))

    def log(self, text: str, *, level: str = "info") -> None:
        self.lines.append(
            LogLine(task_instance=self.row, try_number=self.row.try_number, text=text, level=level)
        )

    def insist(self, act: Callable[[bool], T]) -> T:
        """What ``act`` gives. While the database can't be had it is done again, as long as the
        lease may be held: what a task has done isn't lost with a connection.

        ``act`` is told whether it may be done already: the answer was lost.
        """
        kept = list(self.changes), list(self.lines), self.rendered
        began = time.monotonic()
        for pause in chain(PAUSES, repeat(PAUSES[-1])):
            try:
                return act(pause != PAUSES[0])
            except OUT_OF_REACH as fault:
                connection.close()
                longest = LAST_MOMENTS if stopping.is_set() else LONGEST_ABSENCE
                if connection.in_atomic_block or time.monotonic() - began > longest:
                    raise
                logger.warning("Task instance %s writes again: %s", self.row.pk, fault)
                self.lease.hold_on(pause)
                self.changes, self.lines, self.rendered = list(kept[0]), list(kept[1]), kept[2]
        raise AssertionError

    def is_written(self, changes: list[StepChange]) -> bool:
        """Whether a write was done whose answer was lost: nobody else's times are its own."""
        if self.lines:
            lines = LogLine.objects.filter(task_instance=self.row)
            return lines.filter(at=self.lines[0].at).exists()
        rows = Step.objects.filter(run_id=self.row.run_id)
        for name in ("ended_at", "started_at"):
            for change in (*self.changes, *changes):
                if moment := change.columns.get(name):
                    return rows.filter(position=change.position, **{name: moment}).exists()
        return False

    def write(self, changes: list[StepChange]) -> None:
        """Write all that was kept back, then ``changes``; one commit, without a transaction around
        it. Raise ``LeaseLost`` and write nothing where the lease is lost."""
        self.insist(partial(self._write_once, changes))

    def _write_once(self, changes: list[StepChange], again: bool) -> None:
        if again:
            self._write_again(changes)
            return
        is_one_statement = connection.vendor == "postgresql" and not self.rendered
        with nullcontext() if is_one_statement else transaction.atomic(savepoint=False):
            if self.rendered:
                number = writing.take_number_with(self.lease, self.row.run_id).number
                self.write_with(number, changes)
            else:
                self._write(changes, lease=self.lease)
            live.publish_on_commit(self.row.run_id)
        give_connection_back()

    def _write_again(self, changes: list[StepChange]) -> None:
        """The statement may still wait in the server for the run's row: it is asked behind it."""
        with transaction.atomic():
            number = writing.take_number_with(self.lease, self.row.run_id).number
            if self.is_written(changes):
                self.forget()
            else:
                self.write_with(number, changes)
            live.publish_on_commit(self.row.run_id)
        give_connection_back()

    def forget(self) -> None:
        """What was kept back is written already."""
        self.changes, self.lines, self.rendered = [], [], None

    def write_with(
        self, number: int, changes: list[StepChange], *, also: Sequence[Statement] = ()
    ) -> None:
        """The same inside a transaction that has taken ``number``, and so holds the lease."""
        self._write(changes, number=number, also=also)
        if self.rendered:
            self._store_rendered()

    def _write(
        self,
        changes: list[StepChange],
        *,
        lease: Lease | None = None,
        number: int | None = None,
        also: Sequence[Statement] = (),
    ) -> None:
        changes, self.changes = [*self.changes, *changes], []
        lines, self.lines = self.lines, []
        for line in lines:
            line.text = storable(self.masker.text(line.text))
        safe = [replace(each, columns=self._safe(each)) for each in changes]
        writing.write(self.row.run_id, safe, lines=lines, lease=lease, number=number, also=also)

    def masked(self, value: Any) -> Any:
        """``value``, with what is secret in it masked, and fit to be stored."""
        return storable(self.masker.data(value))

    def _safe(self, change: StepChange) -> dict[str, Any]:
        columns = dict(change.columns)
        if columns.get("facts"):
            columns["facts"] = _as_json(columns["facts"])
        return {
            name: self.masked(value) if name in FREE_TEXTS else value
            for name, value in columns.items()
        }

    def _store_rendered(self) -> None:
        # What stands under the name of a secret is hidden, as Airflow does.
        hidden = redacted_inside(self.rendered or {})
        fields = {name: _clipped(self.masked(each)) for name, each in hidden.items()}
        self.rendered = None
        RenderedFields.objects.update_or_create(
            task_instance=self.row,
            try_number=self.row.try_number,
            defaults={"fields": fields},
        )


def _as_json(facts: dict[str, Any]) -> Any:
    """What JSON doesn't have, such as a date or NaN, as text: facts are only for reading."""
    return json.loads(json.dumps(facts, default=str), parse_constant=str)


def _clipped(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    return f"{text[:LONGEST_RENDERED]}…" if len(text) > LONGEST_RENDERED else value
