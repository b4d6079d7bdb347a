"""Cron texts as Airflow reads them (croniter's dialect), and the moments they name in a time zone.

The days are found by cronsim on the wall clock alone. What the wall clock means
on the two nights of a year when it is set is decided here, as Airflow does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
LONGEST = 500
#: Further from a change of the clock than this, a moment has nothing to do with it.
_NEAR = timedelta(hours=26)


class BadCron(ValueError):
    """The words of what is wrong with a cron text."""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


@dataclass(frozen=True)
class _Field:
    """One of the fields of a cron text: its name, its values, and their names."""

    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def is_weekday(self) -> bool:
        return self.label == "day of the week"

    def wrong(self, term: str, why: str) -> BadCron:
        return BadCron(f"{self.label} {term!r}: {why}")

    def number(self, text: str, term: str) -> int:
        if text in self.names:
            return self.names.index(text) + self.low
        if not _is_number(text):
            raise self.wrong(term, f"not a number from {self.low} to {self.high}")
        value = int(text)
        if not self.low <= value <= self.high + self.is_weekday:
            raise self.wrong(term, f"must be from {self.low} to {self.high}")
        return value

    def values(self, term: str) -> list[int]:
        """What ``*``, ``5``, ``1-5``, ``*/2``, ``1-5/2`` or ``5/2`` stands for."""
        span, slash, step_text = term.partition("/")
        step = 1
        if slash:
            if not (_is_number(step_text) and int(step_text)):
                raise self.wrong(term, "the step after / must be a number from 1")
            step = int(step_text)
        if span == "*":
            return list(range(self.low, self.high + 1, step))
        first, dash, last = span.partition("-")
        low = self.number(first, term)
        if not dash:
            first_day = 0 if low > self.high else low
            return list(range(first_day, self.high + 1, step)) if slash else [low]
        return self._between(low, self.number(last, term), step, term)

    def _between(self, low: int, high: int, step: int, term: str) -> list[int]:
        if low == high:
            raise self.wrong(term, "Airflow takes it for *; write one value, or *")
        if low < high:
            return list(range(low, high + 1, step))
        if step > 1:
            raise self.wrong(term, "a range that goes past the end has no step; write its values")
        return [*range(low, self.high + 1), *range(self.low, high + 1)]


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, tuple(_MONTHS))
_WEEKDAY = _Field("day of the week", 0, 6, tuple(_DAYS))
_FIELDS = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY, _SECOND)


def _plain(field: _Field, text: str) -> str:
    """The field with its values written out, ``*`` for all of them: as cronsim reads it."""
    is_day = field in (_DAY, _WEEKDAY)
    if text == "*" or (text == "?" and is_day):
        return "*"
    numbers: set[int] = set()
    special: list[str] = []
    for term in text.split(","):
        if field is _DAY and term == "L":
            special.append(term)
        elif field.is_weekday and len(term) == 2 and "L" in term:
            special.append(f"{field.number(term.replace('L', ''), term) % 7}L")
        elif field.is_weekday and "#" in term:
            days, _, nth = term.partition("#")
            if nth not in ("1", "2", "3", "4", "5"):
                raise field.wrong(term, "after # comes a number from 1 to 5")
            special += [f"{day % 7}#{nth}" for day in field.values(days)]
        else:
            numbers |= {each % 7 if field.is_weekday else each for each in field.values(term)}
    # Where both days are given, one of them is enough; only a plain * is not given.
    if len(numbers) == field.high - field.low + 1 and not is_day:
        return "*"
    return ",".join([*map(str, sorted(numbers)), *special])


def _for_cronsim(text: str) -> list[str]:
    """Six fields, the seconds first; Airflow has them last."""
    if len(text) > LONGEST:
        raise BadCron(f"it has {len(text)} characters; {LONGEST} are allowed")
    parts = PRESETS.get(text, text).upper().split()
    if len(parts) not in (5, 6):
        raise BadCron(f"a cron text has 5 fields, or 6 with seconds at the end, not {len(parts)}")
    plain = [_plain(field, part) for field, part in zip(_FIELDS, parts, strict=False)]
    return [*plain[5:], *plain[:5]] if len(plain) == 6 else ["0", *plain]


def zone_of(name: str) -> ZoneInfo:
    """Raise ``BadCron`` where there is no such time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadCron(f"there is no time zone {name!r}") from None


