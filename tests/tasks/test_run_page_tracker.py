"""The status tracker of a task that took another way than the usual one."""

from __future__ import annotations

import pytest

from tasks.presentation.tracker import track
from tasks.states import StepState

P, R, S, F, X, C = (
    StepState.PENDING,
    StepState.RUNNING,
    StepState.SUCCESS,
    StepState.FAILED,
    StepState.SKIPPED,
    StepState.CANCELLED,
)


def status(*states: StepState) -> list[str]:
    """``task_status`` where steps 2 to 5 stand so."""
    steps = dict(zip(range(1, 7), (S, *states, S), strict=True))
    [_, _, (name, cells)] = track(steps).rows
    assert name == "task_status"
    return [cell.value for cell in cells]


WAITS, RUNS, DONE = "Waiting for connection", "Running", "Completed"


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((S, S, S, S), [WAITS, RUNS, DONE, "Success"]),
        ((X, X, S, X), [RUNS, RUNS, DONE, "Success"]),
        ((X, X, F, X), [RUNS, RUNS, "Failed", "Failed"]),
        ((S, S, X, S), [WAITS, RUNS, "Skipped", "Skipped"]),
        ((S, S, C, S), [WAITS, RUNS, "Cancelled", "Cancelled"]),
        ((S, C, C, C), [WAITS, "Cancelled", "Cancelled", "Cancelled"]),
        ((C, C, C, C), ["Cancelled"] * 4),
        ((F, X, X, X), ["Failed"] * 4),
        ((X, X, X, X), ["Not started"] * 3 + ["Skipped"]),
    ],
)
def test_the_status_says_how_the_task_ended(
    states: tuple[StepState, ...], words: list[str]
) -> None:
    assert status(*states) == ["Not started", *words]


def test_a_task_without_a_connection_holds_nothing() -> None:
    rows = dict(track(dict(zip(range(1, 7), (S, X, X, S, X, S), strict=True))).rows)
    assert {cell.value for cell in rows["session"]} == {"None"}
    assert {cell.value for cell in rows["connection_details"]} == {"None"}


def test_a_task_that_works_without_a_connection_is_running_and_waits_for_none() -> None:
    states = (S, P, P, R, P, P)
    rows = dict(track(dict(zip(range(1, 7), states, strict=True))).rows)
    assert [cell.value for cell in rows["task_status"] if cell.when == "now"] == ["Running"]
    assert {cell.value for cell in rows["session"]} == {"None"}
