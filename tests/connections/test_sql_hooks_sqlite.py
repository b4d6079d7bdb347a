"""Sessions with SQLite: files, and what SQL may do with others."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connections.exceptions import Failure, SessionFailure
from connections.hooks import hook_for
from connections.hooks.sql import FIRST, Keep
from connections.hooks.sqlite import OWN_TABLES, SqliteHook, SqliteSession
from connections.types.base import LoadedConnection
from tests.sql_words import assert_words

ALL = Keep(rows=1000, size=1_000_000, is_limit=True)
NUMBERS = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n LIMIT {}) "


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flowers and %20 more.db"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE tulip (id int UNIQUE, name text)")
    made.execute("INSERT INTO tulip VALUES (1, 'red')")
    made.commit()
    made.close()
    return path


def connection(host: Path | str, **extra: Any) -> LoadedConnection:
    return LoadedConnection("c", "sqlite", host=str(host), extra=extra)


@pytest.fixture
def session(file: Path) -> Iterator[SqliteSession]:
    hook = hook_for(connection(file))
    opened = hook.open()
    yield opened
    hook.close(opened)


def refused(loaded: LoadedConnection) -> SessionFailure:
    with pytest.raises(SessionFailure) as caught:
        hook_for(loaded).open()
    assert_words(caught.value)
    return caught.value


def meaning(session: SqliteSession, sql: str, parameters: Any = None) -> SessionFailure:
    with pytest.raises(session.errors) as caught:
        session.run(sql, parameters, keep=ALL)
    failure = session.failure_of(caught.value)
    assert failure is not None
    assert_words(failure)
    return failure


# Opening


def test_a_session_is_of_one_file_and_a_sample_call_tells_the_version(
    file: Path, session: SqliteSession
) -> None:
    assert session.identity == str(file)
    words = SqliteHook(connection(file)).sample_call(session)
    assert words == f"SQLite {sqlite3.sqlite_version} reads the file."


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}", "file://localhost{}"])
def test_a_file_is_named_by_its_path_or_as_a_uri(tmp_path: Path, form: str) -> None:
    path = tmp_path / "tulips.db"
    sqlite3.connect(path).close()
    opened = hook_for(connection(form.format(path), mode="rwc")).open()
    assert opened.identity == str(path)
    opened.close()


def test_a_missing_file_is_made_only_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    assert refused(connection(path)).code == "sql:file-missing"
    assert not path.exists()
    opened = hook_for(connection(path, mode="rwc")).open()
    opened.run("CREATE TABLE tulip (id int)")
    opened.close()
    assert path.exists()


def test_memory_is_a_database_of_its_own() -> None:
    for host in (":memory:", "file:tulips?mode=memory"):
        opened = hook_for(connection(host)).open()
        assert opened.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)
        opened.close()


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("", "sql:file-path"),
        ("reports.db", "sql:file-path"),
        ("file:reports.db", "sql:file-path"),
        ("/tmp", "sql:file-unreadable"),
        ("/nowhere/reports.db", "sql:file-missing"),
        ("/re\0ports.db", "sql:file-path"),
    ],
)
def test_what_names_no_file_is_told(host: str, code: str) -> None:
    assert refused(connection(host)).code == code


def test_a_file_of_another_kind_and_a_wrong_mode_are_told(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "tulips.txt"
    other.write_text("tulips " * 1000, encoding="utf-8")
    assert refused(connection(other)).code == "sql:file-unreadable"
    assert refused(connection(file, mode="tulip")).code == "sql:bad-option"
    assert refused(connection(file, mode={"a": 1})).code == "sql:bad-option"


def test_patchbays_own_database_is_not_opened(file: Path) -> None:
    made = sqlite3.connect(file)
    for table in OWN_TABLES:
        made.execute(f"CREATE TABLE {table} (id int)")
    made.close()
    assert refused(connection(file)).code == "sql:own-database"


def test_patchbays_own_database_is_known_by_tables_that_it_has() -> None:
    from django.apps import apps

    tables = {model._meta.db_table for model in apps.get_models()}
    assert set(OWN_TABLES) <= tables


# Statements


def test_rows_come_with_their_columns_and_changes_with_their_count(
    session: SqliteSession,
) -> None:
    session.begin(autocommit=False)
    assert session.run("INSERT INTO tulip VALUES (2, NULL), (3, 'x')")[0].changed == 2
    [answer] = session.run("SELECT * FROM tulip ORDER BY id", keep=ALL)
    assert (answer.columns, answer.rows[1], answer.count) == (("id", "name"), (2, None), 3)
    session.rollback()
    assert session.run("SELECT count(*) FROM tulip", keep=FIRST)[0].rows == ((1,),)
    session.begin(autocommit=True)
    session.run("INSERT INTO tulip VALUES (2, NULL)")
    session.rollback()
    assert session.run("SELECT count(*) FROM tulip", keep=FIRST)[0].rows == ((2,),)


def test_parameters_fill_their_places(session: SqliteSession) -> None:
    assert session.run("SELECT ? + ?", [1, 2], keep=ALL)[0].rows == ((3,),)
    assert session.run("SELECT :name", {"name": "it's"}, keep=ALL)[0].rows == (("it's",),)


@pytest.mark.parametrize("parameters", [[1], {"b": 1}, [1, 2, 3], [1, ["a"]]])
def test_parameters_that_do_not_fit_are_told(session: SqliteSession, parameters: Any) -> None:
    sql = "SELECT :a" if isinstance(parameters, dict) else "SELECT ?, ?"
    assert meaning(session, sql, parameters).code == "sql:parameters"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEC 1", "sql:syntax"),
        ("SELECT (", "sql:syntax"),
        ("SELECT 1; SELECT 2", "sql:several-statements"),
        ("SELECT * FROM nowhere", "sql:not-found"),
        ("SELECT scent FROM tulip", "sql:not-found"),
        ("CREATE TABLE tulip (id int)", "sql:already-there"),
        ("INSERT INTO tulip VALUES (1, 'x')", "sql:constraint"),
        ("SELECT abs(-9223372036854775808)", "sql:failed"),
    ],
)
def test_what_an_error_means_is_told(session: SqliteSession, sql: str, code: str) -> None:
    assert meaning(session, sql).code == code


def test_a_result_over_the_limit_fails_and_a_large_one_can_be_counted(
    session: SqliteSession,
) -> None:
    sql = NUMBERS.format(5000) + "SELECT a FROM n"
    assert session.run(sql)[0].count == 5000
    with pytest.raises(Failure) as caught:
        session.run(sql, keep=ALL)
    assert_words(caught.value)
    assert caught.value.facts["limit"] == "1,000 rows"
    assert session.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)


def test_a_file_that_another_changes_is_told_as_locked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connections.hooks.sqlite.LONGEST_LOCK", 0.1)
    session = hook_for(connection(file)).open()
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert meaning(session, "INSERT INTO tulip VALUES (9, 'x')").code == "sql:locked"
    other.close()
    session.close()


def test_a_file_that_is_opened_for_reading_is_not_changed(file: Path) -> None:
    session = hook_for(connection(file, mode="ro")).open()
    before = file.read_bytes()
    assert meaning(session, "INSERT INTO tulip VALUES (9, 'x')").code == "sql:read-only"
    session.close()
    assert file.read_bytes() == before


def test_sql_can_neither_open_nor_make_another_file(session: SqliteSession, tmp_path: Path) -> None:
    session.begin(autocommit=True)
    for sql in (f"ATTACH '{tmp_path}/other.db' AS other", f"VACUUM INTO '{tmp_path}/other.db'"):
        assert meaning(session, sql).code == "sql:attach-refused"
    assert not (tmp_path / "other.db").exists()
    session.run("ATTACH ':memory:' AS more")
    session.run("VACUUM")


def test_another_database_of_the_same_server_there_is_none(session: SqliteSession) -> None:
    with pytest.raises(SessionFailure) as caught:
        session.use("other")
    assert_words(caught.value)
    assert caught.value.code == "sql:unsupported"


# Stopping


def test_another_thread_stops_a_statement_and_the_session_lives_on(
    session: SqliteSession,
) -> None:
    threading.Timer(0.1, session.cancel).start()
    assert meaning(session, NUMBERS.format(-1) + "SELECT max(a) FROM n").code == "sql:stopped"
    assert session.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)
    session.cancel()