class Cron:
    """The moments that a cron text names, in UTC.

    A schedule whose hour is ``*`` follows real time: it runs in each hour that
    the clock shows, also in the one that comes twice. Any other follows the
    wall clock: each time that it names comes once a day. One that the clock
    jumps over comes as much later as the clock jumps; of one that comes twice
    it is the second. So does Airflow.
    """

    def __init__(self, text: str, timezone: str = "UTC") -> None:
        fields = _for_cronsim(text)
        self._text = " ".join(fields)
        self._zone = zone_of(timezone)
        self._is_hourly = fields[2] == "*"
        try:
            CronSim(self._text, datetime(2000, 1, 1))
        except CronSimError:
            raise BadCron("no month has such a day") from None

    def after(self, moment: datetime) -> datetime | None:
        """The first tick later than ``moment``; ``None`` where none comes in 50 years."""
        return self._nearest(moment, is_back=False)

    def before(self, moment: datetime) -> datetime | None:
        """The last tick earlier than ``moment``; ``None`` where none was in 50 years."""
        return self._nearest(moment, is_back=True)

    def _nearest(self, moment: datetime, *, is_back: bool) -> datetime | None:
        try:
            wall = moment.astimezone(self._zone).replace(tzinfo=None)
            found = next(self._walls(wall, is_back=is_back), None)
            if found is None:
                return None
            spread = self._spread(moment, found)
            if not spread:
                return found.replace(tzinfo=self._zone).astimezone(UTC)
            return self._nearest_at_a_change(moment, spread, is_back=is_back)
        except OverflowError:
            return None

    def _nearest_at_a_change(
        self, moment: datetime, spread: timedelta, *, is_back: bool
    ) -> datetime | None:
        """Near a change of the clock the order of moments isn't that of the wall clock."""
        margin = spread if is_back else -spread
        best: datetime | None = None
        wall = moment.astimezone(self._zone).replace(tzinfo=None)
        for each in self._walls(wall + margin, is_back=is_back):
            if best is not None and abs(each - wall) > abs(self._wall(best) - wall) + 2 * spread:
                break
            for tick in self._ticks(each):
                if is_back and tick < moment and (best is None or tick > best):
                    best = tick
                if not is_back and tick > moment and (best is None or tick < best):
                    best = tick
        return best

    def _wall(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _walls(self, wall: datetime, *, is_back: bool) -> Iterator[datetime]:
        return CronSim(self._text, wall, reverse=is_back)

    def _spread(self, moment: datetime, wall: datetime) -> timedelta:
        """By how much the clock is set near ``moment`` or ``wall``, or between them."""
        there = wall.replace(tzinfo=self._zone)
        here = moment.astimezone(self._zone)
        near = (self._offset(each, by) for each in (here, there) for by in (-_NEAR, _NEAR))
        offsets = [*near, self._offset(here, timedelta()), self._offset(there, timedelta())]
        return max(offsets) - min(offsets)

    def _offset(self, moment: datetime, by: timedelta) -> timedelta:
        offset = (moment.astimezone(UTC) + by).astimezone(self._zone).utcoffset()
        return offset or timedelta()

    def _ticks(self, wall: datetime) -> list[datetime]:
        """The moments of a wall-clock time that is named: one, or two of an hourly schedule."""
        early = wall.replace(tzinfo=self._zone, fold=0)
        late = wall.replace(tzinfo=self._zone, fold=1)
        if early.utcoffset() == late.utcoffset():
            return [early.astimezone(UTC)]
        both = [early.astimezone(UTC), late.astimezone(UTC)]
        if self._wall(both[0]) != wall:
            # No clock shows it. With the offset from before: as much later as the clock jumps.
            return [] if self._is_hourly else both[:1]
        return both if self._is_hourly else both[1:]
