"""Sessions with PostgreSQL: the server of the tests, and doors that stay shut."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from connections.exceptions import Failure, SessionFailure
from connections.hooks import hook_for
from connections.hooks.postgres import PostgresHook, PostgresSession
from connections.hooks.sql import FIRST, Keep
from connections.types.base import LoadedConnection
from tests.fakes.postgres_door import ClosedDoor
from tests.postgres_server import server_url
from tests.sql_words import assert_words

ALL = Keep(rows=1000, size=1_000_000, is_limit=True)


def connection(**changes: Any) -> LoadedConnection:
    """To the tests' own server."""
    known: dict[str, Any] = conninfo_to_dict(server_url())
    extra = {"application_name": "tests", **changes.pop("extra", {})}
    fields: dict[str, Any] = {
        "host": str(known["host"]),
        "login": str(known["user"]),
        "password": str(known.get("password") or ""),
        "schema": str(known["dbname"]),
        "port": int(known["port"]) if known.get("port") else None,
    }
    return LoadedConnection("c", "postgres", extra=extra, **{**fields, **changes})


def door(server: ClosedDoor, **extra: Any) -> LoadedConnection:
    fields: dict[str, Any] = {
        "host": "127.0.0.1",
        "login": "reports",
        "password": "s3cret",
        "schema": "shop",
    }
    return LoadedConnection("c", "postgres", port=server.port, extra=extra, **fields)


@pytest.fixture
def session() -> Iterator[PostgresSession]:
    hook = hook_for(connection())
    opened = hook.open()
    yield opened
    hook.close(opened)


def refused(loaded: LoadedConnection) -> SessionFailure:
    with pytest.raises(SessionFailure) as caught:
        hook_for(loaded).open()
    assert_words(caught.value)
    return caught.value


def meaning(session: PostgresSession, sql: str) -> SessionFailure:
    with pytest.raises(psycopg.Error) as caught:
        session.run(sql)
    failure = session.failure_of(caught.value)
    assert failure is not None
    assert_words(failure)
    assert failure.vendor_message
    return failure


# Opening


def test_a_session_says_as_whom_where_and_in_which_database(session: PostgresSession) -> None:
    known = connection()
    assert session.identity.startswith(f"{known.login}@{known.host}:")
    assert session.identity.endswith(f"/{known.schema}")
    assert session.secrets == set()


def test_a_sample_call_tells_the_version(session: PostgresSession) -> None:
    assert PostgresHook(connection()).sample_call(session).startswith("PostgreSQL 1")


def test_extras_go_to_libpq_and_those_of_others_do_not() -> None:
    extra = {
        "options": "-c search_path=tulips -c statement_timeout=4321",
        "sqlalchemy_scheme": "postgresql+psycopg",
        "sqlalchemy_query": {"a": "b"},
        "aws_conn_id": "aws_default",
        "iam": False,
        "cursor": "dictcursor",
        "keepalives": 1,
    }
    hook = hook_for(connection(extra=extra))
    opened = hook.open()
    sql = "SELECT current_setting('search_path'), current_setting('statement_timeout')"
    assert opened.run(sql, keep=FIRST)[0].rows == (("tulips", "4321ms"),)
    assert opened.rows_as_dicts
    hook.close(opened)


def test_an_empty_database_is_the_one_named_like_the_login() -> None:
    opened = hook_for(connection(schema="")).open()
    assert opened.identity.endswith("/postgres")
    opened.close()


@pytest.mark.parametrize(
    ("state", "words", "code"),
    [
        ("28P01", 'password authentication failed for user "reports"', "sql:login-refused"),
        ("28000", 'role "reports" is not permitted to log in', "sql:login-refused"),
        ("28000", 'no pg_hba.conf entry for host "10.0.0.1"', "sql:login-refused"),
        ("3D000", 'database "shop" does not exist', "sql:no-database"),
        ("42501", 'permission denied for database "shop"', "sql:permission-denied"),
        ("53300", "sorry, too many clients already", "sql:busy"),
        ("57P03", "the database system is starting up", "sql:busy"),
        ("XX000", "tulips everywhere", "sql:session-refused"),
    ],
)
def test_a_server_that_lets_nobody_in_is_told_by_its_words(
    state: str, words: str, code: str
) -> None:
    with ClosedDoor(state, words) as server:
        failure = refused(door(server))
    assert failure.code == code
    assert words in failure.vendor_message


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with ClosedDoor() as server:
        assert refused(door(server, connect_timeout=1)).code == "sql:unreachable"


