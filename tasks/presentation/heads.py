"""The tasks of a run as a list: a window of it, one head for each task, and where its time went.

A run may have thousands of tasks. Whatever is asked here costs as much as the
window is wide, and a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Count, F, IntegerField, Max, Min, Q, QuerySet, Value, When
from django.utils import timezone

from tasks.engine import database_time
from tasks.models import DagRun, Step, TaskInstance
from tasks.presentation.execution_table import between, work_of
from tasks.presentation.waits import LOST_WORDS, Circumstances, Wait, waits_of
from tasks.states import TASK_HELD, TASK_WAITING, StepState, TaskState

PAGE = 100
#: A run of so few tasks shows the steps of all of them.
ALL_OPEN = 6
#: So many open by themselves in a longer one: what failed, then what runs.
OPEN_BY_THEMSELVES = 10
#: In a list longer than ``LONG`` a task that runs opens after so long: most are over before.
SLOW = timedelta(seconds=3)
#: From here on what matters most comes first, as long as nobody asks for the order.
LONG = 100

#: The states by how much they matter to who looks.
IMPORTANCE = (
    TaskState.FAILED,
    TaskState.RUNNING,
    TaskState.CANCELLING,
    TaskState.UP_FOR_RETRY,
    TaskState.QUEUED,
    TaskState.UP_FOR_RESCHEDULE,
    TaskState.PENDING,
    TaskState.UPSTREAM_FAILED,
    TaskState.CANCELLED,
    TaskState.SUCCESS,
    TaskState.SKIPPED,
    TaskState.REMOVED,
)
OPEN_STATES = (TaskState.FAILED, TaskState.RUNNING, TaskState.CANCELLING)
#: What is shown for a task whose worker tells nothing any more, until it is taken over.
LOST = "lost"


@dataclass(frozen=True)
class Filter:
    """Which tasks are asked for: by state, by a part of the task ID, in which order."""

    state: str = ""
    text: str = ""
    sort: str = ""

    def rows(self, run: DagRun, total: int) -> QuerySet[TaskInstance]:
        rows = run.task_instances.all()
        if self.state:
            rows = rows.filter(state=self.state)
        if self.text:
            rows = rows.filter(task_id__icontains=self.text)
        if self.by_importance(total):
            return rows.annotate(rank=_RANK).order_by("rank", "position")
        return rows.order_by("position")

    def by_importance(self, total: int) -> bool:
        return self.sort == "state" or (not self.sort and total > LONG)

    def is_sorted(self, total: int) -> bool:
        """Whether a task's place in the list follows from its state."""
        return self.by_importance(total) and total > 1 and not self.state and not self.text


