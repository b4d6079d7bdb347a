"""Writes what one try of a task instance does, masked, while its lease is held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from connections.database import give_connection_back
from connections.masking import Masker, redacted_inside, secrets_in_use, storable
from tasks import live
from tasks.engine import steps, writing
from tasks.engine.hot_rows import Statement
from tasks.engine.leases import Lease
from tasks.engine.steps import StepChange
from tasks.models import LogLine, RenderedFields, TaskInstance

#: Columns whose words come from elsewhere; a code or an ID must never be masked.
FREE_TEXTS = frozenset({"result", "facts", "vendor_message"})
#: Characters of a text that are kept of the filled templates; more is not for reading.
LONGEST_RENDERED = 100_000


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

    def write(self, changes: list[StepChange]) -> None:
        """Write all that was kept back, then ``changes``; one commit, without a transaction around
        it. Raise ``LeaseLost`` and write nothing where the lease is lost."""
        is_one_statement = connection.vendor == "postgresql" and not self.rendered
        with nullcontext() if is_one_statement else transaction.atomic(savepoint=False):
            if self.rendered:
                number = writing.take_number_with(self.lease, self.row.run_id).number
                self.write_with(number, changes)
            else:
                self._write(changes, lease=self.lease)
            live.publish_on_commit(self.row.run_id)
        give_connection_back()

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
