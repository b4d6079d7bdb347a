"""Lists connections and shows one, as Airflow does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from django.db.models import F, Lookup, Q, QuerySet, Value
from django.db.models.functions import Substr
from django.db.models.lookups import Exact
from django.http import HttpRequest, HttpResponse
from ninja import Query

from access.bearer import Bearer
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right
from connections.api.routing import airflow
from connections.api.schemas import ConnectionCollection, ConnectionResponse
from connections.exceptions import SecretsUnreadable
from connections.fields import SecretTextField
from connections.masking import MASK
from connections.models import Connection
from connections.redaction import hidden_columns, redacted_extra
from connections.types import type_of
from connections.validation import wrong_conn_id

#: What a list may be ordered by, and the column of each.
ORDERS = {
    "conn_id": "conn_id",
    "conn_type": "conn_type",
    "description": "description",
    "host": "host",
    "port": "port",
    "id": "id",
    "team_name": "team",
    "connection_id": "conn_id",
}
MOST_ORDERS = 10
LONGEST_PATTERN = 1000
#: Names the connections of an answer whose secrets no configured key can read.
UNREADABLE_HEADER = "Patchbay-Unreadable"

OrderBy = Annotated[
    list[str],
    Query(description=f"Of {', '.join(ORDERS)}; `-` before it for descending. Repeats."),
]
Pattern = Annotated[
    str | None,
    Query(
        max_length=LONGEST_PATTERN,
        description="What the ID contains, in any case; `|` is or, `%` and `_` are wildcards, "
        "`~` is all.",
    ),
]
PrefixPattern = Annotated[
    str | None,
    Query(
        max_length=LONGEST_PATTERN,
        description="What the ID begins with, in this case; `|` is or, `~` is all.",
    ),
]


@airflow.get(
    "",
    auth=Bearer(Right.SEE),
    summary="List connections",
    response={200: ConnectionCollection, 400: Problem, **refusals()},
    by_alias=True,
)
def get_connections(
    request: HttpRequest,
    response: HttpResponse,
    limit: Limit = 50,
    offset: Offset = 0,
    order_by: OrderBy = ["id"],  # noqa: B006, ninja copies it
    connection_id_pattern: Pattern = None,
    connection_id_prefix_pattern: PrefixPattern = None,
) -> dict[str, Any]:
    """A page of connections, with their secrets as `***`."""
    rows = Connection.objects.order_by(*_order(order_by))
    rows = _matching(rows, connection_id_pattern)
    rows = _beginning(rows, connection_id_prefix_pattern)
    page = list(rows[page_of(limit=limit, offset=offset)])
    return {"connections": shown_all(page, response), "total_entries": rows.count()}


@airflow.get(
    "/{connection_id}",
    auth=Bearer(Right.SEE),
    summary="Get a connection",
    response={200: ConnectionResponse, **refusals(404)},
    by_alias=True,
)
def get_connection(
    request: HttpRequest, response: HttpResponse, connection_id: str
) -> dict[str, Any]:
    """One connection, with its secrets as `***`."""
    refuse_impossible(connection_id)
    connection = Connection.objects.filter(conn_id=connection_id).first()
    if connection is None:
        raise not_found(connection_id)
    return shown_all([connection], response)[0]


def refuse_impossible(conn_id: str) -> None:
    """An ID that can't be isn't found; the database may not even take it."""
    if wrong_conn_id(conn_id):
        raise not_found(conn_id)


def not_found(conn_id: str) -> Refused:
    return Refused(404, f"The Connection with connection_id: `{conn_id}` was not found")


def shown_all(connections: Iterable[Connection], response: HttpResponse) -> list[dict[str, Any]]:
    """Airflow's objects. A header names those whose secrets can't be read."""
    found, unreadable = [], []
    for connection in connections:
        try:
            found.append(_shown(connection, _decrypted(connection)))
        except SecretsUnreadable:
            found.append(_shown(connection, {}))
            unreadable.append(quote(connection.conn_id))
    if unreadable:
        response[UNREADABLE_HEADER] = ", ".join(unreadable)
    return found


def _decrypted(connection: Connection) -> dict[str, str | None]:
    """What may be seen of login, schema and extra; a secret isn't even decrypted."""
    declared = type_of(connection.conn_type)
    hidden = hidden_columns(declared)
    found: dict[str, str | None] = {
        name: _masked(connection, name) if name in hidden else getattr(connection, name) or None
        for name in ("login", "schema")
    }
    extra = connection.extra
    seen = redacted_extra(declared, json.loads(extra)) if extra else None
    return found | {"extra": json.dumps(seen) if seen else None}


def _shown(connection: Connection, seen: dict[str, str | None]) -> dict[str, Any]:
    return {
        "connection_id": connection.conn_id,
        "conn_type": connection.conn_type,
        "description": connection.description or None,
        "host": connection.host or None,
        "login": seen.get("login"),
        "schema": seen.get("schema"),
        "port": connection.port,
        "password": _masked(connection, "password"),
        "extra": seen.get("extra"),
        "team_name": connection.team or None,
    }


def _masked(connection: Connection, name: str) -> str | None:
    field = connection._meta.get_field(name)
    assert isinstance(field, SecretTextField)
    return None if field.stored(connection) is None else MASK


def _order(names: list[str]) -> list[str]:
    """The columns to order by; the last makes the order certain. Raise ``Refused``."""
    if len(names) > MOST_ORDERS:
        raise Refused(400, f"Ordering with more than {MOST_ORDERS} parameters is not allowed.")
    order: dict[str, str] = {}
    for name in names:
        plain = name.lstrip("-")
        if plain not in ORDERS:
            words = "is disallowed or the attribute does not exist on the model"
            raise Refused(400, f"Ordering with '{plain}' {words}")
        sign = "-" if name.startswith("-") else ""
        order.setdefault(ORDERS[plain], sign)
    order.setdefault("id", "-" if names and names[0].startswith("-") else "")
    return [sign + column for column, sign in order.items()]


class _Like(Lookup[bool]):
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


def _matching(rows: QuerySet[Connection], pattern: str | None) -> QuerySet[Connection]:
    parts = _parts(pattern)
    if parts is None:
        return rows
    wanted = Q(pk__in=[])
    for part in parts:
        wanted |= Q(_Like(F("conn_id"), Value(f"%{part}%")))
    return rows.filter(wanted)


def _beginning(rows: QuerySet[Connection], pattern: str | None) -> QuerySet[Connection]:
    parts = _parts(pattern)
    if parts is None:
        return rows
    wanted = Q(pk__in=[])
    for part in parts:
        beginning = part.rstrip("%")
        # Not by startswith, which on SQLite makes no difference of case.
        wanted |= Q(Exact(Substr("conn_id", 1, len(beginning)), Value(beginning)))
    return rows.filter(wanted)
