"""The execution table: its rows, and how they may change. ``tasks.engine.writing`` changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from connections.database import kept_cursor
from connections.diagnosis import explain
from tasks.models import DagRun, LogLine, Step, TaskInstance
from tasks.states import StepState

#: Positions leave room for the steps of every try of every task between the run's first and last.
POSITIONS_A_TASK = 100_000
POSITIONS_A_TRY = 10
LAST_POSITION = 10**15
#: With more, the rows of a task would stand among those of the next one.
MOST_TRIES = POSITIONS_A_TASK // POSITIONS_A_TRY - 1


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


def position_of(number: int, task_position: int | None, try_number: int = 1) -> int:
    """Where a row stands in its run's table."""
    if number == 1:
        return 0
    if task_position is None:
        return LAST_POSITION
    return (task_position + 1) * POSITIONS_A_TASK + try_number * POSITIONS_A_TRY + number


def insert_all(run: DagRun) -> None:
    """Every row of a new run's table, as pending, in one statement."""
    frame = " UNION ALL SELECT %s, NULL, %s, %s, 1, 'pending', '', '', {}, 0, '', '', %s"
    statement = _INSERT_TRIES[connection.vendor]
    values = [run.sequence, run.pk]
    for number in (1, 6):
        statement += frame.format(_EMPTY_JSON[connection.vendor])
        values += [run.pk, number, position_of(number, None), run.sequence]
    with kept_cursor() as cursor:
        cursor.execute(statement, values)


def insert_tries(run_id: int, number: int, task_instance_ids: Sequence[int] | None = None) -> None:
    """Rows 2 to 5 of the present try of the run's task instances (or of some), as pending.

    One statement, whatever their number. ``number`` is what the rows get in
    the run's sequence.
    """
    statement, values = _INSERT_TRIES[connection.vendor], [number, run_id]
    if task_instance_ids is not None:
        if not task_instance_ids:
            return
        statement += f" AND ti.id IN ({', '.join(['%s'] * len(task_instance_ids))})"
        values += task_instance_ids
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


_EMPTY_JSON = {"postgresql": "'{}'::jsonb", "sqlite": "'{}'"}
_INSERT_TRIES = {
    vendor: f"""
    INSERT INTO tasks_step (run_id, task_instance_id, number, position, try_number, state,
        conn_id, result, facts, retries, error_code, vendor_message, sequence)
    SELECT ti.run_id, ti.id, n.number,
        (ti.position + 1) * CAST({POSITIONS_A_TASK} AS bigint)
            + ti.try_number * {POSITIONS_A_TRY} + n.number,
        ti.try_number, 'pending', ti.conn_id, '', {empty}, 0, '', '', %s
    FROM tasks_taskinstance ti
    CROSS JOIN (SELECT 2 AS number UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) n
    WHERE ti.run_id = %s"""  # noqa: S608 - constants only
    for vendor, empty in _EMPTY_JSON.items()
}


def reset_tries(run_id: int, task_instance_ids: Sequence[int], *, number: int) -> None:
    """The rows of present tries that never began, as pending again; earlier ones stay."""
    rows = Step.objects.filter(run_id=run_id, task_instance_id__in=task_instance_ids)
    rows = rows.filter(try_number=F("task_instance__try_number"))
    rows.update(**_EMPTY, state=StepState.PENDING, sequence=number)


def reopen_frame(run_id: int, *, number: int, with_first: bool) -> None:
    """The last row of a run that goes on, and the first of one that begins anew."""
    numbers = (1, 6) if with_first else (6,)
    rows = Step.objects.filter(run_id=run_id, number__in=numbers)
    rows.update(**_EMPTY, state=StepState.PENDING, sequence=number)


def place_anew(run_id: int) -> None:
    """Let the rows stand where their task instances now do."""
    place = TaskInstance.objects.filter(pk=OuterRef("task_instance_id")).values("position")
    rows = Step.objects.filter(run_id=run_id, task_instance__isnull=False)
    tries = F("try_number") * POSITIONS_A_TRY + F("number")
    # Twice, because no two rows may stand at one place, not even on the way.
    for offset in (LAST_POSITION // 2, 0):
        rows.update(position=(Subquery(place) + 1) * POSITIONS_A_TASK + tries + offset)


def add_lines(rows: Iterable[TaskInstance], text: str, *, number: int) -> None:
    """A line of each task's log, in the transaction that has taken ``number``."""
    LogLine.objects.bulk_create(
        LogLine(
            run_id=row.run_id,
            task_instance=row,
            try_number=row.try_number,
            sequence=number,
            text=text,
        )
        for row in rows
    )


@dataclass(frozen=True)
class StepChange:
    """A change of one row: its new state, and the columns that go with it.

    ``first`` is the state that it passes on the way, where several changes are one.
    """

    position: int
    state: StepState
    columns: dict[str, Any] = field(default_factory=dict)
    first: StepState | None = None


def began(position: int, **columns: Any) -> StepChange:
    return StepChange(position, StepState.RUNNING, {"started_at": timezone.now(), **columns})


def succeeded(position: int, result: str, **columns: Any) -> StepChange:
    return _ended(position, StepState.SUCCESS, result=result, **columns)


def failed(position: int, result: str, **columns: Any) -> StepChange:
    return _ended(position, StepState.FAILED, result=result, **columns)


def skipped(position: int, reason: str) -> StepChange:
    return StepChange(position, StepState.SKIPPED, {"result": reason})


def cancelled(position: int, result: str, **columns: Any) -> StepChange:
    return _ended(position, StepState.CANCELLED, result=result, **columns)


def not_closed(position: int, words: str, **columns: Any) -> StepChange:
    """A session that did not close; ``words`` are the service's own."""
    why = explain("session:close-failed", {})
    return failed(position, why.short, error_code=why.code, vendor_message=words, **columns)


def begun_anew(row: TaskInstance) -> list[StepChange]:
    """The touched rows of the try as pending again, for a worker that takes it over."""
    touched = Step.objects.filter(task_instance=row, try_number=row.try_number)
    found = touched.exclude(state=StepState.PENDING).order_by("position")
    return [
        StepChange(position, StepState.PENDING, dict(_EMPTY))
        for position in found.values_list("position", flat=True)
    ]


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("result", "error_code", "vendor_message"), ""),
    **dict.fromkeys(("started_at", "ended_at")),
    "facts": {},
    "retries": 0,
}


def _ended(position: int, state: StepState, **columns: Any) -> StepChange:
    return StepChange(position, state, {"ended_at": timezone.now(), **columns})


def end_tries(
    run_id: int,
    number: int,
    state: StepState,
    *,
    reasons: Mapping[str, Sequence[int]],
) -> None:
    """End the rows of many task instances that are not over: words -> task instances.

    All get one number of the run's sequence: they change in one transaction.
    """
    for reason, task_instance_ids in reasons.items():
        rows = Step.objects.filter(run_id=run_id, task_instance_id__in=task_instance_ids)
        rows.filter(state__in=(StepState.PENDING, StepState.RUNNING)).update(
            state=state, result=reason, sequence=number
        )
