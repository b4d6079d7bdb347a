"""SQL operators at work by hand: in PostgreSQL, in SQLite, and in a fake of MySQL."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from connections.hooks import hook_for
from connections.hooks.sql import FIRST
from connections.types.base import LoadedConnection
from tasks.operators import OPERATORS
from tasks.operators.base import Operator, TaskResult
from tests.fakes.mysql import FakeMysql
from tests.postgres_server import server_url
from tests.tasks.handmade_context import HandmadeContext

#: How a parameter by place is written in each.
PLACE = {"postgres": "%s", "mysql": "%s", "sqlite": "?"}


class SqlWorld:
    """Tasks of one connection."""

    def __init__(self, connection: LoadedConnection) -> None:
        self.hook = hook_for(connection)
        self.session = self.hook.open()
        self.dialect = connection.conn_type
        self.place = PLACE[self.dialect]
        self.context = HandmadeContext()

    def task(self, name: str, **arguments: Any) -> Operator:
        """Checked as a DAG file's task is."""
        arguments.setdefault(OPERATORS[name].connection_argument, "c")
        OPERATORS[name].check(arguments)
        return OPERATORS[name](arguments)

    def execute(self, name: str, **arguments: Any) -> TaskResult | None:
        return self.task(name, **arguments).execute(self.session, self.context)

    def run(self, sql: Any, **arguments: Any) -> TaskResult:
        result = self.execute("SQLExecuteQueryOperator", sql=sql, **arguments)
        assert result is not None
        return result

    def seen(self, sql: str) -> Any:
        """The first cell, as another session sees it: what is committed."""
        other = self.hook.open()
        try:
            return other.run(sql, keep=FIRST)[0].rows[0][0]
        finally:
            self.hook.close(other)


@contextmanager
def postgres() -> Iterator[LoadedConnection]:
    """A schema of its own in the tests' server."""
    schema = f"flowers_{uuid.uuid4().hex[:8]}"
    known: dict[str, Any] = conninfo_to_dict(server_url())
    with psycopg.connect(server_url(), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield LoadedConnection(
            "c",
            "postgres",
            host=known["host"],
            port=int(known["port"]) if known.get("port") else None,
            login=known["user"],
            password=known.get("password") or "",
            schema=known["dbname"],
            extra={"options": f"-c search_path={schema}"},
        )
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def sqlite(folder: Path) -> Iterator[LoadedConnection]:
    path = folder / "flowers.db"
    sqlite3.connect(path).close()
    yield LoadedConnection("c", "sqlite", host=str(path))


@contextmanager
def mysql() -> Iterator[LoadedConnection]:
    with FakeMysql() as fake:
        yield LoadedConnection(
            "c",
            "mysql",
            host=fake.host,
            port=fake.port,
            login=fake.user,
            password=fake.password,
            schema=fake.database,
        )


@contextmanager
def world_of(dialect: str, folder: Path) -> Iterator[SqlWorld]:
    places = {"postgres": postgres, "mysql": mysql}
    with places[dialect]() if dialect in places else sqlite(folder) as connection:
        world = SqlWorld(connection)
        try:
            yield world
        finally:
            world.hook.close(world.session)
