"""One page of the list of connections, and how many there are of each kind.

The number of queries is always the same, and nothing is decrypted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Func, Q, QuerySet, TextField, Value, When

from connections import dependents
from connections.dependents import Dependent
from connections.filters import Filters
from connections.health import Verdict, health_at, newest_test_at, verdict_of
from connections.models import Connection, ConnectionTest
from connections.search import search
from connections.types import type_of
from connections.types.base import ENCRYPTED_COLUMNS, ConnectionType

EXPIRING = timedelta(days=30)
_CHIP_COLUMNS = ("conn_type", "team", "health", "is_expiring", "is_unused")


@dataclass(frozen=True)
class Line:
    """One connection as the list shows it.

    ``variable`` is the environment variable that it comes from, ``hidden_by``
    the one that hides a stored connection of the same ID.
    """

    conn_id: str
    type: ConnectionType
    description: str
    target: str
    port: int | None
    verdict: Verdict
    dependents: tuple[Dependent, ...] = ()
    last_used: datetime | None = None
    last_test: datetime | None = None
    expires_at: datetime | None = None
    version: int = 0
    changed_at: datetime | None = None
    team: str = ""
    variable: str = ""
    hidden_by: str = ""

    @property
    def dependent_names(self) -> str:
        return ", ".join(each.name for each in self.dependents)


@dataclass(frozen=True)
class Cell:
    """How many connections are alike in all that the chips ask for."""

    conn_type: str
    team: str
    health: str
    is_expiring: bool
    is_unused: bool
    count: int


@dataclass(frozen=True)
class Counts:
    """The counts of the chips: each as many as would be shown if only it were chosen anew."""

    cells: tuple[Cell, ...]
    filters: Filters

    @property
    def matching(self) -> int:
        return self._tally[""].total()

    def by(self, column: str) -> Counter[Any]:
        """How many of each value of ``column`` fit all the chips but its own."""
        return self._tally[column]

    @cached_property
    def _tally(self) -> dict[str, Counter[Any]]:
        """Made in one pass: with many types and teams there are thousands of cells."""
        found: dict[str, Counter[Any]] = {column: Counter() for column in ("", *_CHIP_COLUMNS)}
        for cell in self.cells:
            unfit = [column for column, fits in self._fits(cell) if not fits]
            if not unfit:
                found[""][""] += cell.count
            for column in _CHIP_COLUMNS if not unfit else unfit if len(unfit) == 1 else ():
                found[column][getattr(cell, column)] += cell.count
        return found

    def _fits(self, cell: Cell) -> tuple[tuple[str, bool], ...]:
        asked = self.filters
        return (
            ("conn_type", not asked.types or cell.conn_type in asked.types),
            ("team", not asked.teams or cell.team in asked.teams),
            ("health", not asked.healths or cell.health in asked.healths),
            ("is_expiring", not asked.is_expiring or cell.is_expiring),
            ("is_unused", not asked.is_unused or cell.is_unused),
        )


@dataclass(frozen=True)
class Page:
    """``number`` is the page shown: the last one, if a later one was asked for."""

    lines: tuple[Line, ...]
    counts: Counts
    number: int
    pages: int


def page_of(filters: Filters, *, now: datetime, hidden: dict[str, str]) -> Page:
    """The page of stored connections. ``hidden`` maps IDs in capitals to what hides them."""
    used = dependents.used_ids()
    counts = Counts(_cells(filters, now=now, used=used), filters)
    pages = max(1, -(-counts.matching // filters.size))
    number = min(filters.page, pages)
    chosen = _slice(filters, number, now=now, used=used)
    return Page(_lines(chosen, now=now, hidden=hidden), counts, number, pages)


def ids_that_match(filters: Filters, *, now: datetime, at_most: int) -> list[str]:
    """The IDs of all that match, by ID; one more than ``at_most`` when there are more."""
    rows = _matching(filters, now=now, used=dependents.used_ids()).order_by("conn_id")
    return list(rows.values_list("conn_id", flat=True)[: at_most + 1])


def without_secrets() -> QuerySet[Connection]:
    """All connections, with what is encrypted left in the database."""
    return Connection.objects.defer(*ENCRYPTED_COLUMNS, "extra")


class _OneOf(Func):
    """Whether a text is one of many, which travel as one parameter however many they are."""

    output_field = BooleanField()
    template = "(%(expressions)s)))"
    arg_joiner = " IN (SELECT value FROM json_each("

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(
            compiler,
            connection,
            template="(%(expressions)s::jsonb)))",
            arg_joiner=" IN (SELECT jsonb_array_elements_text(",
            **context,
        )


def _is_used(used: Collection[str]) -> Q:
    """By primary key: an index holds it beside all that is counted by (``connection_list``)."""
    texts = Value(json.dumps(sorted(each for each in used if "\0" not in each)), TextField())
    rows = Connection.objects.filter(_OneOf(F("conn_id"), texts))
    return Q(pk__in=rows.values("pk"))


def _is_expiring(now: datetime) -> Q:
    return Q(expires_at__gt=now, expires_at__lte=now + EXPIRING)


def _cells(filters: Filters, *, now: datetime, used: Collection[str]) -> tuple[Cell, ...]:
    rows = (
        search(Connection.objects.order_by(), filters.words)
        .annotate(
            health=health_at(now),
            is_expiring=_truth(_is_expiring(now)),
            is_unused=_truth(~_is_used(used)),
        )
        .values_list("conn_type", "team", "health", "is_expiring", "is_unused")
        .annotate(count=Count("pk"))
    )
    return tuple(Cell(*row) for row in rows)


def _truth(condition: Q) -> Case:
    return Case(When(condition, then=Value(True)), default=Value(False))


def _matching(filters: Filters, *, now: datetime, used: Collection[str]) -> Any:
    rows: Any = search(without_secrets(), filters.words)
    if filters.types:
        rows = rows.filter(conn_type__in=filters.types)
    if filters.teams:
        rows = rows.filter(team__in=filters.teams)
    if filters.healths:
        rows = rows.alias(health=health_at(now)).filter(health__in=filters.healths)
    if filters.is_expiring:
        rows = rows.filter(_is_expiring(now))
    if filters.is_unused:
        rows = rows.exclude(_is_used(used))
    return rows


#: What is sorted by; dates and ports that aren't set come last, in either direction.
_ORDER: dict[str, str] = {
    "conn_id": "conn_id",
    "type": "conn_type",
    "description": "description",
    "host": "target",
    "port": "port",
    "expires": "expires_at",
    "version": "version",
    "changed": "updated_at",
    "team": "team",
}


def _slice(
    filters: Filters, number: int, *, now: datetime, used: Collection[str]
) -> list[Connection]:
    """The rows of page ``number`` in their order, with their health and newest test."""
    rows = _matching(filters, now=now, used=used)
    first, last = (number - 1) * filters.size, number * filters.size
    if filters.sort_name == "used":
        chosen = _by_last_use(rows, is_descending=filters.is_descending)[first:last]
    else:
        chosen = list(_ordered(rows, filters, now=now).values_list("pk", flat=True)[first:last])
    shown = without_secrets().annotate(health=health_at(now), test_id=newest_test_at(now))
    found = shown.in_bulk(chosen)
    return [found[pk] for pk in chosen if pk in found]


def _ordered(rows: Any, filters: Filters, *, now: datetime) -> Any:
    if filters.sort_name == "tested":
        rows = rows.alias(tested_at=newest_test_at(now, column="created_at"))
    column = F(_ORDER.get(filters.sort_name, "tested_at"))
    order = column.desc(nulls_last=True) if filters.is_descending else column.asc(nulls_last=True)
    return rows.order_by(order, "conn_id")


def _by_last_use(rows: Any, *, is_descending: bool) -> list[int]:
    """All that match, by when they were last used; those that never were come last."""
    pks = dict(rows.order_by("conn_id").values_list("conn_id", "pk"))
    moments = dependents.last_used(pks)
    used = [conn_id for conn_id in pks if conn_id in moments]
    unused = [conn_id for conn_id in pks if conn_id not in moments]
    used.sort(key=moments.__getitem__, reverse=is_descending)
    return [pks[conn_id] for conn_id in (*used, *unused)]


def _lines(rows: Iterable[Any], *, now: datetime, hidden: dict[str, str]) -> tuple[Line, ...]:
    rows = list(rows)
    tests = ConnectionTest.objects.defer("draft").in_bulk(
        [row.test_id for row in rows if row.test_id]
    )
    lines = []
    for row in rows:
        test = tests.get(row.test_id)
        lines.append(
            Line(
                conn_id=row.conn_id,
                type=type_of(row.conn_type),
                description=row.description,
                target=row.target or row.host,
                port=row.port,
                verdict=verdict_of(row, test),
                last_test=test.created_at if test else None,
                expires_at=row.expires_at,
                version=row.version,
                changed_at=row.updated_at,
                team=row.team,
                hidden_by=hidden.get(row.conn_id.upper(), ""),
            )
        )
    return with_use(lines)


def with_use(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines with what depends on each, and when it was last used."""
    lines = list(lines)
    ids = [line.conn_id for line in lines]
    used, moments = dependents.dependents_of(ids), dependents.last_used(ids)
    return tuple(
        replace(
            line,
            dependents=tuple(used[line.conn_id]),
            last_used=moments.get(line.conn_id),
        )
        for line in lines
    )
