"""The backend that ``DATABASES`` names for PostgreSQL: Django's, with two savings.

A worker takes a connection from its pool for each write, so that those that wait
hold none. Django's pool asks the server each time whether the connection lives:
a third of all its statements. Here the server is asked only where there is a
doubt: the socket tells what the server has closed, and what was idle for long
may have been cut by the network without a word.

And the statements that are run all the time can be prepared, one by one; Django
offers this for all or none.
"""

from __future__ import annotations

import math
import select
import time
from typing import Any, Self

from django.db.backends.postgresql import base
from psycopg import Connection, Cursor, OperationalError

#: Seconds after which a silent connection is asked, as connection pools elsewhere do.
TRUSTED_SECONDS = 5.0
_IDLE_SINCE = "_patchbay_idle_since"


class PreparingCursor(Cursor[Any]):
    """Sends values beside the statement, and the statement itself once for each connection."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        return super().execute(query, params, **{**options, "prepare": True})


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection of the pool that lives; each dead one is given back, and replaced."""
        while True:
            connection = super().get_new_connection(conn_params)
            pool = self.pool
            if pool is None or _lives(connection):
                return connection
            connection.close()
            pool.putconn(connection)

    def preparing_cursor(self) -> Any:
        """A cursor whose statements the server prepares at their first run, and then keeps.

        Half of what PostgreSQL spends on a worker's statements is their planning.
        Where ``prepare_threshold`` is null, it is any cursor.
        """
        if self.settings_dict["OPTIONS"].get("prepare_threshold") is None:
            return self.cursor()
        self.ensure_connection()
        with self.wrap_database_errors:
            kept = PreparingCursor(self.connection)
            return self._prepare_cursor(kept)  # type: ignore[attr-defined]  # not in the stubs

    def _close(self) -> None:
        if self.connection is not None:
            setattr(self.connection, _IDLE_SINCE, time.monotonic())
        super()._close()  # type: ignore[misc]  # the stubs leave it out


def _lives(connection: Connection[Any]) -> bool:
    # One that was never used may lie in the pool for long: it is asked.
    idle_since = getattr(connection, _IDLE_SINCE, -math.inf)
    is_silent = not connection.closed and not _has_news(connection)
    if is_silent and time.monotonic() - idle_since < TRUSTED_SECONDS:
        return True
    try:
        connection.execute("")
    except OperationalError:
        return False
    return True


def _has_news(connection: Connection[Any]) -> bool:
    """Whether the server has said something that nobody asked for, such as good-bye."""
    news = select.poll()
    news.register(connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(news.poll(0))
