"""Lists connections and shows one, as Airflow does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from ninja import Query

from access.bearer import Bearer
from access.filtering import Pattern, PrefixPattern, beginning, containing, ordering
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
#: Names the connections of an answer whose secrets no configured key can read.
UNREADABLE_HEADER = "Patchbay-Unreadable"

OrderBy = Annotated[
    list[str],
    Query(description=f"Of {', '.join(ORDERS)}; `-` before it for descending. Repeats."),
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
    rows = Connection.objects.order_by(*ordering(order_by, ORDERS, last=("id",)))
    rows = rows.filter(
        containing("conn_id", connection_id_pattern),
        beginning("conn_id", connection_id_prefix_pattern),
    )
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
