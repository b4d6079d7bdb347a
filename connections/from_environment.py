"""Connections that environment variables hold, as Airflow has them. They come before stored ones.

``PATCHBAY_CONN_<ID>`` counts before ``AIRFLOW_CONN_<ID>``; ``<ID>`` is the
connection's ID in capital letters, and nothing in it is replaced. The value is
a URI or the JSON form; an empty one counts as not set. Nothing is kept: each
process answers by its own environment.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from connections.exceptions import ConnectionFailure
from connections.types.base import LoadedConnection
from connections.uri import NotAConnection, parse

#: In the order in which they count.
PREFIXES = ("PATCHBAY_CONN_", "AIRFLOW_CONN_")


@dataclass(frozen=True)
class EnvironmentConnection:
    """What one variable holds: a connection, or a ``problem`` in words that never quote it."""

    conn_id: str
    variable: str
    connection: LoadedConnection | None
    problem: str = ""


def all_from_environment() -> list[EnvironmentConnection]:
    """Every connection of this process's environment, by its ID in small letters, sorted."""
    found: dict[str, EnvironmentConnection] = {}
    for prefix in PREFIXES:
        for variable, value in os.environ.items():
            conn_id = variable.removeprefix(prefix).lower()
            if variable.startswith(prefix) and variable.isupper() and conn_id and value:
                found.setdefault(conn_id, _read(variable, conn_id))
    return sorted(found.values(), key=lambda each: each.conn_id)


def look_up(conn_id: str) -> EnvironmentConnection | None:
    """What the environment says of ``conn_id``, also if it can't be read."""
    for prefix in PREFIXES:
        variable = prefix + conn_id.upper()
        if os.environ.get(variable):
            return _read(variable, conn_id)
    return None


def find_in_environment(conn_id: str) -> LoadedConnection | None:
    """The connection; ``None`` where no variable names it.

    Raise ``ConnectionFailure`` for one that can't be read: what is stored under
    this ID never takes its place in silence.
    """
    found = look_up(conn_id)
    if found is None:
        return None
    if found.connection is None:
        raise ConnectionFailure(
            "connection:environment-invalid",
            conn_id=conn_id,
            variable=found.variable,
            reason=found.problem,
        )
    return found.connection


def _read(variable: str, conn_id: str) -> EnvironmentConnection:
    try:
        connection = parse(os.environ[variable], conn_id=conn_id)
    except NotAConnection as error:
        return EnvironmentConnection(conn_id, variable, None, str(error))
    return EnvironmentConnection(conn_id, variable, replace(connection, origin=variable))
