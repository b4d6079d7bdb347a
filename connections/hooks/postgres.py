"""Opens sessions with PostgreSQL. Imported on first use."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from os import dup
from typing import Any, ClassVar

import psycopg
from psycopg import ClientCursor, capabilities, errors, pq
from psycopg.adapt import Transformer

from connections.exceptions import SessionFailure
from connections.hooks.base import Hook
from connections.hooks.postgres_failures import failure_of, failure_to_open
from connections.hooks.sql import (
    CHUNK,
    KEEPALIVE_COUNT,
    KEEPALIVE_IDLE,
    KEEPALIVE_INTERVAL,
    NOTHING,
    Answer,
    Collector,
    Keep,
    Parameters,
    SqlSession,
    connect_timeout_of,
    sample,
)
from connections.types.base import LoadedConnection
from connections.types.values import WrongKind, text, truth

#: Extras that are not libpq's: https://airflow.apache.org/docs/apache-airflow-providers-postgres
NOT_LIBPQS = frozenset(
    {"iam", "aws_conn_id", "azure_conn_id", "cursor", "sqlalchemy_scheme", "sqlalchemy_query"}
    | {"redshift", "cluster-identifier", "redshift-serverless", "workgroup-name"}
)
#: Seconds for asking the server to stop a statement.
LONGEST_CANCEL = 5.0
DICTS = ("dictcursor", "realdictcursor")
_Status = pq.ExecStatus
_ROWS = frozenset({_Status.TUPLES_OK, _Status.SINGLE_TUPLE, _Status.TUPLES_CHUNK})
_COPIES = frozenset({_Status.COPY_IN, _Status.COPY_OUT, _Status.COPY_BOTH})


class PostgresSession(SqlSession):
    """An open session; text in, rows out in chunks, so that a large result needs no memory."""

    dialect: ClassVar[str] = "postgres"
    errors: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)

    def __init__(self, arguments: dict[str, Any], *, rows_as_dicts: bool) -> None:
        """Raise ``psycopg.Error``."""
        self.rows_as_dicts = rows_as_dicts
        self._arguments = arguments
        self._connect()

    def _connect(self) -> None:
        self.connection = psycopg.connect(**self._arguments)
        info = self.connection.info
        self.host = f"{info.host}:{info.port}"
        self.identity = f"{info.user}@{self.host}/{info.dbname}"

    def run(self, sql: str, parameters: Parameters = None, *, keep: Keep = NOTHING) -> list[Answer]:
        if "\0" in sql:
            raise SessionFailure("sql:syntax", vendor_message="The SQL holds a null character.")
        if parameters:
            sql = self._filled(sql, parameters)
        pgconn = self.connection.pgconn
        pgconn.send_query(sql.encode(self.connection.info.encoding))
        if capabilities.has_stream_chunked():
            pgconn.set_chunked_rows_mode(CHUNK)
        else:
            pgconn.set_single_row_mode()
        return list(self._answers(keep))

    def _filled(self, sql: str, parameters: Parameters) -> str:
        """Filled here and not in the server: then there may be several statements, and any."""
        try:
            filled = ClientCursor(self.connection).mogrify(sql, parameters)
        except (psycopg.ProgrammingError, psycopg.DataError, TypeError) as error:
            raise SessionFailure("sql:parameters", reason=str(error)) from None
        return filled

    def _answers(self, keep: Keep) -> Iterator[Answer]:
        collector = Collector(keep)
        transformer = Transformer(self.connection)
        fault: psycopg.Error | None = None
        while (result := self._next_result()) is not None:
            status = result.status
            if status in _COPIES:
                self.abort()
                what, instead = "COPY with STDIN or STDOUT", "Let COPY read or write a file."
                raise SessionFailure("sql:unsupported", what=what, instead=instead)
            if status in _ROWS:
                transformer.set_pgresult(result)
                collector.take(transformer.load_rows(0, result.ntuples, tuple))
            elif status == _Status.FATAL_ERROR:
                fault = fault or self._error(result)
            if status == _Status.TUPLES_OK:
                yield collector.answer(self._columns(result))
                collector = Collector(keep)
            elif status == _Status.COMMAND_OK:
                yield Answer(changed=result.command_tuples)
        if fault is not None:
            raise fault

    def _next_result(self) -> Any:
        """Wait for it without asking again and again: a session may wait for hours."""
        pgconn = self.connection.pgconn
        while unsent := pgconn.flush():
            _wait(pgconn.socket, writing=bool(unsent))
            pgconn.consume_input()
        while pgconn.is_busy():
            _wait(pgconn.socket)
            pgconn.consume_input()
        return pgconn.get_result()

    def _columns(self, result: Any) -> list[str]:
        encoding = self.connection.info.encoding
        return [(result.fname(at) or b"").decode(encoding) for at in range(result.nfields)]

    def _error(self, result: Any) -> psycopg.Error:
        encoding = self.connection.info.encoding
        message = result.get_error_message(encoding)
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        try:
            kind: type[psycopg.Error] = errors.lookup(state)
        except KeyError:
            kind = psycopg.OperationalError if not state else psycopg.DatabaseError
        error = kind(message, info=result, encoding=encoding)
        error.sqlstate = error.sqlstate or state or None
        return error

    def begin(self, *, autocommit: bool) -> None:
        self.connection.autocommit = True
        if not autocommit:
            self.run("BEGIN")

    def commit(self) -> None:
        if self._is_in_transaction:
            self.run("COMMIT")

    def rollback(self) -> None:
        if self._is_in_transaction:
            with suppress(psycopg.Error):
                self.run("ROLLBACK")

    @property
    def _is_in_transaction(self) -> bool:
        state = self.connection.info.transaction_status
        return state in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    def use(self, database: str) -> None:
        """By another session: PostgreSQL's belong to one database."""
        if database == self.connection.info.dbname:
            return
        self.close()
        self._arguments = {**self._arguments, "dbname": database}
        try:
            self._connect()
        except psycopg.Error as error:
            raise failure_to_open(error, host=self.host, database=database) from None

    def cancel(self) -> None:
        try:
            self.connection.cancel_safe(timeout=LONGEST_CANCEL)
        except psycopg.Error:
            # The server can't be asked: what waits for it must come back all the same.
            self.abort()

    def abort(self) -> None:
        # A copy of the handle: the session's own thread may close it meanwhile.
        with (
            suppress(OSError, psycopg.Error),
            socket.socket(fileno=dup(self.connection.pgconn.socket)) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)

    def failure_of(self, error: Exception) -> SessionFailure | None:
        if not isinstance(error, psycopg.Error):
            return None
        database = str(self._arguments.get("dbname") or "")
        return failure_of(error, host=self.host, database=database, identity=self.identity)

    def close(self) -> None:
        self.connection.close()


