"""However many connections, DAGs, tests and runs: the same queries, and nothing is decrypted."""

from __future__ import annotations

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connections.models import Connection, ConnectionTest
from tasks.models import Dag
from tests.connections.list.conftest import LIST, ran, store_many, use

pytestmark = pytest.mark.django_db
QUERIES = [
    "",
    "?q=internal+conn",
    "?q=internal&type=aws&health=works&health=never&used=no&sort=-host&size=100",
    "?expires=soon&sort=expires",
    "?sort=-used",
    "?sort=-tested&page=2",
    "?health=failing&team=data&sort=type&size=25",
]


def grow_to(count: int) -> None:
    """``count`` connections, two tests for each second one, and DAGs that use every third."""
    store_many(count - Connection.objects.count(), prefix=f"conn_{count}", team="data")
    rows = list(Connection.objects.defer("login", "password", "extra"))
    now = timezone.now()
    ConnectionTest.objects.bulk_create(
        ConnectionTest(
            connection=row,
            conn_id=row.conn_id,
            version=row.version,
            state=state,
            digest=f"{count}-{row.pk}-{state}",
            created_at=now,
        )
        for row in rows[::2]
        for state in ("failed", "success")
    )
    for number in range(0, min(count, 60), 3):
        dag = use(f"dag_{count}_{number}", *(row.conn_id for row in rows[number::60]))
        ran(dag, rows[number].conn_id, minutes_ago=number)


def test_the_number_of_queries_is_the_same_for_3_for_300_and_for_3000(
    client: Client, decryptions: list[str]
) -> None:
    client.get(LIST)
    numbers: dict[int, list[int]] = {}
    for count in (3, 300, 3000):
        grow_to(count)
        numbers[count] = []
        for query in QUERIES:
            with CaptureQueriesContext(database) as seen:
                assert client.get(LIST + query).status_code == 200
            numbers[count].append(len(seen))
            for each in seen.captured_queries:
                assert '"connections_connection"."password"' not in each["sql"]
                assert '"connections_connection"."extra"' not in each["sql"]
                assert '"connections_connectiontest"."draft"' not in each["sql"]
    assert numbers[3] == numbers[300] == numbers[3000]
    assert max(numbers[3000]) <= 15
    assert Dag.objects.count() == 41
    assert not decryptions


def test_a_page_of_few_out_of_many_is_small(client: Client) -> None:
    store_many(3000)
    page = client.get(LIST)
    assert len(page.context["lines"]) == 50
    assert len(page.content) < 120_000
    assert "3,000" in page.content.decode()


def test_the_migration_goes_on_without_the_extension_and_the_check_tells() -> None:
    warnings = [
        each
        for each in run_checks(tags=[Tags.database], databases=["default"])
        if each.id == "connections.W001"
    ]
    assert len(warnings) == (0 if _has_trigrams() else 1)
    call_command("makemigrations", "connections", "tasks", check=True, dry_run=True, verbosity=0)


def _has_trigrams() -> bool:
    if database.vendor != "postgresql":
        return True
    with database.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_extension WHERE extname = 'pg_trgm'")
        return bool(cursor.fetchone()[0])
