"""sqlite: a database in one file.

As Airflow's SQLite provider has it
(https://airflow.apache.org/docs/apache-airflow-providers-sqlite/stable/connections/sqlite.html):
the host is the file, and the extras are options of its URI, such as ``mode``.
"""

from __future__ import annotations

from connections.types.base import ConnectionType
from connections.types.cloud_validators import sqlite_file
from connections.types.standard import host

SQLITE = ConnectionType(
    name="sqlite",
    label="SQLite",
    category="Database",
    description="A database in one file on the worker",
    fields=(
        host(
            label="File",
            placeholder="/var/lib/reports.db",
            help="A path on the worker, :memory:, or a URI that begins with file:.",
            check=sqlite_file,
        ),
    ),
    hook="connections.hooks.sqlite:SqliteHook",
    docs="docs/connection-types-cloud.md#sqlite",
)
