"""The floor of ``bench/engine.py``: the same commits and messages as the engine's, and no more.

One task of the engine costs three commits (claimed, session opened, ended), each
told to watchers, and a message for every task that is ready after it.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "patchbay.settings")

import django

django.setup()

from django.db import connection, transaction  # noqa: E402 - needs Django

from patchbay.celery import app  # noqa: E402
from tasks import live  # noqa: E402

COMMITS = 3


@app.task(name="bench.bare", acks_late=True)
def bare(row_id: int, left: int) -> None:
    """Work on one row; then send the next of a chain."""
    for _ in range(COMMITS):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE bench_bare SET commits = commits + 1 WHERE id = %s", [row_id])
            live.publish_on_commit(0)
        connection.close_if_unusable_or_obsolete()
    if left:
        bare.apply_async(args=(row_id + 1, left - 1))


def make_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_bare")
        cursor.execute("CREATE TABLE bench_bare (id bigint PRIMARY KEY, commits int NOT NULL)")


def start_bare(count: int, *, is_chain: bool) -> None:
    """What a trigger does: a commit with all rows, then the messages that are ready."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM bench_bare")
        if not count:
            return
        rows = ", ".join(f"({number}, 0)" for number in range(count))
        cursor.execute(f"INSERT INTO bench_bare (id, commits) VALUES {rows}")
        live.publish_on_commit(0)
    if is_chain:
        bare.apply_async(args=(0, count - 1))
        return
    for number in range(count):
        bare.apply_async(args=(number, 0))


def is_done(count: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM bench_bare WHERE commits >= %s", [COMMITS])
        return int(cursor.fetchone()[0]) == count
