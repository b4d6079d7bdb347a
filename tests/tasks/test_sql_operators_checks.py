"""SQLCheckOperator, SQLValueCheckOperator and SqlSensor, in each database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connections.diagnosis import CATALOGUE
from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError, Sensor
from tasks.operators.sql import DATABASES
from tests.sql_words import assert_words
from tests.tasks.handmade_context import Stopped
from tests.tasks.sql_world import SqlWorld, world_of

CHECK, VALUE, SENSOR = "SQLCheckOperator", "SQLValueCheckOperator", "SqlSensor"


@pytest.fixture(params=DATABASES)
def world(request: Any, tmp_path: Path) -> Iterator[SqlWorld]:
    with world_of(request.param, tmp_path) as made:
        yield made


def failure(world: SqlWorld, name: str, sql: str, **arguments: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        world.execute(name, sql=sql, **arguments)
    assert_words(caught.value)
    return caught.value


def summary(world: SqlWorld, name: str, sql: str, **arguments: Any) -> str:
    result = world.execute(name, sql=sql, **arguments)
    assert result is not None
    assert result.value is None
    return result.summary


def test_a_check_passes_when_all_of_the_first_row_is_true(world: SqlWorld) -> None:
    sql = "SELECT 7 AS days, 'x' AS name UNION ALL SELECT 0, '' ORDER BY days DESC"
    assert summary(world, CHECK, sql) == "Check passed: days = 7, name = x"


@pytest.mark.parametrize("cells", ["0 AS a", "1 AS b, NULL AS a", "'' AS a", "0.0 AS a"])
def test_a_check_fails_when_something_in_the_row_is_not_true(world: SqlWorld, cells: str) -> None:
    found = failure(world, CHECK, f"SELECT {cells}")
    assert found.code == "sql:check-failed"
    assert "a = " in found.facts["reason"]
    assert CATALOGUE[found.code].is_worth_a_retry


@pytest.mark.parametrize(("name", "more"), [(CHECK, {}), (VALUE, {"pass_value": 1})])
def test_a_check_without_a_row_fails(world: SqlWorld, name: str, more: dict[str, Any]) -> None:
    found = failure(world, name, "SELECT 1 WHERE 1 = 0", **more)
    assert found.code == "sql:no-rows"
    assert CATALOGUE[found.code].is_worth_a_retry


@pytest.mark.parametrize(
    ("sql", "expected", "tolerance"),
    [
        ("SELECT 7", 7, None),
        ("SELECT 7", "7", None),
        ("SELECT 7, 7.0", "7.00", None),
        ("SELECT 95", 100, 0.05),
        ("SELECT 105", 100, 0.05),
        ("SELECT 'red'", "red", None),
    ],
)
def test_a_value_check_passes_for_what_is_expected(
    world: SqlWorld, sql: str, expected: Any, tolerance: float | None
) -> None:
    words = summary(world, VALUE, sql, pass_value=expected, tolerance=tolerance)
    assert words.startswith("Check passed: ")


@pytest.mark.parametrize(
    ("sql", "expected", "tolerance"),
    [
        ("SELECT 8 AS a", 7, None),
        ("SELECT 94 AS a", 100, 0.05),
        ("SELECT NULL AS a", 7, None),
        ("SELECT 'red' AS a", 7, None),
        ("SELECT 'red' AS a", "blue", None),
        ("SELECT 7 AS b, 8 AS a", 7, None),
    ],
)
def test_a_value_check_fails_for_anything_else(
    world: SqlWorld, sql: str, expected: Any, tolerance: float | None
) -> None:
    found = failure(world, VALUE, sql, pass_value=expected, tolerance=tolerance)
    assert found.code == "sql:check-failed"
    assert f"where {expected}" in found.facts["reason"]


def test_parameters_and_another_database_count_in_a_check_too(world: SqlWorld) -> None:
    sql = f"SELECT 1 WHERE 2 = {world.place}"
    assert summary(world, CHECK, sql, parameters=[2])
    assert failure(world, CHECK, sql, parameters=[3]).code == "sql:no-rows"
    if world.dialect == "mysql":
        assert summary(world, CHECK, "SELECT 1", database="archive")
        assert world.session.identity.endswith("/archive")


# The sensor


def test_a_sensor_waits_until_the_first_cell_is_true(world: SqlWorld) -> None:
    world.run("CREATE TABLE tulip (id int)")
    sql = "SELECT count(*) AS here FROM tulip"
    assert world.execute(SENSOR, sql=sql) is None
    world.run("INSERT INTO tulip VALUES (1)")
    assert summary(world, SENSOR, sql) == "It is there: here = 1"


@pytest.mark.parametrize("cell", ["0", "NULL", "''"])
def test_a_sensor_goes_on_waiting_for_what_is_not_true(world: SqlWorld, cell: str) -> None:
    assert world.execute(SENSOR, sql=f"SELECT {cell}") is None


def test_a_sensor_without_a_row_waits_or_fails(world: SqlWorld) -> None:
    sql = "SELECT 1 WHERE 1 = 0"
    assert world.execute(SENSOR, sql=sql) is None
    assert failure(world, SENSOR, sql, fail_on_empty=True).code == "sql:no-rows"


def test_a_sensor_fills_parameters_and_can_be_stopped(world: SqlWorld) -> None:
    assert summary(world, SENSOR, f"SELECT {world.place}", parameters=[1])
    sleeps = {
        "postgres": "SELECT pg_sleep(60)",
        "mysql": "SELECT sleep(60)",
        "sqlite": "WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n) "
        "SELECT max(a) FROM n",
    }
    threading.Timer(0.2, world.context.stop).start()
    with pytest.raises(Stopped):
        world.execute(SENSOR, sql=sleeps[world.dialect])


def test_a_sensor_takes_what_every_sensor_takes() -> None:
    assert issubclass(OPERATORS[SENSOR], Sensor)
    arguments = {"conn_id": "c", "sql": "a", "poke_interval": 5, "mode": "poke"}
    OPERATORS[SENSOR].check(arguments)
    with pytest.raises(ArgumentError, match="Write the condition in the SQL"):
        OPERATORS[SENSOR].check({**arguments, "success": "lambda"})
    for name in (SENSOR, CHECK):
        with pytest.raises(ArgumentError, match="sql must be one text"):
            OPERATORS[name].check({"conn_id": "c", "sql": ["a", "b"]})
