"""The backend that ``DATABASES`` names for PostgreSQL.

A worker takes a connection from its pool for each write, so that those that wait
hold none. Django's pool asks the server each time whether the connection lives:
a third of all its statements. Here the server is asked only where there is a
doubt: the socket tells what the server has closed, and what was idle for long
may have been cut by the network without a word.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError

#: Seconds after which a silent connection is asked, as connection pools elsewhere do.
TRUSTED_SECONDS = 5.0
_IDLE_SINCE = "_patchbay_idle_since"


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

    def _close(self) -> None:
        if self.connection is not None:
            setattr(self.connection, _IDLE_SINCE, time.monotonic())
        super()._close()  # type: ignore[misc]  # the stubs leave it out


def _lives(connection: Connection[Any]) -> bool:
    idle_since = getattr(connection, _IDLE_SINCE, None)
    if idle_since is None:
        return True  # it was made a moment ago
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
