"""Indexes for the list, and for its search where PostgreSQL has the extension pg_trgm."""

from __future__ import annotations

from django.db import DatabaseError, migrations, models, transaction

#: As connections/search.py looks for words.
COLUMNS = ("conn_id", "description", "host", "target")


def name_of(column: str) -> str:
    return f"connection_{column}_words"


def make_trigram_indexes(apps, schema_editor) -> None:
    """Index what a search compares. Where the extension can't be had, searches read all rows."""
    database = schema_editor.connection
    if database.vendor != "postgresql":
        return
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for column in COLUMNS:
                cursor.execute(
                    f"CREATE INDEX IF NOT EXISTS {name_of(column)} ON connections_connection "
                    f"USING gin (UPPER({column}::text) gin_trgm_ops)"
                )
    except DatabaseError:
        # Not installed, or not permitted: `manage.py check --database default` tells.
        return


def drop_trigram_indexes(apps, schema_editor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    with schema_editor.connection.cursor() as cursor:
        for column in COLUMNS:
            cursor.execute(f"DROP INDEX IF EXISTS {name_of(column)}")


class Migration(migrations.Migration):
    dependencies = [
        ("connections", "0002_tests_and_rights"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="connectiontest",
            name="connections_connect_100857_idx",
        ),
        migrations.AddIndex(
            model_name="connectiontest",
            index=models.Index(
                fields=["connection", "-created_at", "version", "state", "code"],
                name="connection_health",
            ),
        ),
        migrations.AddIndex(
            model_name="connection",
            index=models.Index(
                fields=["conn_type", "team", "is_disabled", "expires_at", "version", "id"],
                name="connection_list",
            ),
        ),
        migrations.RunPython(make_trigram_indexes, drop_trigram_indexes, elidable=False),
    ]
