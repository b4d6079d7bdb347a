"""How a list of the API is narrowed and ordered, with Airflow's rules for patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from django.db.models import F, Lookup, Q, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact
from ninja import Query

from access.problems import Refused

MOST_ORDERS = 10
LONGEST_PATTERN = 1000

Pattern = Annotated[
    str | None,
    Query(
        max_length=LONGEST_PATTERN,
        description="What it contains, in any case; `|` is or, `%` and `_` are wildcards, "
        "`~` is all.",
    ),
]
PrefixPattern = Annotated[
    str | None,
    Query(
        max_length=LONGEST_PATTERN,
        description="What it begins with, in this case; `|` is or, `~` is all.",
    ),
]


class Like(Lookup[bool]):
    """SQL's pattern, in any case. Django has none that leaves ``%`` and ``_`` their meaning."""

    lookup_name = "like"

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_parameters = self.process_lhs(compiler, connection)
        right, right_parameters = self.process_rhs(compiler, connection)
        operator = "ILIKE" if connection.vendor == "postgresql" else "LIKE"
        # Without an escape, as on Airflow's SQLite: a backslash is a backslash.
        escape = " ESCAPE ''" if connection.vendor == "postgresql" else ""
        return f"{left} {operator} {right}{escape}", (*left_parameters, *right_parameters)


def _parts(pattern: str | None) -> list[str] | None:
    """The alternatives of a pattern; ``None`` for all."""
    if pattern is None or pattern in ("", "~"):
        return None
    parts = [part.strip() if "|" in pattern else part for part in pattern.split("|")]
    # No ID holds a NUL, and PostgreSQL refuses to look for one.
    return [part for part in parts if part and "\0" not in part]


def containing(column: str, pattern: str | None) -> Q:
    """What ``column`` contains, in any case."""
    parts = _parts(pattern)
    if parts is None:
        return Q()
    wanted = Q(pk__in=[])
    for part in parts:
        wanted |= Q(Like(F(column), Value(f"%{part}%")))
    return wanted


def beginning(column: str, pattern: str | None) -> Q:
    """What ``column`` begins with, in this case."""
    parts = _parts(pattern)
    if parts is None:
        return Q()
    wanted = Q(pk__in=[])
    for part in parts:
        start = part.rstrip("%")
        # Not by startswith, which on SQLite makes no difference of case.
        wanted |= Q(Exact(Substr(column, 1, len(start)), Value(start)))
    return wanted


def ordering(
    names: Sequence[str], columns: Mapping[str, str], *, last: Sequence[str] = ("pk",)
) -> list[str]:
    """The columns to order by; ``last`` makes the order certain. Raise ``Refused``.

    An empty column is a name that Airflow knows and that is the same for all rows here.
    """
    if len(names) > MOST_ORDERS:
        raise Refused(400, f"Ordering with more than {MOST_ORDERS} parameters is not allowed.")
    order: dict[str, str] = {}
    for name in names:
        plain = name.lstrip("-")
        if plain not in columns:
            words = "is disallowed or the attribute does not exist on the model"
            raise Refused(400, f"Ordering with '{plain}' {words}")
        if columns[plain]:
            order.setdefault(columns[plain], "-" if name.startswith("-") else "")
    sign = "-" if names and names[0].startswith("-") else ""
    for column in last:
        order.setdefault(column, sign)
    return [sign + column for column, sign in order.items()]