def test_a_test_does_not_wait_as_long_as_the_connection_would() -> None:
    with ClosedDoor() as server:
        hook = hook_for(door(server, connect_timeout=3600))
        hook.longest_call = 1
        with pytest.raises(SessionFailure):
            hook.open()


def test_a_server_without_tls_is_told_where_tls_is_required() -> None:
    with ClosedDoor("28P01", "no") as server:
        failure = refused(door(server, sslmode="REQUIRE"))
    assert failure.code == "sql:tls"


@pytest.mark.parametrize("sslmode", ["prefer", "disable"])
def test_another_service_at_the_port_is_told(sslmode: str) -> None:
    with ClosedDoor(raw=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        assert refused(door(server, sslmode=sslmode)).code == "sql:bad-answer"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"host": "127.0.0.1", "port": 1}, "sql:unreachable"),
        ({"host": "/nowhere"}, "sql:unreachable"),
        ({"host": "nowhere.invalid"}, "sql:name-unknown"),
        ({"extra": {"tulip": "red"}}, "sql:bad-option"),
        ({"extra": {"sslmode": "tulip"}}, "sql:bad-option"),
        ({"extra": {"connect_timeout": "soon"}}, "sql:bad-option"),
        ({"extra": {"options": {"a": 1}}}, "sql:bad-option"),
        ({"extra": {"iam": "true"}}, "sql:unsupported"),
        ({"extra": {"iam": True, "azure_conn_id": "a"}}, "sql:unsupported"),
        ({"login": "nobody_here"}, "sql:login-refused"),
        ({"schema": "no_such_database"}, "sql:no-database"),
    ],
)
def test_what_keeps_a_session_from_opening_is_told(changes: dict[str, Any], code: str) -> None:
    assert refused(connection(**changes)).code == code


# Statements


def test_rows_come_with_their_columns_and_changes_with_their_count(
    session: PostgresSession,
) -> None:
    session.begin(autocommit=False)
    assert session.run("CREATE TEMP TABLE tulip (id int, name text)")[0].changed is None
    assert session.run("INSERT INTO tulip VALUES (1, 'red'), (2, NULL)")[0].changed == 2
    [answer] = session.run("SELECT * FROM tulip ORDER BY id", keep=ALL)
    assert (answer.columns, answer.rows) == (("id", "name"), ((1, "red"), (2, None)))
    assert (answer.count, answer.changed) == (2, None)
    session.rollback()
    assert meaning(session, "SELECT * FROM tulip").code == "sql:not-found"


def test_a_text_of_several_statements_answers_for_each(session: PostgresSession) -> None:
    answers = session.run("SELECT 1; SELECT 2 AS two WHERE false; SET work_mem = '4MB'", keep=ALL)
    assert [answer.rows for answer in answers] == [((1,),), (), ()]
    assert answers[1].columns == ("two",)


def test_parameters_fill_their_places_and_a_percent_sign_needs_none(
    session: PostgresSession,
) -> None:
    assert session.run("SELECT %s::int + %s", [1, 2], keep=ALL)[0].rows == ((3,),)
    named = session.run("SELECT %(name)s", {"name": "it's; \\ '' %s"}, keep=ALL)
    assert named[0].rows == (("it's; \\ '' %s",),)
    assert session.run("SELECT 'a' LIKE '%a%'", keep=ALL)[0].rows == ((True,),)


@pytest.mark.parametrize("parameters", [[1], {"b": 1}, [1, 2, 3]])
def test_parameters_that_do_not_fit_are_told(session: PostgresSession, parameters: Any) -> None:
    with pytest.raises(SessionFailure) as caught:
        session.run("SELECT %s, %s", parameters)
    assert_words(caught.value)
    assert caught.value.code == "sql:parameters"


def test_a_result_over_the_limit_fails_and_a_large_one_can_be_counted(
    session: PostgresSession,
) -> None:
    sql = "SELECT repeat('x', 100) FROM generate_series(1, 20000)"
    assert session.run(sql)[0].count == 20_000
    with pytest.raises(Failure) as caught:
        session.run(sql, keep=Keep(rows=500, size=10_000_000, is_limit=True))
    assert_words(caught.value)
    assert (caught.value.code, caught.value.facts["limit"]) == (
        "sql:result-too-large",
        "500 rows",
    )
    session.close()