class PostgresHook(Hook):
    """Sessions for postgres."""

    def open(self) -> PostgresSession:
        arguments = _arguments(self.connection, self.longest_call)
        cursor = text(self.connection.extra.get("cursor") or "").lower()
        try:
            return PostgresSession(arguments, rows_as_dicts=cursor in DICTS)
        except psycopg.Error as error:
            host = f"{arguments.get('host') or 'localhost'}:{arguments.get('port') or 5432}"
            database = str(arguments.get("dbname") or self.connection.login)
            raise failure_to_open(error, host=host, database=database) from None

    def sample_call(self, session: PostgresSession) -> str:
        version = sample(session, "SHOW server_version", seconds=self.longest_call)
        return f"PostgreSQL {version} answers."

    def close(self, session: PostgresSession) -> None:
        session.close()


def _arguments(connection: LoadedConnection, longest_call: float) -> dict[str, Any]:
    """What goes to libpq, which reads all as text."""
    extra = connection.extra
    if truth(extra.get("iam") or False):
        raise SessionFailure(
            "sql:unsupported",
            what="A token of AWS or Azure in place of a password (iam)",
            instead="Give the connection a login and a password.",
        )
    own = {name: value for name, value in extra.items() if name not in NOT_LIBPQS}
    try:
        given = {name: text(value) for name, value in own.items() if value not in (None, "")}
    except WrongKind:
        raise SessionFailure("sql:bad-option", reason="an extra is no text") from None
    if "sslmode" in given:
        given["sslmode"] = given["sslmode"].lower()
    columns = {
        "host": connection.host,
        "port": connection.port,
        "dbname": connection.schema,
        "user": connection.login,
        "password": connection.password,
    }
    return {
        "application_name": "patchbay",
        "client_encoding": "utf8",
        "keepalives_idle": KEEPALIVE_IDLE,
        "keepalives_interval": KEEPALIVE_INTERVAL,
        "keepalives_count": KEEPALIVE_COUNT,
        "tcp_user_timeout": 1000 * (KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_COUNT),
        **given,
        **{name: value for name, value in columns.items() if value},
        "connect_timeout": max(1, round(connect_timeout_of(extra, longest_call))),
    }


def _wait(handle: int, *, writing: bool = False) -> None:
    poll = select.poll()
    poll.register(handle, select.POLLIN | (select.POLLOUT if writing else 0))
    poll.poll()
