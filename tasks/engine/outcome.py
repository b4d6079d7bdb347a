"""How one try of a task ended, as data; ``tasks.engine.settlement`` writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from connections.diagnosis import CATALOGUE, explain
from connections.exceptions import Failure
from tasks.engine import database_time
from tasks.engine.steps import MOST_TRIES, StepChange
from tasks.models import TaskInstance
from tasks.operators.base import TaskResult
from tasks.spec import RetryOn, TaskSpec
from tasks.states import StepState, TaskState

NOT_REACHED = "Not reached"


@dataclass(frozen=True)
class Outcome:
    """``state`` is what the task instance becomes, ``due_at`` when it goes on where it does.

    ``rows`` are changes of the try's rows by their number: (number, state,
    columns). ``lines`` are (level, text) for the log.
    """

    state: TaskState
    rows: tuple[tuple[int, StepState, dict[str, Any]], ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    due_at: datetime | None = None
    result: TaskResult | None = None

    @property
    def is_pause(self) -> bool:
        """A sensor that looks again: its last row stays open."""
        return self.state == TaskState.UP_FOR_RESCHEDULE

    def changes(self, at: Callable[[int], int], *, is_quiet: bool) -> list[StepChange]:
        """For the try's rows. With ``is_quiet``, steps 2 and 3 are over since an earlier look."""
        changes = []
        for number, state, columns in self.rows:
            if is_quiet and number in (2, 3):
                changes.append(StepChange(at(number), StepState.PENDING))
            changes.append(StepChange(at(number), state, columns))
        return changes


def done(result: TaskResult, *, facts: dict[str, Any]) -> Outcome:
    state = TaskState.SKIPPED if result.is_skipped else TaskState.SUCCESS
    step = StepState.SKIPPED if result.is_skipped else StepState.SUCCESS
    columns = {"ended_at": timezone.now(), "result": result.summary, "facts": facts}
    return Outcome(state, ((4, step, columns),), (("info", result.summary),), result=result)


def cancelled(words: str, *, facts: dict[str, Any]) -> Outcome:
    text = f"Cancelled: {words}" if words else "Cancelled"
    columns = {"ended_at": timezone.now(), "result": text, "facts": facts}
    return Outcome(TaskState.CANCELLED, ((4, StepState.CANCELLED, columns),), (("warning", text),))


def not_yet(values: Mapping[str, Any], row: TaskInstance) -> Outcome:
    """What a sensor waits for isn't there: it looks again, or gives up.

    ``values`` are the arguments that every sensor has. Raise ``Failure`` at its timeout.
    """
    now = database_time.now()
    looks = row.looks + 1
    waited = (now - (row.started_at or now)).total_seconds()
    if values["timeout"] is not None and waited >= values["timeout"]:
        if not values["soft_fail"]:
            raise Failure("task:sensor-timeout", seconds=f"{values['timeout']:g}", looks=looks)
        gave_up = TaskResult(f"Gave up after {looks} looks", is_skipped=True)
        return done(gave_up, facts={"looks": looks})
    due_at = now + timedelta(seconds=_pause(values, row.looks))
    columns = {
        "result": f"Not yet: looked {'once' if looks == 1 else f'{looks} times'}",
        "facts": {"looks": looks},
    }
    rows = ((4, StepState.RUNNING, columns),)
    line = f"not yet, next look in {(due_at - now).total_seconds():g} s"
    return Outcome(TaskState.UP_FOR_RESCHEDULE, rows, (("info", line),), due_at=due_at)


def _pause(values: Mapping[str, Any], looks: int) -> float:
    """Seconds until a sensor looks again."""
    seconds = max(float(values["poke_interval"]), SHORTEST_PAUSE)
    if values["exponential_backoff"]:
        seconds *= 2.0 ** min(looks, 32)
    if values["max_wait"]:
        seconds = min(seconds, float(values["max_wait"]))
    return min(seconds, LONGEST_DELAY)


def failed(
    failure: Failure, task: TaskSpec, row: TaskInstance, *, facts: dict[str, Any], number: int
) -> Outcome:
    """Row ``number`` failed, with the code and the facts for its words; another try, or none."""
    facts = {**facts, **failure.facts}
    words = explain(failure.code, facts)
    lines = [("error", f"{words.happened} ({failure.code})")]
    if failure.vendor_message:
        lines.append(("error", failure.vendor_message))
    columns: dict[str, Any] = {
        "ended_at": timezone.now(),
        "result": words.short,
        "error_code": failure.code,
        "facts": facts,
        "vendor_message": failure.vendor_message,
    }
    not_reached: dict[str, Any] = {"result": NOT_REACHED}
    later = [(each, StepState.SKIPPED, not_reached) for each in (3, 4) if each > number]
    rows = ((number, StepState.FAILED, columns), *later)
    if not _is_tried_again(failure, task, row):
        return Outcome(TaskState.FAILED, rows, tuple(lines))
    seconds = retry_delay(task, row.try_number, asked=failure.retry_after)
    lines.append(("warning", f"try {row.try_number + 1} of {row.max_tries} in {seconds:g} s"))
    due_at = database_time.now() + timedelta(seconds=seconds)
    return Outcome(TaskState.UP_FOR_RETRY, rows, tuple(lines), due_at=due_at)


def _is_tried_again(failure: Failure, task: TaskSpec, row: TaskInstance) -> bool:
    if row.try_number >= min(row.max_tries, MOST_TRIES):
        return False
    known = CATALOGUE.get(failure.code)
    return task.retry_on == RetryOn.ANY or known is None or known.is_worth_a_retry


def retry_delay(task: TaskSpec, try_number: int, *, asked: float | None = None) -> float:
    """Seconds between a failed try and the next; ``asked`` is what the service asked for."""
    seconds = task.retry_delay
    if task.retry_exponential_backoff:
        # A factor to so high a power may be more than a float holds.
        seconds *= task.retry_exponential_backoff ** min(try_number - 1, 64)
    if task.max_retry_delay is not None:
        seconds = min(seconds, task.max_retry_delay)
    return min(max(seconds, asked or 0.0), LONGEST_DELAY)


#: Seconds between two looks of a sensor, at least.
SHORTEST_PAUSE = 0.5
#: A year, in seconds: a time that is further away can't be stored everywhere.
LONGEST_DELAY = 31_536_000.0
