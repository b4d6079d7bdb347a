"""Decides what runs next, in the transaction in which a task instance ends.

The caller has taken a number of the run's sequence (``tasks.engine.writing``), and so
holds the row of the run locked: two tasks that end at once see each other. What
follows from an end costs as much as the task has followers, however large its
run is: each task instance counts those before it that are not over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from connections.database import kept_cursor
from tasks.engine import ending, places, steps
from tasks.engine.places import Message
from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.models import TaskInstance
from tasks.operators import OPERATORS
from tasks.spec import DagSpec
from tasks.states import (
    TASK_MOVES,
    StepState,
    TaskState,
)

FAILED_STATES = frozenset({TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED})
#: A wave that reaches further is settled in memory, all at once.
LONGEST_CASCADE = 25
NOTHING_TO_DO = "Nothing to do"


class IllegalMove(RuntimeError):
    """A row was not in a state from which the asked one can be reached: a defect."""


class Follower(NamedTuple):
    """A task instance after one that ended, with its counts as they are now."""

    pk: int
    task_id: str
    state: str
    left: int
    failed: int
    skipped: int


def follow(
    run_id: int,
    spec: DagSpec,
    ended: Mapping[str, TaskState],
    *,
    number: int,
    skip: Mapping[str, str] | None = None,
) -> list[Message]:
    """Settle what follows from task instances that are over now; the messages to be sent.

    ``skip`` names tasks that are to be skipped because one that ended chose so, with why.
    """
    settling = Settling(run_id, spec, number=number)
    settling.count(len(ended))
    settling.force_skips(skip or {})
    settling.cascade(dict(ended))
    return settling.done()


class Settling:
    """What follows from one end, collected and then written in few statements."""

    def __init__(self, run_id: int, spec: DagSpec, *, number: int) -> None:
        self.run_id = run_id
        self.spec = spec
        self.number = number
        self.over = 0
        self.now: datetime = timezone.now()
        #: In order; a set in effect.
        self.to_queue: dict[int, None] = {}
        self.new_ends: dict[str, TaskState] = {}

    def count(self, over: int) -> None:
        self.over += over

    def force_skips(self, skip: Mapping[str, str]) -> None:
        """Those that still wait; the others have gone their way."""
        if not skip:
            return
        waiting = dict(
            TaskInstance.objects.filter(
                run_id=self.run_id, task_id__in=skip, state=TaskState.PENDING
            ).values_list("task_id", "pk")
        )
        by_reason: dict[str, list[str]] = defaultdict(list)
        for task_id in waiting:
            by_reason[skip[task_id]].append(task_id)
        for reason, task_ids in by_reason.items():
            ids = {waiting[task_id]: task_id for task_id in task_ids}
            self.end(ids, TaskState.SKIPPED, reason=reason)

    def cascade(self, ended: Mapping[str, TaskState]) -> None:
        """Count down the followers of what ended, of what ends by that, and so on."""
        self.new_ends |= ended
        for _ in range(LONGEST_CASCADE):
            if not self.new_ends:
                return
            ended, self.new_ends = self.new_ends, {}
            self._judge(self._counted_down(ended))
        self._settle_the_rest()

    def _settle_the_rest(self) -> None:
        """In memory: statements for each link of a long chain would take too long."""
        from tasks.engine.resettling import settle_all

        self.new_ends = {}
        settle_all(self)

    def _counted_down(self, ended: Mapping[str, TaskState]) -> list[Follower]:
        """The followers of ``ended``, after they were told."""
        deltas: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for task_id, state in ended.items():
            for follower in self.spec.downstream.get(task_id, ()):
                delta = deltas[follower]
                delta[0] += 1
                delta[1] += state in FAILED_STATES
                delta[2] += state == TaskState.SKIPPED
        groups: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for task_id, delta in deltas.items():
            groups[tuple(delta)].append(task_id)
        found: list[Follower] = []
        for values, task_ids in groups.items():
            with kept_cursor(values=len(task_ids)) as cursor:
                marks = ", ".join(["%s"] * len(task_ids))
                cursor.execute(_COUNT_DOWN.format(marks), [*values, self.run_id, *task_ids])
                found += [Follower(*row) for row in cursor.fetchall()]
        return found

    def _judge(self, followers: Iterable[Follower]) -> None:
        verdicts: dict[Verdict, dict[int, str]] = defaultdict(dict)
        for row in followers:
            if row.state == TaskState.PENDING:
                task = self.spec.task(row.task_id)
                counts = Upstream(len(task.upstream), row.left, row.failed, row.skipped)
                verdicts[verdict(task.trigger_rule, counts)][row.pk] = row.task_id
        self.release(verdicts[Verdict.RUN])
        self.end(verdicts[Verdict.SKIP], TaskState.SKIPPED, reason=SKIPPED_BY_RULE)
        self.end(verdicts[Verdict.FAIL], TaskState.UPSTREAM_FAILED, reason=FAILED_BEFORE)

    def release(self, ready: Mapping[int, str]) -> None:
        """Queue what may run now; what has nothing to do is over at once."""
        instant = {pk: task_id for pk, task_id in ready.items() if is_instant(self.spec, task_id)}
        self.to_queue |= {pk: None for pk in ready if pk not in instant}
        self.end(instant, TaskState.SUCCESS, reason=NOTHING_TO_DO, started_at=self.now)

    def end(
        self, rows: Mapping[int, str], state: TaskState, *, reason: str, **columns: Any
    ) -> None:
        """End waiting task instances (id -> task_id) that no worker has to run."""
        if not rows:
            return
        move(
            list(rows), TaskState.PENDING, state, ended_at=self.now, sequence=self.number, **columns
        )
        steps.end_tries(self.run_id, self.number, StepState.SKIPPED, reasons={reason: list(rows)})
        self.over += len(rows)
        self.new_ends |= dict.fromkeys(rows.values(), state)

    def done(self) -> list[Message]:
        """Write what is queued, and end the run when nothing is left."""
        self.cascade({})
        ids = list(self.to_queue)
        messages = places.queue(self.run_id, self.spec, ids, number=self.number)
        return [
            *messages,
            *ending.count_down(self.run_id, self.spec, over=self.over, number=self.number),
        ]


SKIPPED_BY_RULE = "Skipped: the tasks before it ended otherwise than its trigger rule asks"
FAILED_BEFORE = "A task before it failed"
_COUNT_DOWN = (
    "UPDATE tasks_taskinstance SET upstream_left = upstream_left - %s, "
    "upstream_failed = upstream_failed + %s, upstream_skipped = upstream_skipped + %s "
    "WHERE run_id = %s AND task_id IN ({}) "
    "RETURNING id, task_id, state, upstream_left, upstream_failed, upstream_skipped"
)


def is_instant(spec: DagSpec, task_id: str) -> bool:
    operator = OPERATORS.get(spec.task(task_id).operator)
    return operator is not None and operator.is_instant


def move(ids: Iterable[int], source: TaskState, target: TaskState, **columns: Any) -> None:
    """Move all of ``ids``; raise ``IllegalMove`` where one is not in ``source``."""
    ids = list(ids)
    if target not in TASK_MOVES[source]:
        raise IllegalMove(f"{source} can't become {target}.")
    moved = TaskInstance.objects.filter(pk__in=ids, state=source).update(state=target, **columns)
    if moved != len(ids):
        raise IllegalMove(f"{len(ids) - moved} of {len(ids)} were not {source}.")
