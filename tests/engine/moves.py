"""A witness in the database: every change of a state, by whatever statement, is written down."""

from __future__ import annotations

from django.db import connection

_POSTGRESQL = """
CREATE TEMP TABLE moves (what text, id bigint, old text, new text, at serial);
CREATE FUNCTION pg_temp.witness() RETURNS trigger AS $$ BEGIN
    INSERT INTO moves VALUES (TG_TABLE_NAME, NEW.id, OLD.state, NEW.state);
    RETURN NULL;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER witness AFTER UPDATE OF state ON tasks_taskinstance
    FOR EACH ROW EXECUTE FUNCTION pg_temp.witness();
CREATE TRIGGER witness AFTER UPDATE OF state ON tasks_dagrun
    FOR EACH ROW EXECUTE FUNCTION pg_temp.witness();
"""
_SQLITE = (
    "CREATE TEMP TABLE moves "
    "(what text, id bigint, old text, new text, at INTEGER PRIMARY KEY AUTOINCREMENT)",
    *(
        f"CREATE TEMP TRIGGER witness_{table} AFTER UPDATE OF state ON main.{table} BEGIN "
        "INSERT INTO moves (what, id, old, new) "
        f"VALUES ('{table}', NEW.id, OLD.state, NEW.state); END"
        for table in ("tasks_taskinstance", "tasks_dagrun")
    ),
)


def watch() -> None:
    """Begin to write down; it ends with the test's transaction."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
            return
        for statement in _SQLITE:
            cursor.execute(statement)


def taken() -> list[tuple[str, str, str]]:
    """(table, from, to) of every change since the last call, in order."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what, old, new FROM moves ORDER BY at")
        found = [(str(what), str(old), str(new)) for what, old, new in cursor.fetchall()]
        cursor.execute("DELETE FROM moves")
    return found
