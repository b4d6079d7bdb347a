"""A MySQL server of its own process' making: the wire protocol in front, SQLite behind.

It knows the commands that a client needs, logins by mysql_native_password, TLS, several statements
in one text, autocommit and transactions. Beside SQLite's functions there are SLEEP(seconds),
VERSION(), FAIL(number), which fails with that error of MySQL, and CUT(), which ends the line.
https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import socketserver
import sqlite3
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

VERSION = "8.4.0-fake"
PROTOCOL_41, WITH_DB, SSL, MULTI = 0x200, 0x8, 0x800, 0x10000 | 0x20000
CAPABILITIES = 0x1 | WITH_DB | PROTOCOL_41 | 0x2000 | 0x8000 | MULTI | 0x80000
AUTOCOMMIT, IN_TRANSACTION, MORE = 2, 1, 8
TEXT, BLOB, INTEGER, DOUBLE = 253, 252, 8, 5
BINARY, UTF8 = 63, 45
FAULTS = (
    (r"syntax error|incomplete input|unrecognized token", 1064),
    ("no such table", 1146),
    ("no such column", 1054),
    ("already exists", 1050),
    ("UNIQUE", 1062),
    ("NOT NULL", 1048),
)


class MysqlFault(Exception):
    def __init__(self, number: int, words: str) -> None:
        super().__init__(number, words)
        self.number, self.words = number, words


class _Cut(Exception):
    """The line ends without an answer."""


class FakeMysql(socketserver.ThreadingTCPServer):
    """Serves on a free port while it is entered. ``is_silent``: it takes lines, and says nothing.

    ``queries`` are all texts that came, in their order.
    """

    allow_reuse_address = True
    daemon_threads = True
    user, password, database = "reports", "s3cret-of-reports", "shop"

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.host, self.port = "127.0.0.1", int(self.server_address[1])
        self.tls = tls
        self.is_silent = False
        self.queries: list[str] = []
        self.killed: dict[int, threading.Event] = {}
        self.databases = {self.database, "archive"}
        self.folder = tempfile.TemporaryDirectory()
        self.numbers = count(1)

    def __enter__(self) -> FakeMysql:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *rest: Any) -> None:
        self.shutdown()
        self.server_close()
        self.folder.cleanup()

    def file_of(self, database: str) -> Path:
        return Path(self.folder.name) / f"{database}.db"


class _Line(socketserver.BaseRequestHandler):
    server: FakeMysql

    def handle(self) -> None:
        self.number = next(self.server.numbers)
        self.killed = self.server.killed[self.number] = threading.Event()
        self.sequence = 0
        self.line: socket.socket = self.request
        self.files: sqlite3.Connection | None = None
        self.is_autocommit = True
        self.fault: MysqlFault | _Cut | None = None
        try:
            if self.server.is_silent:
                self.line.recv(1)
                return
            self.greet()
            while self.answer(self.read()):
                self.sequence = 0
        except (_Cut, OSError):
            pass
        finally:
            if self.files is not None:
                self.files.close()
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)
            self.line.close()

    # Packets

    def read(self) -> bytes:
        head = self.exactly(4)
        self.sequence = head[3] + 1
        return self.exactly(int.from_bytes(head[:3], "little"))

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.line.recv(size - len(data))
            if not more:
                raise _Cut
            data += more
        return data

    def send(self, *payloads: bytes) -> None:
        data = b""
        for payload in payloads:
            data += len(payload).to_bytes(3, "little") + bytes([self.sequence % 256]) + payload
            self.sequence += 1
        self.line.sendall(data)

    def send_ok(self, changed: int = 0, *, more: bool = False) -> None:
        self.send(b"\0" + _length(changed) + b"\0" + struct.pack("<HH", self.status(more=more), 0))

    def send_fault(self, fault: MysqlFault) -> None:
        self.send(b"\xff" + struct.pack("<H", fault.number) + b"#HY000" + fault.words.encode())

    def status(self, *, more: bool = False) -> int:
        is_open = self.files is not None and self.files.in_transaction
        return (
            (AUTOCOMMIT if self.is_autocommit else 0)
            | (IN_TRANSACTION if is_open else 0)
            | (MORE if more else 0)
        )

    # The session

    def greet(self) -> None:
        scramble = secrets.token_hex(10).encode()
        able = CAPABILITIES | (SSL if self.server.tls else 0)
        self.send(
            b"\x0a" + VERSION.encode() + b"\0" + struct.pack("<I", self.number)
            + scramble[:8] + b"\0" + struct.pack("<HBH", able & 0xFFFF, UTF8, AUTOCOMMIT)
            + struct.pack("<HB", able >> 16, 21) + bytes(10) + scramble[8:] + b"\0"
            + b"mysql_native_password\0"
        )  # fmt: skip
        answer = self.read()
        if len(answer) == 32 and self.server.tls is not None:
            self.line = self.server.tls.wrap_socket(self.line, server_side=True)
            answer = self.read()
        (able,) = struct.unpack("<I", answer[:4])
        user, _, rest = answer[32:].partition(b"\0")
        proof, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        database = rest.partition(b"\0")[0].decode() if able & WITH_DB else ""
        expected = _proof(self.server.password.encode(), scramble)
        if user.decode() != self.server.user or proof != expected:
            words = f"Access denied for user '{user.decode()}'@'localhost' (using password: YES)"
            self.send_fault(MysqlFault(1045, words))
            raise _Cut
        try:
            self.use(database or self.server.database)
        except MysqlFault as fault:
            self.send_fault(fault)
            raise _Cut from None
        self.send_ok()

    def answer(self, packet: bytes) -> bool:
        command, text = packet[0], packet[1:].decode()
        try:
            if command == 1:
                return False
            if command == 2:
                self.use(text)
            if command != 3:
                self.send_ok()
                return True
            self.server.queries.append(text)
            # SQLite knows a quote in a text only when it is doubled.
            statements = list(_statements(text.replace("\\'", "''")))
            for place, statement in enumerate(statements, start=1):
                self.run(statement, more=place < len(statements))
        except MysqlFault as fault:
            self.send_fault(fault)
        except sqlite3.Error as error:
            self.send_fault(self.fault_of(error))
        return True

    def fault_of(self, error: sqlite3.Error) -> MysqlFault:
        fault, self.fault = self.fault, None
        if isinstance(fault, _Cut):
            raise fault
        if fault is not None:
            return fault
        words = str(error)
        number = next((number for at, number in FAULTS if re.search(at, words)), 1105)
        return MysqlFault(number, words)

    def use(self, database: str) -> None:
        if database not in self.server.databases:
            raise MysqlFault(1049, f"Unknown database '{database}'")
        if self.files is not None:
            self.files.close()
        self.files = sqlite3.connect(self.server.file_of(database), isolation_level=None)
        self.files.create_function("VERSION", 0, lambda: VERSION)
        self.files.create_function("CONNECTION_ID", 0, lambda: self.number)
        self.files.create_function("SLEEP", 1, self.sleep)
        self.files.create_function("FAIL", 1, self.fail)
        self.files.create_function("CUT", 0, self.cut)

    def sleep(self, seconds: float) -> int:
        if self.killed.wait(seconds):
            self.killed.clear()
            self.fail(1317, "Query execution was interrupted")
        return 0

    def fail(self, number: int, words: str = "so it was asked for") -> None:
        fault = self.fault = MysqlFault(number, words)
        raise fault

    def cut(self) -> None:
        fault = self.fault = _Cut()
        raise fault

    def run(self, sql: str, *, more: bool) -> None:
        assert self.files is not None
        if found := re.match(r"SET AUTOCOMMIT *= *(\d)", sql, re.IGNORECASE):
            self.is_autocommit = found[1] == "1"
            self.files.commit()
            return self.send_ok(more=more)
        if re.match(r"SET ", sql, re.IGNORECASE):
            return self.send_ok(more=more)
        if found := re.match(r"KILL QUERY (\d+)", sql, re.IGNORECASE):
            self.server.killed[int(found[1])].set()
            return self.send_ok(more=more)
        if re.match(r"(COMMIT|ROLLBACK)\b", sql, re.IGNORECASE):
            if self.files.in_transaction:
                self.files.execute(sql)
            return self.send_ok(more=more)
        if re.match(r"(CREATE|DROP|ALTER)\b", sql, re.IGNORECASE):
            self.files.commit()
        elif not self.is_autocommit and not self.files.in_transaction:
            self.files.execute("BEGIN")
        cursor = self.files.execute(sql)
        if cursor.description is None:
            return self.send_ok(max(cursor.rowcount, 0), more=more)
        return self.send_rows([str(column[0]) for column in cursor.description], cursor, more=more)

    def send_rows(self, names: list[str], cursor: sqlite3.Cursor, *, more: bool) -> None:
        rows = cursor.fetchall()
        end = b"\xfe" + struct.pack("<HH", 0, self.status(more=more))
        kinds = [_kind([row[at] for row in rows]) for at in range(len(names))]
        columns = [_column(name, kind) for name, kind in zip(names, kinds, strict=True)]
        self.send(_length(len(names)), *columns, end, *map(_row, rows), end)


def _statements(text: str) -> Iterator[str]:
    pending = ""
    for piece in re.split(r"(?<=;)", text):
        pending += piece
        if sqlite3.complete_statement(pending) and pending.strip(" \n;"):
            yield pending.strip()
            pending = ""
    if pending.strip(" \n;"):
        yield pending.strip()


def _proof(password: bytes, scramble: bytes) -> bytes:
    first = hashlib.sha1(password).digest()
    second = hashlib.sha1(scramble + hashlib.sha1(first).digest()).digest()
    return bytes(one ^ other for one, other in zip(first, second, strict=True))


def _length(number: int) -> bytes:
    if number < 251:
        return bytes([number])
    return b"\xfd" + number.to_bytes(3, "little")


def _text(value: bytes) -> bytes:
    return _length(len(value)) + value


def _kind(values: list[Any]) -> int:
    kinds = {bytes: BLOB, int: INTEGER, float: DOUBLE}
    return next((kinds.get(type(value), TEXT) for value in values if value is not None), TEXT)


def _column(name: str, kind: int) -> bytes:
    names = b"".join(_text(each.encode()) for each in ("def", "", "", "", name, name))
    charset = UTF8 if kind == TEXT else BINARY
    return names + b"\x0c" + struct.pack("<HIBHBH", charset, 1024, kind, 0, 0, 0)


def _row(row: tuple[Any, ...]) -> bytes:
    return b"".join(
        b"\xfb" if cell is None else _text(cell if isinstance(cell, bytes) else str(cell).encode())
        for cell in row
    )
