"""When the schedule of a DAG makes its next run: what ``Dag.next_run_at`` and its like say."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction

from tasks.models import Dag, DagRun, DagVersion
from tasks.schedules.timetable import Slot, Timetable
from tasks.spec import DagSpec, SpecError

logger = logging.getLogger(__name__)

SCHEDULED = "scheduled"
#: A scheduled run for a date that is further ahead was made by a clock that was wrong.
AHEAD = timedelta(minutes=1)
#: Timetables that one process keeps; each is small.
KEPT = 10_000


def timetable_of(version_id: int) -> Timetable:
    """Raise ``SpecError`` where the version has a schedule that can't be."""
    return kept_timetable(version_id, settings.CRON_DATA_INTERVALS)


@lru_cache(maxsize=KEPT)
def kept_timetable(version_id: int, data_intervals: bool) -> Timetable:
    """A version never changes. Its tasks, which may be many, aren't read for this."""
    spec = DagVersion.objects.values_list("spec", flat=True).get(pk=version_id)
    return Timetable(DagSpec.from_json({**spec, "tasks": ()}), data_intervals=data_intervals)


def starts_paused(spec: DagSpec) -> bool:
    """Whether a new DAG waits for somebody to switch its schedule on."""
    if spec.is_paused_upon_creation is not None:
        return spec.is_paused_upon_creation
    return spec.is_scheduled and settings.DAGS_PAUSED_AT_CREATION


def plan(dag: Dag, now: datetime, *, is_mended: bool = False) -> None:
    """Find the next run anew: after a new version, a pause, or the end of one.

    Called in the transaction of what changed; it writes its own columns only.
    With ``is_mended`` a DAG without catchup has no run that is due already: the
    clock was wrong, and when it was right is not known.
    """
    with transaction.atomic():
        locked = Dag.objects.select_for_update(no_key=True).only(
            "dag_id", "is_paused", "is_missing", "current_version_id"
        )
        stored = locked.get(pk=dag.pk)
        store(dag, _next(stored, now, is_mended=is_mended))


def store(dag: Dag, slot: Slot | None, *, seen: datetime | None = None) -> bool:
    """Write ``slot`` as the next one; where ``seen`` is given, only if that still is the next."""
    values = {
        "next_run_at": slot.run_after if slot else None,
        "next_logical_date": slot.logical_date if slot else None,
        "next_interval_start": slot.data_interval_start if slot else None,
    }
    rows = Dag.objects.filter(pk=dag.pk)
    if seen is not None:
        rows = rows.filter(next_run_at=seen, is_paused=False, is_missing=False)
    is_done = rows.update(**values) == 1
    if is_done:
        for name, value in values.items():
            setattr(dag, name, value)
    return is_done


def slot_of(dag: Dag) -> Slot | None:
    """The slot that its columns name; its interval ends when it may run."""
    at, logical, start = dag.next_run_at, dag.next_logical_date, dag.next_interval_start
    if at is None:
        return None
    return Slot(at, logical or at, start or logical or at, at)


def _next(dag: Dag, now: datetime, *, is_mended: bool) -> Slot | None:
    if dag.is_paused or dag.is_missing or dag.current_version_id is None:
        return None
    try:
        timetable = timetable_of(dag.current_version_id)
        slot = timetable.first(now, _last(dag, now)) if timetable.is_scheduled else None
        if is_mended and slot and slot.run_after <= now and not timetable.catchup:
            slot = timetable.next_after(slot.run_after)
    except SpecError as error:
        logger.warning("DAG %s is not scheduled: %s", dag.dag_id, error)
        return None
    return slot


def _last(dag: Dag, now: datetime) -> Slot | None:
    """The latest scheduled run; what a clock that ran ahead made doesn't count."""
    runs = DagRun.objects.filter(dag=dag, run_type=SCHEDULED, logical_date__lte=now + AHEAD)
    names = ("logical_date", "data_interval_start", "data_interval_end")
    found = runs.order_by("-logical_date").values_list(*names).first()
    if found is None:
        return None
    logical, start, end = found
    return Slot(end or logical, logical, start or logical, end or logical)
