"""The SQL operators in BigQuery: each text is a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connections.exceptions import Failure
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.sql_words import assert_words
from tests.tasks.bigquery_world import JOB_ID, World
from tests.tasks.handmade_context import Stopped

QUERY, CHECK, VALUE, SENSOR = (
    "SQLExecuteQueryOperator",
    "SQLCheckOperator",
    "SQLValueCheckOperator",
    "SqlSensor",
)
SQL = "SELECT COUNT(*) AS days, MAX(rain) AS most FROM sales.day"
SCHEMA = [("days", "INTEGER"), ("most", "FLOAT")]


@pytest.fixture
def world(google: FakeGoogle, key: dict[str, Any]) -> Iterator[World]:
    made = World(google, key)
    yield made
    made.close()


def failure(world: World, name: str, **arguments: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        world.execute(name, conn_id="c", **arguments)
    return caught.value


def test_rows_are_the_value_and_the_job_has_the_runs_own_id(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[[7, 0.5], [8, None]]))
    result = world.execute(QUERY, conn_id="c", sql=SQL)
    assert result.value == [[7, 0.5], [8, None]]
    assert (result.facts["job_id"], result.facts["rows"]) == (JOB_ID, 2)
    [job] = google.jobs.values()
    assert job.configuration["query"]["query"] == SQL
    assert job.configuration["query"]["useLegacySql"] is False


def test_a_list_is_a_job_for_each_with_ids_of_their_own(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[[7, 0.5]]))
    result = world.execute(QUERY, conn_id="c", sql=[SQL, SQL])
    assert result.value == [[[7, 0.5]], [[7, 0.5]]]
    ids = [request.body["jobReference"]["jobId"] for request in inserts(google)]
    assert ids == [JOB_ID, f"2_{JOB_ID}"]


def inserts(google: FakeGoogle) -> list[Any]:
    return [request for request in google.requests if request.call == "jobs.insert"]


def test_more_rows_than_a_task_keeps_fail(
    world: World, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.sql_bigquery.MOST_ROWS", 2)
    google.plan(JobPlan(schema=SCHEMA, rows=[[1, 0.5]] * 3))
    found = failure(world, QUERY, sql=SQL)
    assert_words(found)
    assert found.code == "sql:result-too-large"
    google.plan(JobPlan(schema=SCHEMA, rows=[[1, 0.5]] * 3))
    world.context.job_id = f"{JOB_ID}x"
    result = world.execute(QUERY, conn_id="c", sql=SQL, do_xcom_push=False)
    assert (result.value, result.facts["rows"]) == (None, 3)


@pytest.mark.parametrize("more", [{"parameters": [1]}, {"database": "sales"}, {"autocommit": True}])
def test_what_bigquery_has_not_is_told_before_anything_is_sent(
    world: World, google: FakeGoogle, more: dict[str, Any]
) -> None:
    found = failure(world, QUERY, sql=SQL, **more)
    assert_words(found)
    assert found.code == "sql:unsupported"
    assert not inserts(google)


def test_a_refused_query_is_told_as_by_the_operators_of_bigquery(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(error=JobError.table_denied()))
    assert failure(world, QUERY, sql=SQL).code == "job:permission-denied"


def test_checks_look_at_the_first_row(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[[7, 0.0]]))
    assert failure(world, CHECK, sql=SQL).code == "job:check-failed"
    google.plan(JobPlan(schema=SCHEMA[:1], rows=[[7]]))
    world.context.job_id = f"{JOB_ID}x"
    result = world.execute(VALUE, conn_id="c", sql=SQL, pass_value=7)
    assert result.summary == "Check passed: days = 7"


@pytest.mark.parametrize(("rows", "is_there"), [([[0]], False), ([], False), ([[3]], True)])
def test_a_sensor_looks_by_a_job_of_its_own_each_time(
    world: World, google: FakeGoogle, rows: list[Any], is_there: bool
) -> None:
    world.context.look_number = 4
    google.plan(JobPlan(schema=SCHEMA[:1], rows=rows))
    task = world.task(SENSOR, conn_id="c", sql=SQL)
    assert bool(task.execute(world.session, world.context)) == is_there
    [insert] = inserts(google)
    assert insert.body["jobReference"]["jobId"] == f"look_4_{JOB_ID}"


def test_a_sensor_without_a_row_can_fail(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA[:1], rows=[]))
    assert failure(world, SENSOR, sql=SQL, fail_on_empty=True).code == "sql:no-rows"


@pytest.mark.parametrize("name", [QUERY, SENSOR])
def test_a_cancel_reaches_the_job(world: World, google: FakeGoogle, name: str) -> None:
    google.plan(JobPlan(schema=SCHEMA, running=60))
    world.context.stop_when = lambda: bool(google.jobs)
    arguments = {"conn_id": "c", "sql": SQL}
    with pytest.raises(Stopped):
        world.execute(name, **arguments)
    world.context = type(world.context)()
    assert world.cancel(name, **arguments)
    assert len(google.jobs) == 1
    assert [request.call for request in google.requests].count("jobs.cancel") == 1
