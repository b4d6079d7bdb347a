"""The pool of connections to PostgreSQL: what is dead is replaced, what lives is not asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection

from connections.database import kept_cursor
from patchbay.environment import Environment
from patchbay.postgresql import base

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone"),
]


@pytest.fixture
def other() -> Iterator[psycopg.Connection[Any]]:
    """A session of its own beside the pool, to see and end those of the pool with."""
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as session:
        yield session


def used() -> set[int]:
    """The processes of the pool's sessions, each of which has been used and given back."""
    found = set()
    for _ in range(6):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            found.add(int(cursor.fetchone()[0]))
        connection.close()
    return found


def taken() -> int:
    connection.ensure_connection()
    return int(connection.connection.info.backend_pid)


def one_of(known: set[int]) -> int:
    """The process of a session that is taken again; the pool may have got others since."""
    for _ in range(50):
        process = taken()
        if process in known:
            return process
        connection.close()
    raise AssertionError(f"none of {known} is in the pool any more")


def last_words(other: psycopg.Connection[Any], process: int) -> str:
    query = "SELECT query FROM pg_stat_activity WHERE pid = %s"
    row = other.execute(query, [process]).fetchone()
    assert row is not None
    return str(row[0])


def test_a_session_that_was_used_a_moment_ago_is_not_asked(
    other: psycopg.Connection[Any],
) -> None:
    known = used()
    process = one_of(known)
    assert last_words(other, process) == "SELECT pg_backend_pid()"


def test_a_session_that_was_idle_for_long_is_asked(
    other: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = used()
    monkeypatch.setattr(base, "TRUSTED_SECONDS", 0.0)
    process = one_of(known)
    assert last_words(other, process) == ""


@pytest.mark.parametrize("is_used", [True, False])
def test_a_session_that_the_server_has_ended_is_replaced(
    other: psycopg.Connection[Any], *, is_used: bool
) -> None:
    known = used()
    if not is_used:
        for _ in known:
            connection.ensure_connection()
            delattr(connection.connection, base._IDLE_SINCE)
            connection.connection._pool.putconn(connection.connection)
            connection.connection = None
    for process in known:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [process])
    for _ in known:
        assert taken() not in known
        connection.close()


def kept_of(number: int) -> set[str]:
    """What the session that this thread has keeps since a sum with ``number`` was asked for."""
    before = kept()
    with kept_cursor() as cursor:
        cursor.execute(f"SELECT {number} + %s", [1])
        assert cursor.fetchone() == (number + 1,)
    return kept() - before


def kept() -> set[str]:
    """The session comes from the pool: it may have served other tests."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {row[0] for row in cursor.fetchall()}


def test_what_is_run_all_the_time_is_prepared_and_nothing_else() -> None:
    assert kept_of(7) == {"SELECT 7 + $1"}


def test_behind_some_poolers_nothing_is_prepared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = {
        "PATCHBAY_DATABASE_URL": "postgresql://u@h/d",
        "PATCHBAY_DATABASE_PREPARES": "off",
    }
    options = Environment(named, base=tmp_path).database()["OPTIONS"]
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    assert kept_of(8) == set()


def test_an_error_of_a_kept_statement_is_djangos() -> None:
    with pytest.raises(IntegrityError), kept_cursor() as cursor:
        cursor.execute("INSERT INTO tasks_dag (id) VALUES (%s)", [None])
