"""What happens because time passes: next tries, next looks, schedules, time limits of runs.

A thread of every worker looks every second. Whoever comes first does it: each
move is an UPDATE that asks for the state it moves from.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from tasks import live
from tasks.acts import stop_run
from tasks.engine import broker_contents, database_time, leases, recovery, writing
from tasks.engine.guarding import guarded
from tasks.engine.places import Message, WaitsOn, admit_tasks
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.schedules.due import RUNS_A_TICK
from tasks.schedules.due import tick as make_scheduled_runs
from tasks.states import RUN_TERMINAL, RunState, TaskState
from tasks.tasks import send

logger = logging.getLogger(__name__)

TICK = 1.0
#: Seconds between two looks for what was lost.
SWEEP = 5.0
#: Seconds between two looks whether the broker was emptied.
FILL = 2.0
#: Task instances that go on in one tick of one worker.
BATCH = 500
DUE_STATES = (TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE)


def start() -> None:
    """A thread of its own, because a message would wait behind those that it should help."""
    threading.Thread(target=_run, name="clock", daemon=True).start()


class Every:
    """Tells when so many seconds are over, by a clock that nobody sets."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        now = time.monotonic()
        is_due = now >= self._next
        if is_due:
            self._next = now + self._seconds
        return is_due


def _run() -> None:
    fills, sweeps = Every(FILL), Every(SWEEP)
    while not leases.stopping.is_set():
        if fills.is_due:
            guarded(fill_broker)
        is_more = guarded(lambda: tick(database_time.now()))
        if sweeps.is_due:
            guarded(database_time.ask)
            sweep()
        connection.close()
        if not is_more:
            leases.stopping.wait(TICK)


def tick(now: datetime) -> bool:
    """Do what is due at ``now``; whether it was more than is done at once."""
    tries = guarded(lambda: go_on(now)) or []
    guarded(lambda: send(tries, at_once=True))
    guarded(lambda: end_late_runs(now))
    runs = guarded(lambda: make_scheduled_runs(now)) or []
    return len(tries) >= BATCH or len(runs) >= RUNS_A_TICK


def sweep() -> None:
    """Send again what was lost."""
    for part in recovery.PARTS:
        if ready := guarded(part):
            logger.info("Sending %d task instances again.", len(ready))
            guarded(partial(send, ready, at_once=True))


def fill_broker() -> None:
    """Send all that waits where the broker is new, or was emptied: its messages are gone."""
    if not broker_contents.is_to_be_filled():
        return
    count = 0
    for ready in recovery.all_waiting():
        if not send(ready, at_once=True):
            return
        count += len(ready)
        broker_contents.go_on()
    broker_contents.mark_as_filled()
    if count:
        logger.warning("The broker was emptied: sent all %d waiting task instances again.", count)


def go_on(now: datetime) -> list[Message]:
    """Queue the next tries and looks that are due."""
    due = TaskInstance.objects.filter(state__in=DUE_STATES, due_at__lte=now).order_by("due_at")
    by_run: dict[int, list[int]] = defaultdict(list)
    for pk, run_id in due.values_list("pk", "run_id")[:BATCH]:
        by_run[run_id].append(pk)
    found: list[Message] = []
    for run_id, ids in by_run.items():
        found += guarded(partial(_queue, run_id, ids, now)) or []
    return found


def _queue(run_id: int, ids: list[int], now: datetime) -> list[Message]:
    """What has its limit of active tasks looks for a place like all others."""
    with transaction.atomic():
        number = writing.take_number(run_id)
        version_id = DagRun.objects.values_list("version_id", flat=True).get(pk=run_id)
        limit = spec_of(version_id).max_active_tasks
        rows = TaskInstance.objects.filter(pk__in=ids, state__in=DUE_STATES)
        found = [Message(pk, queue) for pk, queue in rows.values_list("pk", "queue")]
        columns = {
            "state": TaskState.QUEUED,
            "waits_on": WaitsOn.TASKS if limit else WaitsOn.NOTHING,
            "due_at": None,
            "queued_at": now,
            "sent_at": now,
            "sequence": number,
        }
        # A further try has its own times; a further look goes on in those of its try.
        new_try = rows.filter(state=TaskState.UP_FOR_RETRY)
        new_try.update(started_at=None, ended_at=None, **columns)
        rows.filter(state=TaskState.UP_FOR_RESCHEDULE).update(**columns)
        live.publish_on_commit(run_id)
        return admit_tasks(run_id, limit, number=number) if limit else found


def end_late_runs(now: datetime) -> None:
    """Stop the runs that have used up their DAG's ``dagrun_timeout``."""
    late = DagRun.objects.filter(deadline_at__lte=now).exclude(
        state__in=(*RUN_TERMINAL, RunState.CANCELLING)
    )
    for run in late[:BATCH]:
        guarded(partial(stop_run, run))
