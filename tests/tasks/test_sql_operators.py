"""SQLExecuteQueryOperator in each database, and under its older names."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError
from tasks.operators.sql import DATABASES
from tests.sql_words import assert_words
from tests.tasks.handmade_context import Stopped
from tests.tasks.sql_world import SqlWorld, postgres, world_of

NAME = "SQLExecuteQueryOperator"
SLEEP = {
    "postgres": "SELECT pg_sleep(60)",
    "mysql": "SELECT sleep(60)",
    "sqlite": "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) "
    "SELECT max(a) FROM n",
}
TABLE = "CREATE TABLE tulip (id int, name varchar(20))"
ROWS = "INSERT INTO tulip VALUES (1, 'red'), (2, NULL)"


@pytest.fixture(params=DATABASES)
def world(request: Any, tmp_path: Path) -> Iterator[SqlWorld]:
    with world_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def in_postgres(tmp_path: Path) -> Iterator[SqlWorld]:
    with world_of("postgres", tmp_path) as made:
        yield made


def failure(world: SqlWorld, sql: Any, **arguments: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        world.run(sql, **arguments)
    assert_words(caught.value)
    return caught.value


# What a task leaves


def test_rows_are_the_value_and_are_counted(world: SqlWorld) -> None:
    world.run([TABLE, ROWS])
    result = world.run("SELECT id, name FROM tulip ORDER BY id")
    assert result.value == [[1, "red"], [2, None]]
    assert result.facts == {"rows": 2}
    assert result.summary == "SQL done, 2 rows"


def test_changes_are_committed_and_counted(world: SqlWorld) -> None:
    assert world.run(TABLE).value is None
    result = world.run(ROWS)
    assert (result.value, result.facts) == (None, {"changed_rows": 2})
    assert result.summary == "SQL done, 2 rows changed"
    assert world.seen("SELECT count(*) FROM tulip") == 2


def test_a_list_leaves_a_list_with_a_result_for_each(world: SqlWorld) -> None:
    result = world.run([TABLE, ROWS, "SELECT count(*) FROM tulip"])
    assert result.value == [None, None, [[2]]]
    assert result.facts == {"statements": 3, "rows": 1, "changed_rows": 2}
    assert result.summary == "SQL done, 3 statements, 1 row, 2 rows changed"
    assert [text for text, _ in world.context.told] == [
        "Statement 1 of 3",
        "Statement 2 of 3",
        "Statement 3 of 3",
    ]


def test_a_text_is_split_where_it_is_asked_for(world: SqlWorld) -> None:
    sql = f"{TABLE}; {ROWS}; -- so far; so good\nSELECT name FROM tulip WHERE name <> ';';"
    result = world.run(sql, split_statements=True)
    assert result.value == [["red"]]
    assert result.facts["statements"] == 3
    result = world.run("SELECT 1; SELECT 2", split_statements=True, return_last=False)
    assert result.value == [[[1]], [[2]]]
    assert world.run("SELECT 1", return_last=False).value == [[[1]]]
    assert world.run("SELECT 1", return_last=False, split_statements=False).value == [[1]]


def test_a_text_that_is_not_split_goes_to_the_database_as_it_is(world: SqlWorld) -> None:
    if world.dialect == "sqlite":
        assert failure(world, "SELECT 1; SELECT 2").code == "sql:several-statements"
    else:
        assert world.run("SELECT 1; SELECT 2").value == [[2]]


def test_parameters_are_filled_by_place_and_by_name(world: SqlWorld) -> None:
    world.run([TABLE, ROWS])
    sql = f"SELECT id FROM tulip WHERE name = {world.place} AND id < {world.place}"
    assert world.run(sql, parameters=["red", 9]).value == [[1]]
    place = ":name" if world.dialect == "sqlite" else "%(name)s"
    sql = f"SELECT id FROM tulip WHERE name = {place}"
    assert world.run(sql, parameters={"name": "'; DROP TABLE tulip; --"}).value == []
    assert world.seen("SELECT count(*) FROM tulip") == 2
    wrong = [1, 2, 3]
    assert failure(world, sql, parameters=wrong).code == "sql:parameters"


def test_a_failure_undoes_what_came_before_it(world: SqlWorld) -> None:
    world.run(TABLE)
    assert failure(world, [ROWS, "SELECT * FROM nowhere"]).code == "sql:not-found"
    assert world.seen("SELECT count(*) FROM tulip") == 0
    assert world.run("SELECT 1").value == [[1]]


def test_with_autocommit_each_statement_counts_by_itself(world: SqlWorld) -> None:
    world.run(TABLE)
    failure(world, [ROWS, "SELECT * FROM nowhere"], autocommit=True)
    assert world.seen("SELECT count(*) FROM tulip") == 2


def test_what_no_transaction_may_hold_runs_with_autocommit(in_postgres: SqlWorld) -> None:
    in_postgres.run(TABLE)
    assert failure(in_postgres, "VACUUM tulip").code == "sql:failed"
    assert in_postgres.run("VACUUM tulip", autocommit=True).value is None


@pytest.mark.parametrize("sql", ["", "  \n", [], ["", " "], "-- nothing;\n/* at all; */;"])
def test_sql_without_a_statement_is_told(world: SqlWorld, sql: Any) -> None:
    assert failure(world, sql, split_statements=True).code == "sql:syntax"


def test_more_rows_than_a_task_keeps_fail_and_can_be_counted(
    world: SqlWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.sql_statements.MOST_ROWS", 100)
    sql = "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 300) "
    sql += "SELECT a FROM n"
    result = world.run(sql, do_xcom_push=False)
    assert (result.value, result.facts) == (None, {"rows": 300})
    found = failure(world, sql)
    assert (found.code, found.facts["limit"]) == ("sql:result-too-large", "100 rows")


def test_rows_are_logged_when_it_is_asked_for(world: SqlWorld) -> None:
    world.run("SELECT 1 AS a, 'é' AS b", show_return_value_in_logs=True)
    assert world.context.logs == ['[1, "é"]']


def test_values_that_json_lacks_are_told_as_airflow_tells_them(in_postgres: SqlWorld) -> None:
    cells = {
        "1.50::numeric": 1.5,
        "7::numeric": 7,
        "0.1234567890123456789::numeric": "0.1234567890123456789",
        "'NaN'::numeric": "NaN",
        "'Infinity'::float8": "inf",
        "12345678901234567890::numeric": 12345678901234567890,
        "DATE '2026-01-31'": "2026-01-31",
        "TIMESTAMPTZ '2026-01-31 10:00+00' AT TIME ZONE 'UTC'": "2026-01-31T10:00:00",
        "TIME '10:00'": "10:00:00",
        "INTERVAL '90 seconds'": "0:01:30",
        "'\\x00ff'::bytea": "AP8=",
        "'11111111-2222-3333-4444-555555555555'::uuid": "11111111-2222-3333-4444-555555555555",
        "ARRAY[1.5, 2]": [1.5, 2],
        "'{\"a\": [1]}'::jsonb": {"a": [1]},
        "'10.0.0.1'::inet": "10.0.0.1",
        "true": True,
        "NULL": None,
    }
    [row] = in_postgres.run(f"SELECT {', '.join(cells)}").value
    assert json.loads(json.dumps(row)) == list(cells.values())


def test_rows_are_dicts_where_the_connection_says_so() -> None:
    with postgres() as connection:
        extra = {**connection.extra, "cursor": "RealDictCursor"}
        world = SqlWorld(replace(connection, extra=extra))
        assert world.run("SELECT 1 AS a, 2 AS b").value == [{"a": 1, "b": 2}]
        world.hook.close(world.session)


def test_another_database_is_used_where_one_is_named(world: SqlWorld) -> None:
    if world.dialect == "sqlite":
        assert failure(world, "SELECT 1", database="archive").code == "sql:unsupported"
        return
    names = {"postgres": "template1", "mysql": "archive"}
    world.run("SELECT 1", database=names[world.dialect])
    assert world.session.identity.endswith(f"/{names[world.dialect]}")
    assert failure(world, "SELECT 1", database="nowhere").code == "sql:no-database"


# Stopping


def test_a_cancel_stops_the_statement_and_undoes_the_transaction(world: SqlWorld) -> None:
    world.run(TABLE)
    threading.Timer(0.2, world.context.stop).start()
    with pytest.raises(Stopped):
        world.run([ROWS, SLEEP[world.dialect]])
    assert world.seen("SELECT count(*) FROM tulip") == 0
    assert world.task(NAME, sql="SELECT 1").cancel(world.session, world.context) == ""


def test_a_task_that_is_to_stop_begins_no_further_statement(world: SqlWorld) -> None:
    world.run(TABLE)
    # Before and after the transaction's begin, and before and after the first statement.
    world.context.checks_left = 3
    with pytest.raises(Stopped):
        world.run([ROWS, ROWS])
    assert world.seen("SELECT count(*) FROM tulip") == 0


# The declaration


@pytest.mark.parametrize(
    ("name", "conn_type"),
    [("PostgresOperator", "postgres"), ("MySqlOperator", "mysql"), ("SqliteOperator", "sqlite")],
)
def test_the_older_names_do_the_same(name: str, conn_type: str, tmp_path: Path) -> None:
    assert OPERATORS[name].connection_types == (conn_type,)
    with world_of(conn_type, tmp_path) as world:
        result = world.execute(name, sql="SELECT 1")
        assert result is not None
        assert result.value == [[1]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "needs the argument 'sql'"),
        ({"sql": ["a", 1]}, "must hold only texts"),
        ({"sql": "a", "parameters": 7}, "parameters must be a list or a dict"),
        ({"sql": "a", "hook_params": {"a": 1}}, "Set the options on the connection"),
        ({"sql": "a", "handler": "all"}, "handler='all' is not supported"),
        ({"sql": "a", "retry_on_failure": False}, "Give the task no retries"),
    ],
)
def test_arguments_that_cannot_be_are_told(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        OPERATORS[NAME].check({"conn_id": "c", **arguments})


def test_what_another_task_left_may_stand_for_sql_and_parameters() -> None:
    reference = {"__xcom__": "before", "key": "return_value"}
    OPERATORS[NAME].check({"conn_id": "c", "sql": reference, "parameters": reference})
    OPERATORS[NAME].check({"conn_id": "c", "sql": "a", "parameters": "{{ params.all }}"})
