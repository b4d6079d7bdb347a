"""Connections to the database that are lost at the worst moment."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

committed = pytest.mark.django_db(transaction=True)


@contextmanager
def cut_at(words: str, *, times: int = 1) -> Iterator[list[str]]:
    """The server ends the connection before a statement with these words; the statements."""
    hit: list[str] = []

    def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if words in sql and len(hit) < times:
            hit.append(sql)
            if connection.vendor == "sqlite":
                raise OperationalError("disk I/O error")
            _terminate(connection.connection.info.backend_pid)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut):
        yield hit


@contextmanager
def cut_while_waiting(words: str, *, run_id: int, and_words: str = "") -> Iterator[list[str]]:
    """This end loses its connection while the first statement with these words waits in the
    server for the run's row, which it gets afterwards; the statements."""
    hit: list[str] = []
    threads: list[threading.Thread] = []

    def cut(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if words in sql and and_words in sql and not hit:
            hit.append(sql)
            holder = _another()
            holder.execute("SELECT 1 FROM tasks_dagrun WHERE id = %s FOR UPDATE", [run_id])
            own = connection.connection
            asked = own.fileno(), own.info.backend_pid
            threads.append(threading.Thread(target=_cut_off, args=(holder, *asked)))
            threads[0].start()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(cut):
        yield hit
    for thread in threads:
        thread.join()


def _cut_off(holder: psycopg.Connection[Any], descriptor: int, pid: int) -> None:
    """Shut the socket once the server waits; let the row go when the next one waits, too."""
    with holder, _another() as watcher:
        # A transaction would see what it has seen before.
        watcher.autocommit = True
        _until_waiting(watcher, [pid])
        with socket.socket(fileno=os.dup(descriptor)) as own:
            own.shutdown(socket.SHUT_RDWR)
        # Who asks again without waiting for the row has done so by then.
        _until_waiting(watcher, [], times=20)


def _until_waiting(watcher: psycopg.Connection[Any], pids: list[int], *, times: int = 500) -> None:
    """Until the server's process waits for a lock; without ``pids``, until two do."""
    for _ in range(times):
        rows = watcher.execute(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ).fetchall()
        waiting = {pid for (pid,) in rows}
        if waiting.issuperset(pids) if pids else len(waiting) > 1:
            return
        time.sleep(0.02)


def _another() -> psycopg.Connection[Any]:
    own = connection.settings_dict
    return psycopg.connect(
        dbname=own["NAME"], host=own["HOST"], user=own["USER"], port=own["PORT"] or None
    )


def _terminate(pid: int) -> None:
    with _another() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


@contextmanager
def answers_lost(monkeypatch: pytest.MonkeyPatch, *, number: int) -> Iterator[None]:
    """The commit of this number is done, and its answer is lost."""
    commits = 0
    commit = getattr(connection, "_commit")  # noqa: B009 - Django's stubs don't know it

    def lose() -> None:
        nonlocal commits
        commit()
        commits += 1
        if commits == number:
            raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_commit", lose)
        yield
