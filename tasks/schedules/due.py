"""Makes the runs that the schedules of DAGs want, once each, however many processes look.

``Dag.next_run_at`` says when. Whoever makes a run moves it on in the same
transaction, by an UPDATE that counts its rows; and no two scheduled runs of a
DAG have one logical date, which the database holds.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.utils import timezone

from access.audit import Actor, record
from tasks.exceptions import TriggerRefused
from tasks.models import Dag, DagRun
from tasks.schedules.planning import AHEAD, SCHEDULED, plan, slot_of, store, timetable_of
from tasks.schedules.timetable import Slot
from tasks.services import create_run
from tasks.spec import SpecError
from tasks.states import RUN_TERMINAL

logger = logging.getLogger(__name__)

SCHEDULE = Actor("schedule")
#: Unfinished scheduled runs of a DAG that doesn't say ``max_active_runs`` (Airflow's default).
ACTIVE_RUNS = 16
#: What one tick makes at most; the next one goes on.
RUNS_A_TICK = 100


#: The minute in which this process has mended last.
_mended_at = 0


class _Advance(NamedTuple):
    """The run that was made of a DAG, and whether one more may be due."""

    run: int | None
    is_more: bool


_NOTHING = _Advance(None, is_more=False)


def tick(now: datetime) -> list[int]:
    """Make the runs that are due, and return their ids. Each worker calls it every second.

    DAGs take turns, so that one with much to catch up on doesn't hold up the others.
    """
    global _mended_at
    if (minute := int(now.timestamp()) // 60) != _mended_at:
        # Not at the second 0: a tick may take longer than a second.
        _mended_at = minute
        _mend_what_a_wrong_clock_planned(now)
    due = _due(now)
    made: list[int] = []
    while due:
        again = []
        for dag in due:
            if len(made) >= RUNS_A_TICK:
                return made
            run, is_more = _advance(dag, now)
            if run is not None:
                made.append(run)
            if is_more:
                again.append(dag)
        due = again
    return made


def set_paused(dag: Dag, is_paused: bool, *, actor: Actor) -> bool:
    """Stop or start the schedule of a DAG; return whether that is a change.

    Runs that there are go on, and a paused DAG can be triggered.
    """
    with transaction.atomic():
        changed = Dag.objects.filter(pk=dag.pk, is_paused=not is_paused).update(
            is_paused=is_paused, updated_at=timezone.now()
        )
        dag.is_paused = is_paused
        if changed:
            plan(dag, timezone.now())
            record(actor, "paused" if is_paused else "unpaused", what="dag", name=dag.dag_id)
    return bool(changed)


def _scheduled() -> QuerySet[Dag]:
    return Dag.objects.filter(is_paused=False, is_missing=False, current_version__isnull=False)


def _due(now: datetime) -> list[Dag]:
    """What is due, the longest first; those that wait for their runs to end are left out."""
    rows = _scheduled().filter(next_run_at__lte=now).order_by("next_run_at", "pk")
    due = list(rows.only("dag_id", "current_version_id"))
    unfinished = _unfinished([dag.pk for dag in due])
    return [dag for dag in due if dag.pk not in unfinished or unfinished[dag.pk] < _most(dag)]


def _unfinished(dags: Collection[int]) -> dict[int, int]:
    """How many scheduled runs of each DAG are not over."""
    if not dags:
        return {}
    rows = DagRun.objects.filter(dag__in=dags, run_type=SCHEDULED).exclude(state__in=RUN_TERMINAL)
    return dict(rows.order_by().values_list("dag").annotate(Count("pk")))


def _most(dag: Dag) -> int:
    """How many scheduled runs of the DAG may be unfinished at once."""
    try:
        return timetable_of(dag.current_version_id or 0).most_runs or ACTIVE_RUNS
    except SpecError:
        # Told where its next run is looked for.
        return ACTIVE_RUNS


def _advance(seen: Dag, now: datetime) -> _Advance:
    """Make the next run of a DAG, unless another process is at it."""
    with transaction.atomic():
        rows = _scheduled().select_for_update(no_key=True, skip_locked=True, of=("self",))
        dag = rows.filter(pk=seen.pk, next_run_at__lte=now).first()
        slot = slot_of(dag) if dag else None
        if dag is None or slot is None or _unfinished([dag.pk]).get(dag.pk, 0) >= _most(dag):
            return _NOTHING
        try:
            timetable = timetable_of(dag.current_version_id or 0)
            wanted = timetable.due(slot, now)
            following = timetable.next_after(wanted.run_after) if wanted else None
        except SpecError as error:
            logger.warning("DAG %s is no longer scheduled: %s", dag.dag_id, error)
            wanted = following = None
        if not store(dag, following, seen=slot.run_after):
            return _NOTHING
        made = _make(dag, wanted) if wanted else None
        return _Advance(made, is_more=following is not None and following.run_after <= now)


def _make(dag: Dag, slot: Slot) -> int | None:
    """The run's id; ``None`` where the DAG refuses it, or has it already."""
    try:
        run = create_run(
            dag,
            run_type=SCHEDULED,
            run_id=f"{SCHEDULED}__{slot.logical_date.isoformat()}",
            slot=slot,
            actor=SCHEDULE,
        )
    except TriggerRefused as error:
        logger.warning("No run of DAG %s for %s: %s", dag.dag_id, slot.logical_date, error)
        return None
    return run.pk


def _mend_what_a_wrong_clock_planned(now: datetime) -> None:
    """A clock that ran ahead made runs of the future, and then waits for what follows them."""
    future = DagRun.objects.filter(
        dag=OuterRef("pk"), run_type=SCHEDULED, logical_date__gt=now + AHEAD
    )
    for dag in _scheduled().filter(Exists(future), next_run_at__gt=now):
        plan(dag, now, is_mended=True)
