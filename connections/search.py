"""Searches connections by words, and how PostgreSQL indexes that.

Django writes ``icontains`` as ``UPPER(column::text) LIKE UPPER(…)``; an index
of trigrams on just that expression answers it without reading every row
(https://www.postgresql.org/docs/current/pgtrgm.html). Words of less than three
characters have no trigram, and are looked for in all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import connections
from django.db.models import Q, QuerySet

from connections.models import Connection

#: Where a word is looked for. ``target`` is the host, or what a type has in its place.
COLUMNS = ("conn_id", "description", "host", "target")
MOST_WORDS = 10


def words_of(text: str) -> tuple[str, ...]:
    """The words of a search; only the first ones of very many."""
    return tuple(text.replace("\0", "").split()[:MOST_WORDS])


def search(rows: QuerySet[Connection], words: Sequence[str]) -> QuerySet[Connection]:
    """Those of ``rows`` that hold every word somewhere; ``%`` and ``_`` stand for themselves."""
    for word in words:
        somewhere = Q()
        for column in COLUMNS:
            somewhere |= Q(**{f"{column}__icontains": word})
        rows = rows.filter(somewhere)
    return rows


def holds(texts: Iterable[str], words: Sequence[str]) -> bool:
    """The same for what isn't in the database."""
    lower = [text.lower() for text in texts]
    return all(any(word.lower() in text for text in lower) for word in words)


def index_name(column: str) -> str:
    return f"connection_{column}_words"


def check_search_indexes(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Tell when searches of connections read all rows."""
    names = [index_name(column) for column in COLUMNS]
    found: list[CheckMessage] = []
    for alias in databases or ():
        database = connections[alias]
        if database.vendor != "postgresql":
            continue
        with database.cursor() as cursor:
            cursor.execute("SELECT to_regclass('connections_connection') IS NOT NULL")
            (is_migrated,) = cursor.fetchone()
            cursor.execute("SELECT COUNT(*) FROM pg_indexes WHERE indexname = ANY(%s)", [names])
            (count,) = cursor.fetchone()
        if is_migrated and count < len(names):
            found.append(
                Warning(
                    "Searches in the list of connections have no index: PostgreSQL's extension "
                    "pg_trgm could not be had when the tables were made.",
                    hint="It matters from some ten thousand connections on. The statements that "
                    "make them stand in docs/connections.md, under “The list”.",
                    id="connections.W001",
                )
            )
    return found