def test_a_result_of_large_cells_is_over_the_limit_too(session: PostgresSession) -> None:
    with pytest.raises(Failure) as caught:
        session.run("SELECT repeat('x', 2000000)", keep=ALL)
    assert caught.value.facts["limit"] == "1 MB"


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEC 1", "sql:syntax"),
        ("SELECT * FROM nowhere", "sql:not-found"),
        ("SELECT nothing", "sql:not-found"),
        ("SELECT nothing()", "sql:not-found"),
        ("SELECT 1/0", "sql:bad-value"),
        ("SELECT 'a'::int", "sql:bad-value"),
        ("CREATE TABLE pg_catalog.pg_class ()", "sql:already-there"),
        ("SET statement_timeout = 50; SELECT pg_sleep(30)", "sql:timeout"),
        ("SET TRANSACTION READ ONLY; CREATE TABLE tulip ()", "sql:read-only"),
        ("SET ROLE pg_monitor; SELECT * FROM pg_authid", "sql:permission-denied"),
        (
            "CREATE TEMP TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (1)",
            "sql:constraint",
        ),
        ("DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$", "sql:deadlock"),
        ("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$", "sql:deadlock"),
        ("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$", "sql:locked"),
        ("DO $$ BEGIN RAISE SQLSTATE '53100'; END $$", "sql:no-room"),
        ("DO $$ BEGIN RAISE SQLSTATE 'P9999'; END $$", "sql:failed"),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "sql:dropped"),
    ],
)
def test_what_an_error_means_is_told(session: PostgresSession, sql: str, code: str) -> None:
    assert meaning(session, sql).code == code


def test_copy_with_the_client_is_refused_and_does_not_hang(session: PostgresSession) -> None:
    for sql in ("COPY (SELECT 1) TO STDOUT", "SELECT 1; COPY pg_class FROM STDIN"):
        opened = hook_for(connection()).open()
        with pytest.raises(SessionFailure) as caught:
            opened.run(sql)
        assert caught.value.code == "sql:unsupported"
        opened.close()


def test_a_session_goes_on_in_another_database(session: PostgresSession) -> None:
    session.use("template1")
    assert session.run("SELECT current_database()", keep=FIRST)[0].rows == (("template1",),)
    assert session.identity.endswith("/template1")
    with pytest.raises(SessionFailure) as caught:
        session.use("no_such_database")
    assert_words(caught.value)
    assert caught.value.code == "sql:no-database"


# Stopping


def test_another_thread_stops_a_statement_and_the_session_lives_on(
    session: PostgresSession,
) -> None:
    threading.Timer(0.2, session.cancel).start()
    assert meaning(session, "SELECT pg_sleep(60)").code == "sql:stopped"
    assert session.run("SELECT 1", keep=FIRST)[0].rows == ((1,),)


def test_a_line_that_is_cut_lets_the_statement_come_back(session: PostgresSession) -> None:
    threading.Timer(0.2, session.abort).start()
    assert meaning(session, "SELECT pg_sleep(60)").code == "sql:dropped"
    session.rollback()
    session.cancel()
    session.close()
    session.abort()


def test_a_sample_call_has_an_end_although_the_server_has_none(
    session: PostgresSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = PostgresHook(connection())
    hook.longest_call = 0.2
    plain_run = session.run
    monkeypatch.setattr(session, "run", lambda *_, **__: plain_run("SELECT pg_sleep(60)"))
    with pytest.raises(SessionFailure) as caught:
        hook.sample_call(session)
    assert_words(caught.value)
    assert (caught.value.code, caught.value.facts["seconds"]) == ("sql:no-answer", "0.2")


# For tasks that use the connection by themselves


def test_the_connection_is_one_of_the_db_api(session: PostgresSession) -> None:
    with session.connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE tulip (id int)")
        cursor.execute("INSERT INTO tulip VALUES (%s)", (7,))
        assert cursor.execute("SELECT id FROM tulip").fetchall() == [(7,)]
    session.connection.rollback()
    assert meaning(session, "SELECT * FROM tulip").code == "sql:not-found"
