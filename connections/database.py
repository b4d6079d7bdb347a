"""How a process uses its connections to the database."""

from __future__ import annotations

from typing import Any

from django.db import connection

#: A list of more values makes a statement's words too seldom the same.
SHORT = 3


def give_connection_back() -> None:
    """While this thread waits for something else, others use its connection of the pool."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def kept_cursor(*, values: int = 1) -> Any:
    """A cursor for statements that are run all the time: PostgreSQL keeps how it does them.

    ``values`` is how many stand in the statement's list, if it has one.
    """
    prepare = getattr(connection, "preparing_cursor", None)
    return prepare() if prepare and values <= SHORT else connection.cursor()
