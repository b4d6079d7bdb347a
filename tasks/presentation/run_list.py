"""What the list of runs is asked for: its address, read and written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone

from access.moments import wrong_moment
from tasks.models import DagRun
from tasks.states import RUN_TERMINAL, RunState

LIVE = "live"
ACTIVE = tuple(sorted(set(RunState) - RUN_TERMINAL))
STATES = (LIVE, *RunState)
TYPES = {"manual": "By hand", "scheduled": "By schedule"}


@dataclass(frozen=True)
class RunFilters:
    """All that the address says; days are whole days of the time zone in use."""

    state: str = ""
    dag_id: str = ""
    run_type: str = ""
    first: date | None = None
    last: date | None = None

    @property
    def is_narrowed(self) -> bool:
        return self != RunFilters()

    @property
    def query(self) -> str:
        """The address from its ``?`` on."""
        found = {
            "state": self.state,
            "dag": self.dag_id,
            "type": self.run_type,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }
        return f"?{urlencode({name: value for name, value in found.items() if value})}"

    def with_(self, **changes: Any) -> RunFilters:
        return replace(self, **changes)


def read(sent: QueryDict) -> tuple[RunFilters, list[str]]:
    """What ``sent`` asks for, and what of it (as ``name=value``) there isn't, and is ignored."""
    ignored: list[str] = []

    def one_of(name: str, known: Any) -> str:
        value = sent.get(name, "")
        if value in ("", *known):
            return value
        ignored.append(f"{name}={value[:40]}")
        return ""

    def day(name: str) -> date | None:
        value = sent.get(name, "")
        try:
            found = date.fromisoformat(value) if value else None
        except ValueError:
            found = None
        if value and (found is None or wrong_moment(_midnight(found))):
            ignored.append(f"{name}={value[:40]}")
            return None
        return found

    filters = RunFilters(
        state=one_of("state", STATES),
        dag_id=sent.get("dag", "").replace("\0", "").strip()[:250],
        run_type=one_of("type", TYPES),
        first=day("from"),
        last=day("to"),
    )
    return filters, ignored


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def matching(filters: RunFilters) -> QuerySet[DagRun]:
    """The newest first."""
    runs = DagRun.objects.order_by("-queued_at", "-pk")
    if filters.state == LIVE:
        runs = runs.filter(state__in=ACTIVE)
    elif filters.state:
        runs = runs.filter(state=filters.state)
    if filters.dag_id:
        runs = runs.filter(dag__dag_id=filters.dag_id)
    if filters.run_type:
        runs = runs.filter(run_type=filters.run_type)
    if filters.first:
        runs = runs.filter(queued_at__gte=_midnight(filters.first))
    if filters.last:
        runs = runs.filter(queued_at__lt=_midnight(filters.last + timedelta(days=1)))
    return runs
