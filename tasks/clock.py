"""What happens because time passes: next tries, next looks, schedules, time limits of runs.

A thread of every worker looks every second. Whoever comes first does it: each
move is an UPDATE that asks for the state it moves from.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.utils import timezone

from tasks import live
from tasks.acts import stop_run
from tasks.engine import leases, writing
from tasks.engine.places import Message, WaitsOn, admit_tasks
from tasks.engine.versions import spec_of
from tasks.models import DagRun, TaskInstance
from tasks.schedules.due import tick as make_scheduled_runs
from tasks.states import RUN_TERMINAL, RunState, TaskState
from tasks.tasks import send, sweep

logger = logging.getLogger(__name__)

TICK = 1.0
#: Every so many ticks it is looked for what was lost.
TICKS_A_SWEEP = 5
#: Task instances that go on in one tick of one worker.
BATCH = 500
DUE_STATES = (TaskState.UP_FOR_RETRY, TaskState.UP_FOR_RESCHEDULE)


def start() -> None:
    """A thread of its own, because a message would wait behind those that it should help."""
    threading.Thread(target=_run, name="clock", daemon=True).start()


def _run() -> None:
    ticks = 0
    while not leases.stopping.is_set():
        tick(timezone.now())
        if ticks % TICKS_A_SWEEP == 0:
            _guarded(sweep)
        connection.close()
        ticks += 1
        leases.stopping.wait(TICK)


def tick(now: datetime) -> None:
    """Do all that is due at ``now``."""
    _guarded(lambda: send(go_on(now), at_once=True))
    _guarded(lambda: end_late_runs(now))
    _guarded(lambda: make_scheduled_runs(now))


def _guarded(part: Callable[[], object]) -> None:
    """Without its clock a worker makes no try, look or run any more: it outlives whatever fails."""
    try:
        part()
    except DatabaseFault:
        logger.warning("The database can't be asked for what is due; the next tick will.")
        connection.close()
    except Exception:
        logger.exception("A part of the clock's tick failed; the next one tries again.")


def go_on(now: datetime) -> list[Message]:
    """Queue the next tries and looks that are due."""
    due = TaskInstance.objects.filter(state__in=DUE_STATES, due_at__lte=now).order_by("due_at")
    by_run: dict[int, list[int]] = defaultdict(list)
    for pk, run_id in due.values_list("pk", "run_id")[:BATCH]:
        by_run[run_id].append(pk)
    return [message for run_id, ids in by_run.items() for message in _queue(run_id, ids, now)]


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
        _guarded(partial(stop_run, run))
