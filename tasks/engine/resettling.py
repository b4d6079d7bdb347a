"""Settles a whole run anew, from the states of its task instances alone.

For what changes many of them at once: clearing, marking, another version, a
failure at the head of a long chain. It costs as much as the run is large.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any

from tasks.engine import ending, steps
from tasks.engine.places import Message, queue
from tasks.engine.trigger_rules import Upstream, Verdict, verdict
from tasks.models import DagRun, TaskInstance, XCom
from tasks.spec import DagSpec
from tasks.states import TASK_TERMINAL, StepState, TaskState

if TYPE_CHECKING:
    from tasks.engine.scheduling import Settling

#: Under this XCom key a task that branched tells which tasks it skipped. Airflow's name.
SKIPS_KEY = "skipmixin_key"
_COUNTS = ("upstream_left", "upstream_failed", "upstream_skipped")


@dataclass
class _Row:
    """A task instance, as it is and as it was."""

    pk: int
    task_id: str
    state: TaskState
    counts: tuple[int, ...]
    was: TaskState
    is_ready: bool = False


def resettle(run_id: int, spec: DagSpec, *, number: int, admits: bool = True) -> list[Message]:
    """Count, release and end all that follows from the states as they are; the messages to send.

    The caller holds the row of the run locked. Without ``admits`` it lets other runs begin itself
    where this one ends.
    """
    from tasks.engine.scheduling import Settling

    if not DagRun.objects.filter(pk=run_id, admitted_at__isnull=False).exists():
        # It waits for its place: nothing of it may run yet.
        return _end_if_over(run_id, spec, number=number, admits=admits)
    settling = Settling(run_id, spec, number=number)
    settle_all(settling)
    messages = queue(run_id, spec, list(settling.to_queue), number=number)
    return [*messages, *_end_if_over(run_id, spec, number=number, admits=admits)]


def _end_if_over(run_id: int, spec: DagSpec, *, number: int, admits: bool) -> list[Message]:
    left = TaskInstance.objects.filter(run_id=run_id).exclude(state__in=TASK_TERMINAL).count()
    DagRun.objects.filter(pk=run_id).update(tasks_left=left)
    return [] if left else ending.end(run_id, spec, number=number, admits=admits)


def settle_all(settling: Settling) -> None:
    """Write counts and ends of all task instances; ``to_queue`` gets those that may run."""
    rows = _rows_of(settling.run_id)
    skips = _skips_of(settling.run_id)
    for task_id in _in_order(settling.spec):
        if row := rows.get(task_id):
            _settle(row, rows, settling, is_skipped=task_id in skips)
    _write(settling, list(rows.values()))


def _rows_of(run_id: int) -> dict[str, _Row]:
    found = TaskInstance.objects.filter(run_id=run_id).values_list(
        "pk", "task_id", "state", *_COUNTS
    )
    return {
        task_id: _Row(pk, task_id, TaskState(state), tuple(counts), TaskState(state))
        for pk, task_id, state, *counts in found
    }


def _skips_of(run_id: int) -> set[str]:
    """What branches have skipped, as long as they stand."""
    values = XCom.objects.filter(
        task_instance__run=run_id, task_instance__state=TaskState.SUCCESS, key=SKIPS_KEY
    ).values_list("value", flat=True)
    return {name for value in values if value for name in value.get("skipped", ())}


def _in_order(spec: DagSpec) -> list[str]:
    graph = {task.task_id: task.upstream for task in spec.tasks}
    return list(TopologicalSorter(graph).static_order())


def _settle(row: _Row, rows: dict[str, _Row], settling: Settling, *, is_skipped: bool) -> None:
    from tasks.engine.scheduling import FAILED_STATES, is_instant

    task = settling.spec.task(row.task_id)
    before = [rows[name].state for name in task.upstream if name in rows]
    row.counts = (
        sum(state not in TASK_TERMINAL for state in before),
        sum(state in FAILED_STATES for state in before),
        sum(state == TaskState.SKIPPED for state in before),
    )
    if row.state != TaskState.PENDING:
        return
    found = verdict(task.trigger_rule, Upstream(len(task.upstream), *row.counts))
    if is_skipped or found is Verdict.SKIP:
        row.state = TaskState.SKIPPED
    elif found is Verdict.FAIL:
        row.state = TaskState.UPSTREAM_FAILED
    elif found is Verdict.RUN:
        row.is_ready = True
        if is_instant(settling.spec, row.task_id):
            row.state = TaskState.SUCCESS


def _write(settling: Settling, rows: list[_Row]) -> None:
    from tasks.engine.scheduling import FAILED_BEFORE, NOTHING_TO_DO, SKIPPED_BY_RULE, move

    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    ends: dict[TaskState, list[int]] = defaultdict(list)
    for row in rows:
        groups[row.counts].append(row.pk)
        if row.state != row.was:
            ends[row.state].append(row.pk)
        elif row.is_ready:
            settling.to_queue[row.pk] = None
    for counts, ids in groups.items():
        columns: dict[str, Any] = dict(zip(_COUNTS, counts, strict=True))
        TaskInstance.objects.filter(pk__in=ids).exclude(**columns).update(**columns)
    reasons = {
        TaskState.SKIPPED: SKIPPED_BY_RULE,
        TaskState.UPSTREAM_FAILED: FAILED_BEFORE,
        TaskState.SUCCESS: NOTHING_TO_DO,
    }
    for state, ids in ends.items():
        columns = {"ended_at": settling.now, "sequence": settling.number}
        move(ids, TaskState.PENDING, state, **columns)
        steps.end_tries(
            settling.run_id, settling.number, StepState.SKIPPED, reasons={reasons[state]: ids}
        )
        settling.over += len(ids)
