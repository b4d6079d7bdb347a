"""Opens files of SQLite, by Python's own library. Imported on first use."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from connections.exceptions import SessionFailure
from connections.hooks.base import Hook
from connections.hooks.sql import (
    CHUNK,
    NOTHING,
    Answer,
    Collector,
    Keep,
    Parameters,
    SqlSession,
    sample,
)
from connections.hooks.sqlite_failures import failure_of
from connections.types.base import LoadedConnection
from connections.types.values import WrongKind, text

MEMORY = ":memory:"
#: Tables by which Patchbay's own database is known.
OWN_TABLES = ("connections_connection", "tasks_dagrun")
#: Seconds for which another's lock is waited for.
LONGEST_LOCK = 5.0


class SqliteSession(SqlSession):
    """An open file."""

    dialect: ClassVar[str] = "sqlite"
    errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error, sqlite3.Warning)

    def __init__(self, connection: sqlite3.Connection, *, path: str) -> None:
        self.connection = connection
        self.identity = self.host = path
        self.rows_as_dicts = False

    def run(self, sql: str, parameters: Parameters = None, *, keep: Keep = NOTHING) -> list[Answer]:
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql, parameters or ())
            if cursor.description is None:
                return [Answer(changed=cursor.rowcount if cursor.rowcount >= 0 else None)]
            collector = Collector(keep)
            while rows := cursor.fetchmany(CHUNK):
                collector.take(rows)
            return [collector.answer(str(column[0]) for column in cursor.description)]
        finally:
            cursor.close()

    def begin(self, *, autocommit: bool) -> None:
        # Python begins a transaction before the first change, unless this is None.
        self.connection.isolation_level = None if autocommit else ""

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.rollback()

    def use(self, database: str) -> None:
        raise SessionFailure(
            "sql:unsupported",
            what="Another database than the connection's file",
            instead="Leave database out, and make a connection for each file.",
        )

    def cancel(self) -> None:
        with suppress(sqlite3.Error):
            self.connection.interrupt()

    abort = cancel

    def failure_of(self, error: Exception) -> SessionFailure | None:
        if not isinstance(error, self.errors):
            return None
        return failure_of(error, path=self.host)

    def close(self) -> None:
        self.connection.close()


class SqliteHook(Hook):
    """Sessions for sqlite."""

    closes_at_once = True

    def open(self) -> SqliteSession:
        path, uri = _place_of(self.connection)
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                uri, uri=True, timeout=LONGEST_LOCK, check_same_thread=False
            )
            session = SqliteSession(connection, path=path)
            # The first look into the file: whether it is one of SQLite's.
            wanted = ", ".join(f"'{name}'" for name in OWN_TABLES)
            sql = f"SELECT count(*) FROM sqlite_master WHERE name IN ({wanted})"  # noqa: S608
            is_own = connection.execute(sql).fetchone()[0] == len(OWN_TABLES)
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise failure_of(error, path=path) from None
        if is_own:
            connection.close()
            raise SessionFailure("sql:own-database", path=path)
        connection.set_authorizer(_allowed)
        return session

    def sample_call(self, session: SqliteSession) -> str:
        version = sample(session, "SELECT sqlite_version()", seconds=self.longest_call)
        return f"SQLite {version} reads the file."

    def close(self, session: SqliteSession) -> None:
        session.close()


def _allowed(action: int, first: str | None, *rest: Any) -> int:
    """Another file must not be opened or made by SQL: the connection names the one that may."""
    is_file = action == sqlite3.SQLITE_ATTACH and first not in ("", MEMORY)
    return sqlite3.SQLITE_DENY if is_file else sqlite3.SQLITE_OK


def _place_of(connection: LoadedConnection) -> tuple[str, str]:
    """The path, and the URI that opens it. A file that isn't there is not made, unless asked for.

    https://www.sqlite.org/uri.html
    """
    path, query = connection.host, ""
    if path.startswith("file:"):
        parts = urlsplit(path)
        path, query = unquote(parts.path), parts.query
    try:
        options = {
            **dict(parse_qsl(query)),
            **{name: text(value) for name, value in connection.extra.items()},
        }
    except WrongKind:
        raise SessionFailure("sql:bad-option", reason="an extra is no text") from None
    if path == MEMORY or options.get("mode") == "memory":
        return MEMORY, "file::memory:"
    mode = options.setdefault("mode", "rw")
    _check_path(path, may_be_made=mode == "rwc")
    return path, f"file:{quote(path)}?{urlencode(options)}"


def _check_path(given: str, *, may_be_made: bool) -> None:
    if "\0" in given:
        raise SessionFailure("sql:file-path", path="a text with a null character")
    path = Path(given)
    if not path.is_absolute():
        raise SessionFailure("sql:file-path", path=given or "nothing")
    if path.is_dir():
        raise SessionFailure("sql:file-unreadable", path=given, reason="it is a folder")
    if not may_be_made and not path.exists():
        raise SessionFailure("sql:file-missing", path=given)
