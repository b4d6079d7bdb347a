"""What a run or a task waits for, in words.

The words hold as long as the state does; ``since`` and ``until`` are moments,
so that a page can count on by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.utils import timezone

from connections.models import Connection
from patchbay.templatetags.patchbay import duration, listed
from tasks.engine import database_time
from tasks.engine.places import active_runs, sessions_held
from tasks.engine.versions import spec_of
from tasks.engine.workers import Worker, workers
from tasks.models import DagRun, TaskInstance
from tasks.spec import DagSpec
from tasks.states import TASK_HELD, TASK_TERMINAL, TASK_WAITING, RunState, TaskState

WaitsOn = TaskInstance.WaitsOn
#: A task with more tasks before it is told how many are left, not which.
MOST_NAMES = 20
NAMES_SHOWN = 3
LOST_WORDS = "Its worker tells nothing any more; another takes it over"


@dataclass(frozen=True)
class Wait:
    """``words``, then for how long since ``since``, or in how long until ``until``."""

    words: str
    since: datetime | None = None
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.words} {self.counting}".rstrip()

    @property
    def counting(self) -> str:
        """How long it has been, or how long it takes; a page counts on from there."""
        now = timezone.now()
        if self.since and (now - self.since).total_seconds() >= 1:
            return f"for {_whole(int((now - self.since).total_seconds()))}"
        if self.until:
            left = max(0, round((self.until - now).total_seconds()))
            return f"in {_whole(left)}, at {timezone.localtime(self.until):%H:%M:%S}"
        return ""


def _whole(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else duration(seconds)


class Circumstances:
    """What has to be known of a run's surroundings; each is asked for once, and when needed."""

    def __init__(self, run: DagRun) -> None:
        self.run = run
        self._sessions: dict[str, str] = {}

    @cached_property
    def spec(self) -> DagSpec:
        return spec_of(self.run.version_id)

    @cached_property
    def workers(self) -> list[Worker] | None:
        return workers()

    @cached_property
    def active_tasks(self) -> int:
        rows = self.run.task_instances
        sent = rows.filter(state=TaskState.QUEUED).exclude(waits_on=WaitsOn.TASKS)
        return rows.filter(state__in=TASK_HELD).count() + sent.count()

    @cached_property
    def active_runs(self) -> int:
        return active_runs(self.run.dag_id).count()

    def sessions(self, conn_id: str) -> str:
        """``2 of 2``: how many sessions of the connection are in use, of how many there may be."""
        if conn_id not in self._sessions:
            held = sessions_held(conn_id)
            found = Connection.objects.filter(conn_id=conn_id).first()
            limit = getattr(found, "max_sessions", None)
            self._sessions[conn_id] = f"{held} of {limit}" if limit else str(held)
        return self._sessions[conn_id]

    def before(self, instances: Iterable[TaskInstance]) -> dict[str, list[str]]:
        """For each pending task, the names of those it waits for, where they are few."""
        wanted = {
            each.task_id: self.spec.by_id[each.task_id].upstream
            for each in instances
            if each.state == TaskState.PENDING and each.task_id in self.spec.by_id
        }
        wanted = {name: before for name, before in wanted.items() if len(before) <= MOST_NAMES}
        names = {name for before in wanted.values() for name in before}
        if not names:
            return {}
        rows = self.run.task_instances.filter(task_id__in=names)
        left = set(rows.exclude(state__in=TASK_TERMINAL).values_list("task_id", flat=True))
        return {name: [each for each in before if each in left] for name, before in wanted.items()}


def waits_of(instances: Iterable[TaskInstance], around: Circumstances) -> dict[int, Wait]:
    """Position -> what it waits for, for those that wait."""
    waiting = [each for each in instances if each.state in TASK_WAITING]
    before = around.before(waiting)
    found = {each.position: _wait(each, around, before) for each in waiting}
    return {position: wait for position, wait in found.items() if wait}


def run_wait(run: DagRun) -> Wait | None:
    """What a run waits for that isn't over and in which no worker is at anything."""
    if run.is_over:
        return None
    around = Circumstances(run)
    if run.state == RunState.CANCELLING:
        by = f" by {run.cancelled_by_name}" if run.cancelled_by_name else ""
        by += f" ({run.cancel_reason})" if run.cancel_reason else ""
        return Wait(f"Cancel was asked for{by}; it is cancelled when its running tasks have ended")
    limit = around.spec.max_active_runs
    if run.admitted_at is None and limit and around.active_runs >= limit:
        return Wait(
            f"Waits for a place: {around.active_runs} of {limit} runs of its DAG are active"
        )
    rows = run.task_instances.filter(state__in=TASK_WAITING | TASK_HELD)
    held = rows.filter(state__in=TASK_HELD).values_list("lease_expires_at", flat=True)
    if held.exists():
        is_lost = not held.exclude(lease_expires_at__lt=database_time.now()).exists()
        return Wait(LOST_WORDS) if is_lost else None
    for state in (TaskState.QUEUED, TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE):
        first = rows.filter(state=state).order_by("due_at", "position").first()
        wait = first and _wait(first, around, {})
        if wait:
            return wait
    return None


def _wait(
    instance: TaskInstance, around: Circumstances, before: dict[str, list[str]]
) -> Wait | None:
    match instance.state:
        case TaskState.QUEUED:
            return _queued(instance, around)
        case TaskState.UP_FOR_RETRY:
            return Wait("Next try", until=instance.due_at)
        case TaskState.UP_FOR_RESCHEDULE:
            looked = f"{instance.looks} time{'' if instance.looks == 1 else 's'}"
            return Wait(f"Looked {looked}, looks again", until=instance.due_at)
    return _pending(instance, before.get(instance.task_id, []))


def _pending(instance: TaskInstance, names: list[str]) -> Wait | None:
    if names:
        more = len(names) - NAMES_SHOWN
        shown = [*names[:NAMES_SHOWN], *([f"{more} more"] if more > 0 else [])]
        return Wait(f"Waits for {listed(shown)}")
    left = instance.upstream_left
    return Wait(f"Waits for {left} task{'' if left == 1 else 's'} before it") if left else None


def _queued(instance: TaskInstance, around: Circumstances) -> Wait | None:
    run, spec = around.run, around.spec
    if run.admitted_at is None and spec.max_active_runs and run.state == RunState.QUEUED:
        return Wait("Waits for a place among the active runs of its DAG")
    if instance.waits_on == WaitsOn.TASKS:
        return Wait(
            f"Waits for a place: {around.active_tasks} of {spec.max_active_tasks} tasks of its run "
            "are active"
        )
    if instance.waits_on == WaitsOn.CONNECTION:
        used = around.sessions(instance.conn_id)
        return Wait(f"Waits for a session: {instance.conn_id} is used by {used} sessions")
    if instance.sent_at is None or around.workers is None:
        return Wait(
            "Waits for the broker, which can't be reached; it is sent as soon as it is back"
        )
    if not around.workers:
        return Wait("Waits for a worker: none is running")
    if not any(instance.queue in _queues(worker) for worker in around.workers):
        return Wait(f"No worker listens on queue {instance.queue}", since=instance.queued_at)
    wait = Wait("Waits for a free worker", since=instance.queued_at)
    return wait if wait.counting else None


def _queues(worker: Worker) -> tuple[str, ...]:
    return tuple(getattr(worker, "queues", ("default",)))
