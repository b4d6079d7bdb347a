"""When a DAG runs by its schedule, and for which dates. No database, no clock: both are given.

As in Airflow 3 a run's logical date is the moment that its schedule names, and
its data interval is empty. With ``data_intervals`` it is as in Airflow 2: the
run for an interval comes when the interval is over, and its logical date is
the interval's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tasks.schedules.cron import BadCron, Cron, zone_of
from tasks.spec import DagSpec, SpecError

ONCE, CONTINUOUS = "@once", "@continuous"
SHORTEST_INTERVAL = 1.0
#: The clock's resolution: what is later than a moment less this is at it, or later.
_TICK = timedelta(microseconds=1)
#: A DAG without a start date that is this late for a run makes it all the same (Airflow's rule).
_JUST_MISSED = timedelta(minutes=5)


@dataclass(frozen=True)
class Slot:
    """A run that the schedule wants: from ``run_after`` on, for these dates. All in UTC."""

    run_after: datetime
    logical_date: datetime
    data_interval_start: datetime
    data_interval_end: datetime

    @classmethod
    def at(cls, moment: datetime, *, since: datetime | None = None) -> Slot:
        """The slot at the end of an interval; an empty one where it has no start."""
        start = moment if since is None else since
        return cls(moment, start, start, moment)


class _Ticks(Protocol):
    def after(self, moment: datetime) -> datetime | None: ...

    def before(self, moment: datetime) -> datetime | None: ...


@dataclass(frozen=True)
class _Every:
    """Moments that are ``step`` apart; one of them is ``anchor``."""

    step: timedelta
    anchor: datetime

    def after(self, moment: datetime) -> datetime | None:
        return self._tick((moment - self.anchor) // self.step + 1)

    def before(self, moment: datetime) -> datetime | None:
        return self._tick(-((self.anchor - moment) // self.step) - 1)

    def _tick(self, number: int) -> datetime | None:
        try:
            return self.anchor + number * self.step
        except OverflowError:
            return None


def _moment(text: str | None, *, name: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SpecError(f"{name} {text!r} is no date with its time zone.") from None


class Timetable:
    """The schedule of a DAG. Raise ``SpecError`` where it can't be one.

    The moments of an interval are counted from the DAG's start date, and
    without one from its first run; a run that is late doesn't shift them.
    """

    def __init__(self, spec: DagSpec, *, data_intervals: bool = False) -> None:
        self._spec = spec
        self._has_intervals = data_intervals
        self._start = _moment(spec.start_date, name="start_date")
        self._end = _moment(spec.end_date, name="end_date")
        self._cron: Cron | None = None
        if spec.interval is not None and spec.interval < SHORTEST_INTERVAL:
            raise SpecError(f"A schedule of every {spec.interval} s: at least a second must be.")
        try:
            zone_of(spec.timezone)
            if not spec.interval and spec.schedule and not self.is_once and not self.is_continuous:
                self._cron = Cron(spec.schedule, spec.timezone)
        except BadCron as error:
            raise SpecError(f"schedule {spec.schedule!r}: {error}.") from None

    @property
    def is_scheduled(self) -> bool:
        return self._spec.is_scheduled

    @property
    def catchup(self) -> bool:
        return self._spec.catchup

    @property
    def most_runs(self) -> int | None:
        """How many scheduled runs may be unfinished at once; ``None`` where the DAG is silent."""
        return 1 if self.is_continuous else self._spec.max_active_runs

    @property
    def is_once(self) -> bool:
        return self._spec.schedule == ONCE

    @property
    def is_continuous(self) -> bool:
        return self._spec.schedule == CONTINUOUS

    def first(self, now: datetime, last: Slot | None = None) -> Slot | None:
        """The slot to wait for, or one that is due, where ``last`` was the latest that ran.

        Without catchup it is never earlier than the latest that is due ``now``.
        """
        if self.is_once:
            return None if last else self._within(Slot.at(self._start or now))
        if self.is_continuous:
            return self._continuous(now, last)
        ticks = self._ticks(last.run_after if last else now)
        if ticks is None:
            return None
        wanted = [self._following(ticks, last) if last else None, self._earliest(ticks)]
        if not self._spec.catchup or not any(wanted):
            is_new = last is None and self._start is None
            wanted.append(self._newest(ticks, now, is_new=is_new))
        return self._within(max((slot for slot in wanted if slot), key=_order, default=None))

    def due(self, slot: Slot, now: datetime) -> Slot | None:
        """What to run now that ``slot`` is due: it, or without catchup the latest that is.

        ``None`` where the end date came before it could run.
        """
        if self.is_continuous:
            return self._within(Slot.at(max(now, slot.run_after), since=slot.logical_date))
        ticks = self._ticks(slot.run_after)
        if self._spec.catchup or self.is_once or ticks is None:
            return slot
        latest = self._latest(ticks, now)
        return max(slot, latest, key=_order) if latest else slot

    def next_after(self, moment: datetime) -> Slot | None:
        """The first slot whose ``run_after`` is later than ``moment``, that of the run before."""
        if self.is_once:
            return None
        if self.is_continuous:
            return self._within(Slot.at(max(moment, self._start or moment)))
        ticks = self._ticks(moment)
        if ticks is None:
            return None
        tick = ticks.after(moment)
        slot = self._slot(ticks, tick) if tick else None
        found = [each for each in (slot, self._earliest(ticks)) if each]
        return self._within(max(found, key=_order, default=None))

    def _ticks(self, anchor: datetime) -> _Ticks | None:
        if self._spec.interval:
            return _Every(timedelta(seconds=self._spec.interval), self._start or anchor)
        return self._cron

    def _slot(self, ticks: _Ticks, tick: datetime) -> Slot:
        return Slot.at(tick, since=ticks.before(tick) if self._has_intervals else None)

    def _within(self, slot: Slot | None) -> Slot | None:
        if slot is None or self._end is None:
            return slot
        ends = slot.run_after if self.is_continuous else slot.logical_date
        return None if ends > self._end else slot

    def _earliest(self, ticks: _Ticks) -> Slot | None:
        """The first slot that the start date lets be."""
        if self._start is None:
            return None
        start = ticks.after(self._start - _TICK)
        tick = ticks.after(start) if start and self._has_intervals else start
        return self._slot(ticks, tick) if tick else None

    def _following(self, ticks: _Ticks, last: Slot) -> Slot | None:
        tick = ticks.after(last.run_after)
        slot = self._slot(ticks, tick) if tick else None
        # After a change of the schedule an interval may begin before that of the last run.
        while slot is not None and slot.logical_date <= last.logical_date:
            tick = ticks.after(slot.run_after)
            slot = self._slot(ticks, tick) if tick else None
        return slot

    def _newest(self, ticks: _Ticks, now: datetime, *, is_new: bool) -> Slot | None:
        """The latest slot that is due; of a new DAG without a start date only if just missed."""
        latest = ticks.before(now + _TICK)
        following = ticks.after(now) if is_new and not self._has_intervals else None
        if following and (
            latest is None or now - latest > max((following - latest) / 10, _JUST_MISSED)
        ):
            latest = following
        return self._slot(ticks, latest) if latest else None

    def _latest(self, ticks: _Ticks, now: datetime) -> Slot | None:
        """The latest slot that is due and not after the end date."""
        tick = ticks.before(now + _TICK)
        slot = self._slot(ticks, tick) if tick else None
        if slot is None or self._within(slot) or self._end is None:
            return slot
        start = ticks.before(self._end + _TICK)
        tick = ticks.after(start) if start and self._has_intervals else start
        return self._slot(ticks, tick) if tick else None

    def _continuous(self, now: datetime, last: Slot | None) -> Slot | None:
        start = last.data_interval_end if last else self._start or now
        moment = max(now, self._start or now)
        return self._within(Slot.at(moment, since=min(start, moment)))


def _order(slot: Slot) -> datetime:
    return slot.run_after