_RANK = Case(
    *(When(state=state, then=Value(rank)) for rank, state in enumerate(IMPORTANCE)),
    default=Value(len(IMPORTANCE)),
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Counts:
    """How many tasks a run has in each state, what matters most first."""

    by_state: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    @property
    def failed(self) -> int:
        return self.by_state.get(TaskState.FAILED, 0)


def count_states(run: DagRun) -> Counts:
    found = run.task_instances.order_by().values_list("state").annotate(Count("pk"))
    counts = dict(found)
    return Counts({state: counts[state] for state in IMPORTANCE if state in counts})


@dataclass(frozen=True)
class TaskHead:
    """One task in the list. ``where`` says at which step it is, how it ended, or why."""

    task_instance: TaskInstance
    state: str
    where: str
    wait: Wait | None
    seconds: float | None
    is_open: bool = False

    @property
    def lost_words(self) -> str:
        return LOST_WORDS

    @property
    def was_retried(self) -> bool:
        return self.state == TaskState.SUCCESS and self.task_instance.try_number > 1

    @property
    def tries(self) -> str:
        row = self.task_instance
        if row.started_at is None and row.try_number == 1:
            return ""
        if row.max_tries == 1 and row.try_number == 1:
            return ""
        return f"try {row.try_number} of {max(row.max_tries, row.try_number)}"


def heads_of(
    run: DagRun, instances: Sequence[TaskInstance], *, opened: Collection[int] = ()
) -> list[TaskHead]:
    """``opened`` are the positions of those whose steps are shown."""
    where = _where(instances)
    waits = waits_of(instances, Circumstances(run))
    now = database_time.now()
    return [
        TaskHead(
            task_instance=each,
            state=_shown_state(each, now),
            where=_marked(each) or where.get(each.pk, ""),
            wait=waits.get(each.position),
            seconds=None if each.state in TASK_WAITING else between(each.started_at, each.ended_at),
            is_open=each.position in opened,
        )
        for each in instances
    ]


def _shown_state(instance: TaskInstance, now: datetime) -> str:
    expires = instance.lease_expires_at
    is_lost = instance.state in TASK_HELD and expires is not None and expires < now
    return LOST if is_lost else instance.state


def _marked(instance: TaskInstance) -> str:
    if not instance.marked_by_name:
        return ""
    return f"marked by {instance.marked_by_name}: {instance.note}".removesuffix(": ")


#: The ends of step 4 that say what became of the task.
_ENDS = (StepState.SUCCESS, StepState.SKIPPED, StepState.CANCELLED)


def _where(instances: Sequence[TaskInstance]) -> dict[int, str]:
    """Task instance -> how far its present try is, or what became of it.

    Of one that waits for its next try, why the last one failed.
    """
    told = Q(state__in=(StepState.RUNNING, StepState.FAILED)) | Q(number=4, state__in=_ENDS)
    present = Q(try_number=F("task_instance__try_number"))
    last = Q(try_number=F("task_instance__try_number") - 1, state=StepState.FAILED)
    steps = Step.objects.filter(
        told,
        present | last & Q(task_instance__state=TaskState.UP_FOR_RETRY),
        task_instance__in=list(instances),
    ).order_by("number")
    operators = {each.pk: each.operator for each in instances}
    found: dict[int, str] = {}
    for pk, number, state, result in steps.values_list(
        "task_instance_id", "number", "state", "result"
    ):
        if state == StepState.FAILED:
            words = f"step {number}: {result}"
        elif state == StepState.RUNNING:
            words = f"step {number}: {result or work_of(number, operators[pk]).action}"
        elif state == StepState.SUCCESS:
            words = result or work_of(number, operators[pk]).done
        else:
            words = result
        # What came of it after a step that failed is that it was not reached.
        if pk not in found or state in (StepState.RUNNING, StepState.SUCCESS):
            found[pk] = words
    return found


def open_by_themselves(instances: Sequence[TaskInstance], total: int) -> set[int]:
    """The positions of those whose steps are shown without being asked for."""
    if total <= ALL_OPEN:
        return {each.position for each in instances}
    slow = timezone.now() - SLOW
    found = [
        each.position
        for state in OPEN_STATES
        for each in instances
        if each.state == state and (total <= LONG or _is_worth_opening(each, slow))
    ]
    return set(found[:OPEN_BY_THEMSELVES])


def _is_worth_opening(instance: TaskInstance, slow: datetime) -> bool:
    """In a long run, of those that run only the ones that have run since ``slow``."""
    is_quick = instance.started_at is None or instance.started_at > slow
    return not (instance.state == TaskState.RUNNING and is_quick)


@dataclass(frozen=True)
class Part:
    """A part of a lane: from when, for how long, in seconds of the run; what became of it."""

    start: float
    width: float
    state: str = ""
    goes_on: bool = False


@dataclass(frozen=True)
class Lane:
    """Where the time of one task went: its earlier tries, then queued and running."""

    task_instance: TaskInstance
    tries: tuple[Part, ...]
    queued: Part | None
    running: Part | None
    seconds_queued: float | None
    seconds: float | None


def length_of(run: DagRun) -> float:
    """Seconds that the timeline of the run spans."""
    end = run.ended_at or timezone.now()
    return round(max((end - run.queued_at).total_seconds(), 0.001), 3)


def lanes_of(run: DagRun, instances: Sequence[TaskInstance]) -> list[Lane]:
    again = [each.pk for each in instances if each.try_number > 1]
    tries: dict[int, list[Part]] = {}
    if again:
        found = Step.objects.filter(
            task_instance__in=again, try_number__lt=F("task_instance__try_number")
        )
        times = found.order_by("task_instance", "try_number").values(
            "task_instance_id", "try_number"
        )
        told = times.annotate(
            start=Min("started_at"),
            end=Max("ended_at"),
            failed=Count("pk", filter=Q(state=StepState.FAILED)),
            cancelled=Count("pk", filter=Q(state=StepState.CANCELLED)),
        ).values_list("task_instance_id", "start", "end", "failed", "cancelled")
        for pk, start, end, failed, cancelled in told:
            if start and end:
                state = "failed" if failed else "cancelled" if cancelled else "success"
                tries.setdefault(pk, []).append(_part(run, start, end, state))
    return [_lane(run, each, tuple(tries.get(each.pk, ()))) for each in instances]


def _lane(run: DagRun, row: TaskInstance, tries: tuple[Part, ...]) -> Lane:
    # While it waits for its next try, its times are those of the last one.
    has_begun = row.started_at is not None and row.state != TaskState.UP_FOR_RETRY
    is_known = not row.is_over or row.started_at or row.ended_at
    was_queued = row.queued_at and is_known and row.state != TaskState.UP_FOR_RETRY
    return Lane(
        task_instance=row,
        tries=tries,
        queued=_part(run, row.queued_at, row.started_at or row.ended_at) if was_queued else None,
        running=_part(run, row.started_at, row.ended_at, row.state) if has_begun else None,
        seconds_queued=between(row.queued_at, row.started_at),
        seconds=between(row.started_at, row.ended_at),
    )


def _part(run: DagRun, start: datetime | None, end: datetime | None, state: str = "") -> Part:
    """Without an end it goes on until the run ends."""
    begin = between(run.queued_at, start) or 0
    stop = between(run.queued_at, end) if end else length_of(run)
    width = max((stop or 0) - begin, 0)
    return Part(round(begin, 3), round(width, 3), state, end is None and not run.is_over)
