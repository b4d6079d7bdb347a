"""SQL in whole runs, and tests of connections to databases, by the code of the worker."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from connections.models import Connection, ConnectionTest, ConnectionTestState
from connections.services import create_connection
from connections.testing import can_test
from connections.trial import run as make_test
from connections.types.base import LoadedConnection
from connections.validation import Draft
from tasks.models import DagRun
from tasks.operators.sql import DATABASES
from tasks.spec import TaskSpec
from tests.conftest import ACTOR
from tests.tasks import sql_world

pytestmark = pytest.mark.django_db
QUERY = "SQLExecuteQueryOperator"


@pytest.fixture(params=DATABASES)
def stored(request: Any, tmp_path: Path) -> Iterator[Connection]:
    """A connection to a database of its own, stored as flowers_db."""
    places: dict[str, AbstractContextManager[LoadedConnection]] = {
        "postgres": sql_world.postgres(),
        "mysql": sql_world.mysql(),
        "sqlite": sql_world.sqlite(tmp_path),
    }
    with places[request.param] as loaded:
        yield store(loaded)


def store(loaded: LoadedConnection) -> Connection:
    fields = ("host", "schema", "login", "password", "port", "extra")
    values = {name: getattr(loaded, name) for name in fields}
    return create_connection(Draft("flowers_db", loaded.conn_type, **values), actor=ACTOR)


def task(task_id: str, sql: str, *, upstream: tuple[str, ...] = (), **more: Any) -> TaskSpec:
    operator = more.pop("operator", QUERY)
    arguments = {"sql": sql, **more}
    return TaskSpec(task_id, operator, "flowers_db", arguments, upstream)


def test_a_run_makes_a_table_fills_it_and_checks_it(
    stored: Connection, run_dag: Callable[..., DagRun]
) -> None:
    run = run_dag(
        task("make", "CREATE TABLE day (ds varchar(10), rain int)"),
        task("fill", "INSERT INTO day VALUES ('{{ ds }}', 7)", upstream=("make",)),
        task("read", "SELECT ds, rain FROM day", upstream=("fill",)),
        task(
            "check",
            "SELECT count(*) FROM day WHERE ds = '{{ ds }}'",
            upstream=("read",),
            operator="SQLCheckOperator",
        ),
    )
    assert run.state == "success"
    rows = {row.task_id: row for row in run.task_instances.all()}
    [value] = rows["read"].xcoms.filter(key="return_value").values_list("value", flat=True)
    assert value == [[f"{run.logical_date:%Y-%m-%d}", 7]]
    identity = run.steps.get(task_instance=rows["read"], number=3).facts["identity"]
    assert identity
    assert "s3cret" not in json.dumps(list(run.steps.values("result", "facts")))


def test_a_statement_that_fails_is_told_at_step_4_and_the_session_is_closed(
    stored: Connection, run_dag: Callable[..., DagRun]
) -> None:
    run = run_dag(task("read", "SELECT * FROM nowhere"))
    assert run.state == "failed"
    steps = {step.number: step for step in run.steps.all()}
    assert (steps[4].state, steps[4].error_code) == ("failed", "sql:not-found")
    assert "nowhere" in steps[4].vendor_message
    assert steps[5].state == "success"


def test_a_connection_to_a_database_can_be_tested(stored: Connection) -> None:
    assert can_test(stored.conn_type)
    test = ConnectionTest.objects.create(connection=stored, conn_id=stored.conn_id, digest="1" * 64)
    make_test(test.pk)
    test.refresh_from_db()
    assert (test.state, test.code) == (ConnectionTestState.SUCCESS, "")
    assert [stage["state"] for stage in test.stages] == ["success"] * 4


def test_a_test_with_a_wrong_password_says_so_and_shows_none() -> None:
    with sql_world.mysql() as loaded:
        stored = store(loaded)
        draft = {**stored.load().__dict__, "password": "an0ther-s3cret"}
        Connection.objects.all().delete()
        wrong = store(LoadedConnection(**draft))
        test = ConnectionTest.objects.create(
            connection=wrong, conn_id=wrong.conn_id, digest="2" * 64
        )
        make_test(test.pk)
    test.refresh_from_db()
    assert (test.state, test.code) == (ConnectionTestState.FAILED, "sql:login-refused")
    assert "s3cret" not in json.dumps([test.stages, test.message])


def test_rows_with_what_json_columns_refuse_are_kept_all_the_same(
    tmp_path: Path, run_dag: Callable[..., DagRun]
) -> None:
    path = tmp_path / "odd.db"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE odd (a)")
    made.execute("INSERT INTO odd VALUES (?), (?), (?)", ("nul \0 inside", 2.5, b"\0\xff"))
    made.commit()
    made.close()
    store(LoadedConnection("c", "sqlite", host=str(path)))
    run = run_dag(task("read", "SELECT a FROM odd"))
    assert run.state == "success"
