"""The status tracker: what the task holds at each point, derived from its steps alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.states import STEP_TERMINAL, StepState

COLUMNS = ("Start", "After step 2", "After step 3", "After step 5", "Final")
#: The step whose end brings each column.
_ENDS = (1, 2, 3, 5, 6)

LOADED = "Credentials and config loaded"
OPENED = "Client session object created"


@dataclass(frozen=True)
class Cell:
    """``when`` is past, now or next; a cell that is still to come says what is expected."""

    value: str
    when: str


@dataclass(frozen=True)
class Tracker:
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def track(states: Mapping[int, StepState]) -> Tracker:
    """``states`` are those of steps 1 to 6, as one task sees them."""
    states = _as_it_stands(states)
    reached = max(
        (column for column, number in enumerate(_ENDS) if _is_over(states, number)), default=-1
    )
    over = reached == len(_ENDS) - 1
    values = {
        "connection_details": _connection_details(states),
        "session": _session(states),
        "task_status": _task_status(states),
    }
    return Tracker(
        tuple(
            (
                name,
                tuple(
                    Cell(value, _when(column, max(reached, 0), over))
                    for column, value in enumerate(row)
                ),
            )
            for name, row in values.items()
        )
    )


def _as_it_stands(states: Mapping[int, StepState]) -> Mapping[int, StepState]:
    """A task whose work has begun without a connection holds none, and waits for none."""
    has_begun = states[4] != StepState.PENDING
    unasked = [number for number in (2, 3) if has_begun and states[number] == StepState.PENDING]
    return {**states, **dict.fromkeys(unasked, StepState.SKIPPED)}


def _when(column: int, reached: int, over: bool) -> str:
    if column > reached:
        return "next"
    return "now" if column == reached and not over else "past"


def _is_over(states: Mapping[int, StepState], number: int) -> bool:
    return states[number] in STEP_TERMINAL


def _did_not(states: Mapping[int, StepState], number: int) -> bool:
    """Whether the step is over without having done its work."""
    return _is_over(states, number) and states[number] != StepState.SUCCESS


def _connection_details(states: Mapping[int, StepState]) -> tuple[str, ...]:
    details = "None" if _did_not(states, 2) else LOADED
    final = "None" if details == "None" else "None (released)"
    return ("None", details, details, details, final)


def _session(states: Mapping[int, StepState]) -> tuple[str, ...]:
    if _did_not(states, 3):
        return ("None",) * 5
    closed = "Not closed" if states[5] == StepState.FAILED else "Session closed"
    return ("None", "None", OPENED, closed, "None")


#: What a step that ended otherwise makes of its task.
_ENDINGS = {StepState.FAILED: "Failed", StepState.CANCELLED: "Cancelled"}


def _task_status(states: Mapping[int, StepState]) -> tuple[str, ...]:
    if all(states[number] == StepState.SKIPPED for number in (2, 3, 4)):
        return ("Not started",) * 4 + ("Skipped",)
    # A task that asks for no connection waits for none.
    first = "Running" if states[2] == StepState.SKIPPED else "Waiting for connection"
    words = ["Not started", first, "Running", "Completed", "Success"]
    if states[4] == StepState.SKIPPED:
        words[3:] = ["Skipped"] * 2
    ended = next((number for number in (2, 3, 4) if states[number] in _ENDINGS), None)
    if ended:
        words[ended - 1 :] = [_ENDINGS[states[ended]]] * (6 - ended)
    return tuple(words)
