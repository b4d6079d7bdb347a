"""What all sessions with SQL databases have: statements, transactions, and how they are stopped.

Each database has a module for its sessions and one for what its errors mean.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from connections.exceptions import Failure, SessionFailure

#: Seconds to wait for a server when a session is opened, where the connection doesn't say.
DEFAULT_CONNECT_TIMEOUT = 10.0
#: Seconds after which a peer that is silent is asked whether it is there, and between questions.
KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT = 30, 10, 3
#: Rows that are read from the server at once.
CHUNK = 500

Parameters = Sequence[Any] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Answer:
    """What one statement gave.

    ``columns`` and ``rows`` are empty for one that gives no rows. ``count`` is
    how many rows it gave, also those that were not kept; ``changed`` how many
    it changed. Both are ``None`` where that has no meaning, or isn't told.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = field(default=(), repr=False)
    count: int | None = None
    changed: int | None = None


@dataclass(frozen=True)
class Keep:
    """Which rows of an answer are kept: the first ``rows``, or all and never more than those.

    With ``is_limit``, more rows or more than ``size`` (characters and bytes)
    raise ``Failure``; else what is too much is counted, and let go.
    """

    rows: int = 0
    size: int = 0
    is_limit: bool = False


NOTHING = Keep()
FIRST = Keep(rows=1)


class Collector:
    """Takes the rows of one statement as they come, and keeps what is to be kept."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._rows: list[tuple[Any, ...]] = []
        self._size = 0
        self._count = 0

    def take(self, rows: Iterable[Sequence[Any]]) -> None:
        """Raise ``Failure`` where it becomes more than the limit."""
        for row in rows:
            self._count += 1
            if self._keep.is_limit:
                self._check(row)
            if self._count <= self._keep.rows:
                self._rows.append(tuple(row))

    def _check(self, row: Sequence[Any]) -> None:
        self._size += sum(len(cell) for cell in row if isinstance(cell, str | bytes))
        if self._count > self._keep.rows:
            raise Failure("sql:result-too-large", limit=f"{self._keep.rows:,} rows")
        if self._size > self._keep.size:
            raise Failure("sql:result-too-large", limit=f"{self._keep.size / 1e6:g} MB")

    def answer(self, columns: Iterable[str]) -> Answer:
        return Answer(tuple(columns), tuple(self._rows), count=self._count)


class SqlSession(ABC):
    """An open session with an SQL database. One thread uses it; any may ``cancel`` it.

    ``connection`` is a DB-API connection (PEP 249), for tasks that use it by
    themselves. ``rows_as_dicts``: the connection asks for rows by the names of
    their columns.
    """

    dialect: ClassVar[str]
    #: What the driver raises on purpose; ``failure_of`` knows what it means.
    errors: ClassVar[tuple[type[Exception], ...]]

    connection: Any
    identity: str
    #: Where it is: host and port, a socket, or a file.
    host: str
    rows_as_dicts: bool

    @property
    def secrets(self) -> set[str]:
        """Nothing: whatever is secret stands in the connection."""
        return set()

    @abstractmethod
    def run(self, sql: str, parameters: Parameters = None, *, keep: Keep = NOTHING) -> list[Answer]:
        """Send one text, of one statement or, where the database takes them, of several.

        Raise what the driver raises, or ``Failure``.
        """

    @abstractmethod
    def begin(self, *, autocommit: bool) -> None:
        """Begin a transaction; with ``autocommit`` each statement is one of its own."""

    @abstractmethod
    def commit(self) -> None:
        """End the transaction, if there is one."""

    @abstractmethod
    def rollback(self) -> None:
        """Undo the transaction, if there is one. On a broken connection it does nothing."""

    @abstractmethod
    def use(self, database: str) -> None:
        """Go on in another database of the same server."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop what runs now, from another thread. Nothing happens where nothing runs."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the line, from another thread: a call that waits for the server comes back."""

    @abstractmethod
    def failure_of(self, error: Exception) -> SessionFailure | None:
        """What an error of the driver means; ``None`` for what is no such error."""

    @abstractmethod
    def close(self) -> None:
        """Undo what was not committed, and let go of the server. Raises nothing expected."""


class _Limit:
    """Cuts the line of ``session`` if the block takes longer, and tells so instead of its error."""

    def __init__(self, session: SqlSession, seconds: float) -> None:
        self._session = session
        self._seconds = seconds
        self._is_over = threading.Event()
        self._timer: threading.Timer | None = None

    def __enter__(self) -> None:
        if self._seconds == math.inf:
            return
        self._timer = threading.Timer(self._seconds, self._end)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if kind is not None and self._is_over.is_set():
            seconds = f"{self._seconds:g}"
            raise SessionFailure("sql:no-answer", host=self._session.host, seconds=seconds)

    def _end(self) -> None:
        self._is_over.set()
        self._session.abort()


def sample(session: SqlSession, sql: str, *, seconds: float) -> str:
    """The first cell that ``sql`` gives, within so many seconds. Raise ``Failure``."""
    try:
        with _Limit(session, seconds):
            rows = session.run(sql, keep=FIRST)[-1].rows
    except session.errors as error:
        raise session.failure_of(error) or error from None
    return str(rows[0][0]) if rows else ""


def connect_timeout_of(extra: Mapping[str, Any], longest_call: float) -> float:
    """Seconds; what isn't more than 0 would mean forever, and counts as not given."""
    try:
        given = float(extra.get("connect_timeout") or 0)
    except (TypeError, ValueError):
        reason = "connect_timeout is not a number"
        raise SessionFailure("sql:bad-option", reason=reason) from None
    return min(given if given > 0 else DEFAULT_CONNECT_TIMEOUT, longest_call)
