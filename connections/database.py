"""How a process shares its pool of connections to the database."""

from __future__ import annotations

from django.db import connection


def give_connection_back() -> None:
    """While this thread waits for something else, others use its connection of the pool."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()
