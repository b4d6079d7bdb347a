"""The migration that encrypts the schemas loses none of them, there and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = ("connections", "0004_parked_text"), ("connections", "0005_encrypted_schema")


def migrate(target: tuple[str, str]) -> Any:
    executor = MigrationExecutor(database)
    executor.migrate([target])
    return MigrationExecutor(database).loader.project_state([target]).apps


@pytest.fixture(autouse=True)
def _come_back() -> Iterator[None]:
    yield
    executor = MigrationExecutor(database)
    executor.migrate(executor.loader.graph.leaf_nodes())


def schemas() -> dict[str, Any]:
    with database.cursor() as cursor:
        cursor.execute("SELECT conn_id, schema FROM connections_connection")
        return dict(cursor.fetchall())


def test_schemas_are_encrypted_and_decrypted_again() -> None:
    user = get_user_model().objects.create_user("ann")
    model = migrate(BEFORE).get_model("connections", "Connection")
    for conn_id, schema in (("a", "sales"), ("b", "")):
        model.objects.create(
            conn_id=conn_id, conn_type="postgres", schema=schema, created_by_id=user.pk
        )
    encrypted = migrate(AFTER).get_model("connections", "Connection")
    assert [row.schema for row in encrypted.objects.order_by("conn_id")] == ["sales", None]
    assert schemas()["a"] != "sales"
    assert schemas()["b"] is None
    migrate(BEFORE)
    assert schemas() == {"a": "sales", "b": ""}
