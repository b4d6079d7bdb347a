"""Opens sessions with MySQL and MariaDB, by PyMySQL. Imported on first use."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from os import dup
from pathlib import Path
from typing import Any, ClassVar

import pymysql
from pymysql.charset import charset_by_name
from pymysql.constants import CLIENT
from pymysql.cursors import SSCursor

from connections.exceptions import SessionFailure
from connections.hooks.base import Hook
from connections.hooks.mysql_failures import failure_of, failure_to_open
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
from connections.types.values import WrongKind, read, text, truth

DEFAULT_PORT = 3306
#: Seconds for asking the server to stop a statement.
LONGEST_CANCEL = 5.0
DICTS = ("dictcursor", "ssdictcursor")
NAMES_OF_UTF8 = {"utf8": "utf8mb4", "utf-8": "utf8mb4"}


class MysqlSession(SqlSession):
    """An open session; rows come one by one, so that a large result needs no memory."""

    dialect: ClassVar[str] = "mysql"
    errors: ClassVar[tuple[type[Exception], ...]] = (pymysql.Error,)

    def __init__(self, arguments: dict[str, Any], *, place: str, rows_as_dicts: bool) -> None:
        """Raise ``pymysql.Error``."""
        self._arguments = arguments
        self._database = str(arguments["database"] or "")
        self.host = place
        self.rows_as_dicts = rows_as_dicts
        self.connection = pymysql.connect(**arguments)
        # The limit was for opening; a statement may take hours.
        self.connection._read_timeout = None
        user = self.connection.user or ""
        self._user = user.decode() if isinstance(user, bytes) else user
        self.identity = f"{self._user}@{self.host}/{self._database}"
        _keep_alive(self.connection._sock)

    def run(self, sql: str, parameters: Parameters = None, *, keep: Keep = NOTHING) -> list[Answer]:
        cursor = self.connection.cursor(SSCursor)
        if parameters:
            sql = _filled(cursor, sql, parameters)
        answers = []
        is_read = False
        try:
            cursor.execute(sql)
            answers.append(_answer(cursor, keep))
            while cursor.nextset():
                answers.append(_answer(cursor, keep))
            is_read = True
        finally:
            # Rows may be on their way that nobody reads.
            if not is_read and _let_go(cursor):
                self.abort()
        cursor.close()
        return answers

    def begin(self, *, autocommit: bool) -> None:
        self.connection.autocommit(autocommit)

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        with suppress(pymysql.Error):
            self.connection.rollback()

    def use(self, database: str) -> None:
        try:
            self.connection.select_db(database)
        except pymysql.Error as error:
            raise failure_to_open(error, host=self.host, database=database) from None
        self._database = database
        self.identity = f"{self._user}@{self.host}/{database}"

    def cancel(self) -> None:
        """By another session, which is how MySQL does it."""
        arguments = {**self._arguments, "database": None, "init_command": None}
        for name in ("connect_timeout", "read_timeout"):
            arguments[name] = min(arguments[name], LONGEST_CANCEL)
        try:
            with pymysql.connect(**arguments) as other, other.cursor() as cursor:
                cursor.execute(f"KILL QUERY {self.connection.thread_id():d}")
        except (pymysql.Error, TypeError):
            # The server can't be asked: what waits for it must come back all the same.
            self.abort()

    def abort(self) -> None:
        # A copy of the handle: the session's own thread may close it meanwhile.
        line = self.connection._sock
        with (
            suppress(OSError, ValueError, AttributeError),
            socket.socket(fileno=dup(line.fileno())) as copy,
        ):
            copy.shutdown(socket.SHUT_RDWR)

    def failure_of(self, error: Exception) -> SessionFailure | None:
        if not isinstance(error, pymysql.Error):
            return None
        return failure_of(error, host=self.host, database=self._database, identity=self.identity)

    def close(self) -> None:
        if self.connection.open:
            self.connection.close()


class MysqlHook(Hook):
    """Sessions for mysql."""

    def open(self) -> MysqlSession:
        arguments = _arguments(self.connection, self.longest_call)
        place = arguments["unix_socket"] or f"{arguments['host']}:{arguments['port']}"
        cursor = text(self.connection.extra.get("cursor") or "").lower()
        line = arguments["unix_socket"]
        if line and not Path(line).exists():
            raise SessionFailure("sql:unreachable", host=line, reason="there is no such socket")
        try:
            return MysqlSession(arguments, place=place, rows_as_dicts=cursor in DICTS)
        except (pymysql.Error, ssl.SSLError) as error:
            database = self.connection.schema
            raise failure_to_open(error, host=place, database=database) from None

    def sample_call(self, session: MysqlSession) -> str:
        version = sample(session, "SELECT VERSION()", seconds=self.longest_call)
        return f"MySQL {version} answers."

    def close(self, session: MysqlSession) -> None:
        session.close()


def _arguments(connection: LoadedConnection, longest_call: float) -> dict[str, Any]:
    extra = connection.extra
    if truth(extra.get("iam") or False):
        raise SessionFailure(
            "sql:unsupported",
            what="A token of AWS in place of a password (iam)",
            instead="Give the connection a login and a password.",
        )
    timeout = connect_timeout_of(extra, longest_call)
    charset = text(extra.get("charset") or "utf8mb4").lower()
    charset = NAMES_OF_UTF8.get(charset, charset)
    if charset_by_name(charset) is None:
        raise SessionFailure("sql:bad-option", reason=f"there is no character set {charset}")
    context = _tls(connection)
    return {
        "host": connection.host or "localhost",
        "port": connection.port or DEFAULT_PORT,
        "unix_socket": text(extra.get("unix_socket") or "") or None,
        "user": connection.login or None,
        # As bytes: the driver would take a text for Latin-1.
        "password": connection.password.encode(),
        "database": connection.schema or None,
        "charset": charset,
        "client_flag": CLIENT.MULTI_STATEMENTS,
        "connect_timeout": timeout,
        "read_timeout": timeout,
        "ssl": context,
        "ssl_disabled": context is None and _mode(extra) == "DISABLED",
        "program_name": "patchbay",
    }


def _mode(extra: Mapping[str, Any]) -> str:
    return text(extra.get("ssl_mode") or "").upper()


def _tls(connection: LoadedConnection) -> ssl.SSLContext | None:
    """``None`` for TLS where the server has it, unchecked, and for none at all.

    https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode
    """
    extra = connection.extra
    mode = _mode(extra)
    try:
        files = dict(read("json", extra.get("ssl") or {}))
    except WrongKind:
        raise SessionFailure("sql:bad-option", reason="ssl is no JSON object") from None
    for name in ("ca", "cert", "key"):
        # What mysql-connector-python takes.
        if value := extra.get(f"ssl_{name}"):
            files.setdefault(name, value)
    if not mode and files:
        mode = "VERIFY_CA" if "ca" in files or "capath" in files else "REQUIRED"
    if mode in ("", "DISABLED", "PREFERRED"):
        return None
    try:
        return _context(mode, files)
    except (OSError, ValueError) as error:
        host = connection.host or "localhost"
        reason = getattr(error, "strerror", None) or str(error) or "a file can't be used"
        raise SessionFailure("sql:tls", host=host, reason=str(reason).lower()) from None


def _context(mode: str, files: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.get("ca"), capath=files.get("capath"))
    # MySQL makes certificates for itself that the strict rules refuse.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    if files.get("cert"):
        context.load_cert_chain(files["cert"], files.get("key"), files.get("password"))
    if files.get("cipher"):
        context.set_ciphers(files["cipher"])
    return context


def _filled(cursor: SSCursor, sql: str, parameters: Parameters) -> str:
    given = dict(parameters) if isinstance(parameters, Mapping) else tuple(parameters or ())
    try:
        return str(cursor.mogrify(sql, given))
    except (pymysql.ProgrammingError, KeyError, TypeError, ValueError) as error:
        _let_go(cursor)
        raise SessionFailure("sql:parameters", reason=str(error)) from None


def _answer(cursor: SSCursor, keep: Keep) -> Answer:
    if cursor.description is None:
        return Answer(changed=cursor.rowcount)
    collector = Collector(keep)
    while rows := cursor.fetchmany(CHUNK):
        collector.take(rows)
    return collector.answer(str(column[0]) for column in cursor.description)


def _let_go(cursor: SSCursor) -> bool:
    """Keep the cursor from reading the rest when it is forgotten; whether there is a rest."""
    result = cursor.connection._result
    cursor.connection = None
    if result is None:
        return False
    is_rest = bool(result.unbuffered_active or result.has_next)
    result.unbuffered_active = False
    return is_rest


def _keep_alive(line: Any) -> None:
    """Find out that the server is gone although it never said so."""
    with suppress(OSError, AttributeError):
        for name, value in (
            (socket.TCP_KEEPIDLE, KEEPALIVE_IDLE),
            (socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL),
            (socket.TCP_KEEPCNT, KEEPALIVE_COUNT),
        ):
            line.setsockopt(socket.IPPROTO_TCP, name, value)
