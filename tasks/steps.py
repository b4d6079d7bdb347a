"""The execution table: its rows, and the one way in which they change.

Every change takes the next number of its run's sequence in the transaction
that makes it, so that a watcher can ask for all that is greater than the
number it has seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from tasks.exceptions import LeaseLost
from tasks.leases import Lease
from tasks.models import DagRun, LogLine, Step, TaskInstance
from tasks.states import STEP_MOVES, StepState, sources

#: Positions leave room for the four steps of every task between the run's first and last.
POSITIONS_A_TASK = 10
LAST_POSITION = 2_000_000_000


@dataclass(frozen=True)
class StepKind:
    """What a row of the execution table says; ``done`` is its result when all went well."""

    number: int
    action: str
    internal_state: str
    done: str


KINDS: dict[int, StepKind] = {
    kind.number: kind
    for kind in (
        StepKind(1, "DAG starts execution", "DAG loaded, task ready", "Ready to run task"),
        StepKind(
            2,
            "Task requests connection",
            "Fetch connection details from the metadata database",
            "Connection details retrieved",
        ),
        StepKind(
            3,
            "Client session is created",
            "Session object created with credentials",
            "Session ready for API calls",
        ),
        StepKind(
            4,
            "Task executes cloud API call",
            "Session used to send request",
            "Cloud job started successfully",
        ),
        StepKind(5, "Task completes", "Session closed", "Resources freed"),
        StepKind(6, "DAG run ends", "All tasks finished", "DAG run successful"),
    )
}
TASK_STEPS = (2, 3, 4, 5)


def position_of(number: int, task_position: int | None) -> int:
    """Where a row stands in its run's table."""
    if number == 1:
        return 0
    if task_position is None:
        return LAST_POSITION
    return (task_position + 1) * POSITIONS_A_TASK + number


def new_steps(run: DagRun, task_instances: Iterable[TaskInstance]) -> list[Step]:
    """Every row of the run's table, as pending. They are not saved."""
    rows = [Step(run=run, number=1, position=position_of(1, None))]
    for task_instance in task_instances:
        rows += [
            Step(
                run=run,
                task_instance=task_instance,
                number=number,
                position=position_of(number, task_instance.position),
                conn_id=task_instance.conn_id,
            )
            for number in TASK_STEPS
        ]
    rows.append(Step(run=run, number=6, position=position_of(6, None)))
    return rows


@dataclass(frozen=True)
class StepChange:
    """A change of one row: its new state, and the columns that go with it."""

    position: int
    state: StepState
    columns: dict[str, Any] = field(default_factory=dict)


class IllegalStep(RuntimeError):
    """A row was not in a state from which the asked one can be reached: a defect."""


def began(position: int, **columns: Any) -> StepChange:
    return StepChange(position, StepState.RUNNING, {"started_at": timezone.now(), **columns})


def succeeded(position: int, result: str, **columns: Any) -> StepChange:
    return _ended(position, StepState.SUCCESS, result=result, **columns)


def failed(position: int, result: str, **columns: Any) -> StepChange:
    return _ended(position, StepState.FAILED, result=result, **columns)


def skipped(position: int, reason: str) -> StepChange:
    return StepChange(position, StepState.SKIPPED, {"result": reason})


def _ended(position: int, state: StepState, **columns: Any) -> StepChange:
    return StepChange(position, state, {"ended_at": timezone.now(), **columns})


def write(
    run_id: int,
    changes: Sequence[StepChange] = (),
    *,
    lines: Sequence[LogLine] = (),
    lease: Lease | None = None,
) -> None:
    """Apply ``changes`` and add ``lines``.

    Must be called inside a transaction. The numbers are taken first: the lock
    on the run's row gives them out in the order of the commits. With
    ``lease``, raise ``LeaseLost`` and write nothing if it is no longer held: a
    worker that takes over must wait for the same lock before it writes.
    """
    count = max(1, len(changes) + len(lines))
    # One cursor for all: on PostgreSQL the first statement of each costs as much as five more.
    with connection.cursor() as cursor:
        number = _take_numbers(cursor, run_id, count, lease) - count
        for change in changes:
            number += 1
            _apply(cursor, run_id, change, number)
        for line in lines:
            number += 1
            line.run_id, line.sequence = run_id, number
        if lines:
            _insert(cursor, lines)


def _take_numbers(cursor: CursorWrapper, run_id: int, count: int, lease: Lease | None) -> int:
    """Add ``count`` to the run's sequence and return it, in one statement; the ORM needs three."""
    statement, values = _TAKE, [count, run_id]
    if lease is not None:
        token = TaskInstance._meta.get_field("lease_token").get_db_prep_value(
            lease.token, connection
        )
        statement, values = _TAKE_HELD, [count, run_id, lease.task_instance_id, token]
        # PostgreSQL would else look at the row as it was before it waited for the run's lock.
        statement += " FOR NO KEY UPDATE)" if connection.vendor == "postgresql" else ")"
    cursor.execute(statement + _RETURNING, values)
    row = cursor.fetchone()
    if row is None:
        raise LeaseLost(f"task instance {lease and lease.task_instance_id}")
    return int(row[0])


_TAKE = "UPDATE tasks_dagrun SET sequence = sequence + %s WHERE id = %s"
_TAKE_HELD = (
    f"{_TAKE} AND EXISTS (SELECT 1 FROM tasks_taskinstance "  # noqa: S608 - no value is in it
    "WHERE id = %s AND lease_token = %s AND state = 'running'"
)
_RETURNING = " RETURNING sequence"


def _apply(cursor: CursorWrapper, run_id: int, change: StepChange, number: int) -> None:
    """One statement, written out: it is the hottest of all, and the ORM doubles its price."""
    columns: dict[str, Any] = {**change.columns, "state": change.state, "sequence": number}
    settings = [f"{name} = %s" for name in columns]
    values = [_prepared(name, value) for name, value in columns.items()]
    if change.state in (StepState.SUCCESS, StepState.FAILED) and "started_at" not in columns:
        settings.append("started_at = COALESCE(started_at, %s)")
        values.append(_prepared("started_at", columns["ended_at"]))
    allowed = [state.value for state in sources(STEP_MOVES, change.state)]
    if change.state in (StepState.PENDING, StepState.RUNNING):
        # A row that isn't over may tell more, and stay as it is.
        allowed.append(change.state.value)
    marks = ", ".join(["%s"] * len(allowed))
    statement = (
        f"UPDATE tasks_step SET {', '.join(settings)} "  # noqa: S608 - only names of columns
        f"WHERE run_id = %s AND position = %s AND state IN ({marks})"
    )
    cursor.execute(statement, [*values, run_id, change.position, *allowed])
    if not cursor.rowcount:
        raise IllegalStep(f"{change.position} of run {run_id} can't become {change.state}.")


def _insert(cursor: CursorWrapper, lines: Sequence[LogLine]) -> None:
    """One statement, written out as well."""
    fields = [field for field in LogLine._meta.concrete_fields if not field.primary_key]
    names = ", ".join(field.attname for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    values = [
        field.get_db_prep_save(getattr(line, field.attname), connection)
        for line in lines
        for field in fields
    ]
    statement = f"INSERT INTO tasks_logline ({names}) VALUES {', '.join([row] * len(lines))}"  # noqa: S608
    cursor.execute(statement, values)


def _prepared(name: str, value: Any) -> Any:
    """``value`` as the column's field stores it."""
    return _COLUMNS[name].get_db_prep_save(value, connection)


_COLUMNS = {field.attname: field for field in Step._meta.concrete_fields}
