"""The one way in which a worker changes the rows of the execution table, and adds log lines.

Every write takes the next number of its run's sequence in its transaction, so
that a watcher can ask for all that is greater than the number it has seen.
These are the hottest statements of all, and so written out: the ORM doubles
their price. On PostgreSQL a write is a single statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from connections.database import kept_cursor
from tasks.engine.hot_rows import Statement, check, execute, prepared
from tasks.engine.leases import Lease
from tasks.engine.steps import StepChange
from tasks.exceptions import LeaseLost, RunGone
from tasks.models import LogLine, Step, TaskInstance
from tasks.states import STEP_MOVES, StepState, sources

#: SQLite takes so many values in a statement: seven for each line.
LINES_AT_ONCE = 2_000


class IllegalStep(RuntimeError):
    """A row was not in a state from which the asked one can be reached: a defect."""


class Taken(NamedTuple):
    """A number of a run's sequence, and the states of the run and the task instance, which are
    locked."""

    number: int
    run_state: str
    task_state: str


def take_number(run_id: int) -> int:
    """The next number of the run's sequence; the run's row is locked from here on.

    Whoever changes rows of a run begins with this (or with ``write``), so that
    all take their locks in one order. Raise ``RunGone`` for a run that was deleted.
    """
    with kept_cursor() as cursor:
        cursor.execute(f"{_TAKE} WHERE id = %s RETURNING sequence", [run_id])
        row = cursor.fetchone()
    if row is None:
        raise RunGone
    return int(row[0])


def take_number_with(lease: Lease, run_id: int) -> Taken:
    """The same for who holds ``lease``; raise ``LeaseLost`` if it is no longer held.

    A worker that takes over must wait for the same lock before it writes.
    """
    with kept_cursor() as cursor:
        _execute_held(cursor, lease, run_id)
        return Taken(*_found(cursor, lease))


def write(
    run_id: int,
    changes: Sequence[StepChange],
    *,
    lines: Sequence[LogLine] = (),
    lease: Lease | None = None,
    number: int | None = None,
    also: Sequence[Statement] = (),
) -> None:
    """Apply ``changes`` and add ``lines``, with one number of the run's sequence.

    ``also`` is done with it; each must change its rows, or ``RowsGone`` is raised.

    ``number`` is one that the transaction has taken; without it, ``lease`` must
    still be held, else ``LeaseLost`` is raised and nothing is written.
    """
    merged = _merged(changes)
    if number is not None and not merged and not lines and not also:
        return
    with kept_cursor() as cursor:
        if connection.vendor == "postgresql" and not any(map(_empties, merged)):
            write = _Write(run_id, merged, lines, also)
            write.execute(cursor, lease=lease, number=number)
            return
        for statement in also:
            execute(statement)
        if number is None:
            assert lease is not None
            _execute_held(cursor, lease, run_id)
            number = int(_found(cursor, lease)[0])
        for change in merged:
            _apply(cursor, run_id, change, number)
        for start in range(0, len(lines), LINES_AT_ONCE):
            _insert(cursor, run_id, lines[start : start + LINES_AT_ONCE], number)


def _found(cursor: CursorWrapper, lease: Lease | None) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"task instance {lease and lease.task_instance_id}")
    return row


_TAKE = "UPDATE tasks_dagrun SET sequence = sequence + 1"
#: For who holds the lease. The run's row is locked before that of the task instance, by all.
_TAKEN = f"taken AS ({_TAKE} WHERE id = %s RETURNING sequence, state)"
_HELD = (
    "held AS (SELECT taken.sequence, taken.state, ti.state AS task_state "
    "FROM taken, tasks_taskinstance ti "
    "WHERE ti.id = %s AND ti.lease_token = %s AND ti.state IN ('running', 'cancelling') "
    "FOR NO KEY UPDATE OF ti)"
)
#: SQLite has one writer, and nothing to lock.
_TAKE_HELD = (
    f"{_TAKE} WHERE id = %s AND EXISTS (SELECT 1 FROM tasks_taskinstance "  # noqa: S608 - constants
    "WHERE id = %s AND lease_token = %s AND state IN ('running', 'cancelling')) "
    "RETURNING sequence, state, (SELECT state FROM tasks_taskinstance WHERE id = %s)"
)


def _held_values(lease: Lease, run_id: int) -> list[Any]:
    return [run_id, lease.task_instance_id, prepared(TaskInstance, "lease_token", lease.token)]


def _execute_held(cursor: CursorWrapper, lease: Lease, run_id: int) -> None:
    statement = _TAKE_HELD
    if connection.vendor == "postgresql":
        statement = f"WITH {_TAKEN}, {_HELD} SELECT sequence, state, task_state FROM held"  # noqa: S608
        cursor.execute(statement, _held_values(lease, run_id))
        return
    cursor.execute(statement, [*_held_values(lease, run_id), lease.task_instance_id])


def _merged(changes: Sequence[StepChange]) -> list[StepChange]:
    """One change for each row: what comes later is laid over what came before."""
    found: dict[int, StepChange] = {}
    for change in changes:
        before = found.get(change.position)
        if before is not None:
            _check(before.state, change)
            columns = {**before.columns, **change.columns}
            change = StepChange(  # noqa: PLW2901 - the two as one
                change.position, change.state, columns, before.first or before.state
            )
        found[change.position] = change
    return list(found.values())


def _check(state: StepState, change: StepChange) -> None:
    if change.state not in STEP_MOVES[state] and change.state != state:
        raise IllegalStep(f"{change.position}: {state} can't become {change.state}.")


def _allowed(change: StepChange) -> list[str]:
    """The states that the row may be in before the change."""
    first = change.first or change.state
    allowed = [state.value for state in sources(STEP_MOVES, first)]
    if first in (StepState.PENDING, StepState.RUNNING):
        # A row that isn't over may tell more, and stay as it is.
        allowed.append(first.value)
    return allowed


def _empties(change: StepChange) -> bool:
    return any(value is None for value in change.columns.values())


#: What ends in these has begun, if only at its end.
_TIMED = (StepState.SUCCESS, StepState.FAILED, StepState.CANCELLED)

# On PostgreSQL: one statement, in which what isn't told (null) stays as it is. The rows come as
# one JSON text: its words stay the same however many rows there are, so that the driver has
# taken them apart before, and has no value of theirs to adapt.

_TOLD = {
    "state": "varchar",
    "result": "text",
    "facts": "jsonb",
    "error_code": "varchar",
    "vendor_message": "text",
    "conn_id": "varchar",
    "retries": "integer",
    "started_at": "timestamptz",
    "ended_at": "timestamptz",
}
_KEPT = ", ".join(
    f"{name} = COALESCE(v.{name}, s.{name})" for name in _TOLD if name != "started_at"
)
_COLUMNS = ", ".join(f"{name} {kind}" for name, kind in _TOLD.items())
_STEPPED = (
    f"stepped AS (UPDATE tasks_step s SET sequence = t.sequence, {_KEPT}, "  # noqa: S608 - constants
    "started_at = COALESCE(v.started_at, s.started_at, "
    "CASE WHEN v.state IN ('success', 'failed', 'cancelled') THEN v.ended_at END) "
    "FROM held t, json_to_recordset(%s) "
    f"AS v (position bigint, allowed varchar[], {_COLUMNS}) "
    # Said twice, because of the rows of a JSON text the planner knows neither number nor values.
    "WHERE s.run_id = %s AND s.position = ANY(%s::bigint[]) "
    "AND s.position = v.position AND s.state = ANY(v.allowed) RETURNING 1)"
)
_LINED = (
    "lined AS (INSERT INTO tasks_logline "
    "(run_id, sequence, task_instance_id, try_number, at, level, text) "
    "SELECT %s, t.sequence, v.* FROM held t, json_to_recordset(%s) "
    "AS v (task_instance_id bigint, try_number integer, at timestamptz, level varchar, text text) "
    "RETURNING 1)"
)


@dataclass(frozen=True)
class _Write:
    """All that one write does, as one statement."""

    run_id: int
    changes: Sequence[StepChange]
    lines: Sequence[LogLine]
    also: Sequence[Statement]

    def execute(self, cursor: CursorWrapper, *, lease: Lease | None, number: int | None) -> None:
        if number is None:
            assert lease is not None
            parts, values = [_TAKEN, _HELD], _held_values(lease, self.run_id)
        else:
            parts, values = ["held AS (SELECT %s::bigint AS sequence)"], [number]
        counts = self._add(parts, values)
        statement = f"WITH {', '.join(parts)} SELECT {', '.join(counts)} FROM held"  # noqa: S608
        cursor.execute(statement, values)
        changed, *others = _found(cursor, lease)
        for asked, count in zip(self.also, others, strict=True):
            check(asked, count)
        if changed != len(self.changes):
            places = ", ".join(f"{each.position} to {each.state}" for each in self.changes)
            raise IllegalStep(f"Not all of run {self.run_id} can be moved: {places}.")

    def _add(self, parts: list[str], values: list[Any]) -> list[str]:
        """Add the parts of the statement with their values; what counts the rows of each."""
        counts = ["0"]
        if self.changes:
            parts.append(_STEPPED)
            positions = ",".join(str(change.position) for change in self.changes)
            values += [_json(map(_told, self.changes)), self.run_id, f"{{{positions}}}"]
            counts = ["(SELECT COUNT(*) FROM stepped)"]
        if self.lines:
            parts.append(_LINED)
            values += [self.run_id, _json(map(_line, self.lines))]
        for index, statement in enumerate(self.also):
            parts.append(f"also{index} AS ({statement.text} RETURNING 1)")
            values += statement.values
            counts.append(f"(SELECT COUNT(*) FROM also{index})")  # noqa: S608
        return counts


def _told(change: StepChange) -> dict[str, Any]:
    return {
        **change.columns,
        "position": change.position,
        "allowed": _allowed(change),
        "state": change.state,
    }


def _line(line: LogLine) -> dict[str, Any]:
    return {
        "task_instance_id": line.task_instance_id,
        "try_number": line.try_number,
        "at": line.at,
        "level": line.level,
        "text": line.text,
    }


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return json.dumps(list(rows), default=datetime.isoformat, ensure_ascii=False, allow_nan=False)


# On SQLite, and for rows that are emptied: one statement for each row


def _apply(cursor: CursorWrapper, run_id: int, change: StepChange, number: int) -> None:
    columns: dict[str, Any] = {**change.columns, "state": change.state, "sequence": number}
    settings = [f"{name} = %s" for name in columns]
    values = [prepared(Step, name, value) for name, value in columns.items()]
    if change.state in _TIMED and "started_at" not in columns:
        settings.append("started_at = COALESCE(started_at, %s)")
        values.append(prepared(Step, "started_at", columns["ended_at"]))
    allowed = _allowed(change)
    marks = ", ".join(["%s"] * len(allowed))
    statement = (
        f"UPDATE tasks_step SET {', '.join(settings)} "  # noqa: S608 - only names of columns
        f"WHERE run_id = %s AND position = %s AND state IN ({marks})"
    )
    cursor.execute(statement, [*values, run_id, change.position, *allowed])
    if not cursor.rowcount:
        raise IllegalStep(f"{change.position} of run {run_id} can't become {change.state}.")


def _insert(cursor: CursorWrapper, run_id: int, lines: Sequence[LogLine], number: int) -> None:
    names = ("task_instance_id", "try_number", "at", "level", "text")
    values = [
        value
        for line in lines
        for value in (
            run_id,
            number,
            *(prepared(LogLine, name, getattr(line, name)) for name in names),
        )
    ]
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(lines))
    statement = f"INSERT INTO tasks_logline (run_id, sequence, {', '.join(names)}) VALUES {marks}"  # noqa: S608
    cursor.execute(statement, values)
