"""The operators that read from BigQuery: two that check data, and one that hands rows on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from connections.diagnosis import CATALOGUE, explain
from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError
from tests.fakes.google import FakeGoogle, Fault, JobError, JobPlan
from tests.fakes.google.plans import SchemaField
from tests.tasks.bigquery_world import JOB_ID, World

CHECK, VALUE, DATA = (
    "BigQueryCheckOperator",
    "BigQueryValueCheckOperator",
    "BigQueryGetDataOperator",
)
SQL = "SELECT COUNT(*) AS days, MAX(rain) AS most FROM sales.day"
SCHEMA = [("days", "INTEGER"), ("most", "FLOAT")]
TABLE = {"dataset_id": "sales", "table_id": "day"}


@pytest.fixture
def world(google: FakeGoogle, key: dict[str, Any]) -> Iterator[World]:
    made = World(google, key)
    yield made
    made.close()


def failure(world: World, name: str, **arguments: Any) -> Failure:
    with pytest.raises(Failure) as caught:
        world.execute(name, **arguments)
    words = explain(caught.value.code, caught.value.facts)
    for text in (words.short, words.happened, words.cause, words.remedy):
        assert text
        assert "?" not in text
    return caught.value


# Check


def test_a_check_passes_when_all_of_the_first_row_is_true(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[[7, 0.5], [0, 0.0]]))
    result = world.execute(CHECK, sql=SQL)
    assert result.summary == "Check passed: days = 7, most = 0.5"
    assert result.value is None
    assert result.facts["job_id"] == JOB_ID
    [job] = google.jobs.values()
    assert job.configuration["query"]["query"] == SQL
    assert job.configuration["query"]["useLegacySql"] is True


@pytest.mark.parametrize("row", [[7, 0.0], [0, 0.5], [None, 0.5]])
def test_a_check_fails_when_something_in_it_is_false(
    world: World, google: FakeGoogle, row: list[Any]
) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[row]))
    failed = failure(world, CHECK, sql=SQL)
    assert failed.code == "job:check-failed"
    assert failed.facts["row"] == f"days = {row[0]}, most = {row[1]}"
    assert failed.facts["job_id"] == JOB_ID


def test_a_check_without_a_row_fails(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[]))
    assert failure(world, CHECK, sql=SQL).code == "job:check-empty"


@pytest.mark.parametrize("code", ["job:check-failed", "job:value-differs", "job:check-empty"])
def test_a_check_that_failed_is_worth_a_retry(code: str) -> None:
    assert CATALOGUE[code].is_worth_a_retry


def test_a_long_row_is_cut_in_the_words(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=[("a", "STRING"), ("b", "INTEGER")], rows=[["x" * 5000, 0]]))
    shown = failure(world, CHECK, sql=SQL).facts["row"]
    assert len(shown) <= 501
    assert shown.endswith("…")


def test_a_query_that_fails_says_so(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()))
    assert failure(world, CHECK, sql=SQL).code == "job:invalid-query"


def test_what_a_check_may_be_given_reaches_its_job(world: World, google: FakeGoogle) -> None:
    parameter = {"name": "day", "parameterType": {"type": "DATE"}}
    world.execute(
        CHECK,
        sql=SQL,
        use_legacy_sql=False,
        project_id="acme-two",
        location="europe-west1",
        labels={"team": "sales"},
        query_params=[parameter],
        encryption_configuration={"kmsKeyName": "projects/p/k"},
    )
    [job] = google.jobs.values()
    assert (job.project, job.location) == ("acme-two", "europe-west1")
    assert job.configuration["labels"]["team"] == "sales"
    query = job.configuration["query"]
    assert query["useLegacySql"] is False
    assert query["queryParameters"] == [parameter]
    assert query["destinationEncryptionConfiguration"] == {"kmsKeyName": "projects/p/k"}


def test_a_takeover_finds_the_query_of_a_check(world: World, google: FakeGoogle) -> None:
    world.execute(CHECK, sql=SQL)
    world.execute(CHECK, sql=SQL)
    assert [job.inserts for job in google.jobs.values()] == [2]


def test_reading_the_row_is_repeated_after_a_fault(world: World, google: FakeGoogle) -> None:
    google.on("jobs.getQueryResults", Fault.status(503, reason="backendError"), times=2)
    world.execute(CHECK, sql=SQL)
    assert world.context.retries == ["cloud:unavailable"] * 2


# Value


@pytest.mark.parametrize(
    ("row", "expected", "tolerance", "passes"),
    [
        ([100], 100, None, True),
        ([100], "100", None, True),
        ([100], 101, None, False),
        ([95], 100, 0.05, True),
        ([94], 100, 0.05, False),
        ([-105], -100, 0.05, True),
        ([None], 0, 0.5, False),
        (["ready"], "ready", None, True),
        (["ready"], "Ready", None, False),
        (["ready"], 5, None, False),
        ([100, 99], 100, None, False),
    ],
)
def test_a_value_is_compared_as_airflow_does(
    world: World,
    google: FakeGoogle,
    row: list[Any],
    expected: Any,
    tolerance: float | None,
    passes: bool,
) -> None:
    kinds = {str: "STRING", int: "INTEGER", type(None): "INTEGER"}
    schema = [(f"f{n}", kinds[type(value)]) for n, value in enumerate(row)]
    google.plan(JobPlan(schema=schema, rows=[row]))
    arguments = {"sql": SQL, "pass_value": expected, "tolerance": tolerance}
    if passes:
        assert world.execute(VALUE, **arguments).summary.startswith("Check passed: f0 = ")
        return
    failed = failure(world, VALUE, **arguments)
    assert failed.code == "job:value-differs"
    assert failed.facts["row"].startswith(f"f0 = {row[0]}")
    assert str(failed.facts["expected"]).startswith(str(expected))


def test_a_value_check_needs_a_value() -> None:
    with pytest.raises(ArgumentError, match="needs the argument 'pass_value'"):
        OPERATORS[VALUE].check({"sql": SQL})


@pytest.mark.parametrize(("name", "more"), [(CHECK, {}), (VALUE, {"pass_value": 1})])
def test_a_check_takes_one_sql_text(name: str, more: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="sql must be one text"):
        OPERATORS[name].check({"sql": [SQL, SQL], **more})


# Data


def put(google: FakeGoogle, count: int = 3) -> None:
    rows = [[dt.date(2026, 1, 1 + n), n / 2, [f"t{n}"]] for n in range(count)]
    schema: list[SchemaField] = [("day", "DATE"), ("rain", "FLOAT"), ("tags", "STRING", "REPEATED")]
    google.catalog.put_table("acme-reports.sales.day", schema=schema, rows=rows)


def test_the_rows_of_a_table_are_left_as_lists(world: World, google: FakeGoogle) -> None:
    put(google)
    result = world.execute(DATA, **TABLE)
    assert result.value == [
        ["2026-01-01", 0.0, ["t0"]],
        ["2026-01-02", 0.5, ["t1"]],
        ["2026-01-03", 1.0, ["t2"]],
    ]
    assert result.summary == "3 rows of acme-reports.sales.day read"
    assert not google.jobs


def test_columns_come_in_the_order_in_which_they_are_named(
    world: World, google: FakeGoogle
) -> None:
    put(google)
    arguments = {**TABLE, "selected_fields": "rain, day", "max_results": "2"}
    assert world.execute(DATA, **arguments).value == [[0.0, "2026-01-01"], [0.5, "2026-01-02"]]
    as_dicts = world.execute(DATA, **arguments, as_dict=True)
    assert as_dicts.value[0] == {"rain": 0.0, "day": "2026-01-01"}


def test_no_more_rows_are_read_than_were_asked_for(
    world: World, google: FakeGoogle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.bigquery_reading.LARGEST_PAGE", 4)
    put(google, 20)
    assert len(world.execute(DATA, **TABLE, max_results=10).value) == 10
    pages = google.requests_of("tabledata.list")
    assert [int(page.query["maxResults"]) for page in pages] == [4, 4, 2]


def test_the_rows_of_a_job_are_read_by_its_id(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(schema=SCHEMA, rows=[[7, 0.5], [8, 1.5]]))
    world.execute("BigQueryInsertJobOperator", configuration={"query": {"query": SQL}})
    result = world.execute(DATA, job_id=JOB_ID, selected_fields="most", max_results=1)
    assert result.value == [[0.5]]
    assert len(google.jobs) == 1


def test_only_a_query_has_rows(world: World) -> None:
    world.execute("BigQueryInsertJobOperator", configuration={"copy": {}})
    assert failure(world, DATA, job_id=JOB_ID).code == "job:no-result"


def test_the_project_of_a_table_is_the_one_that_is_named(world: World, google: FakeGoogle) -> None:
    google.catalog.put_table("acme-two.sales.day", schema=[("a", "INTEGER")], rows=[[5]])
    for name in ("project_id", "table_project_id"):
        assert world.execute(DATA, **TABLE, **{name: "acme-two"}).value == [[5]]


def test_a_column_that_is_not_there_is_named(world: World, google: FakeGoogle) -> None:
    put(google)
    failed = failure(world, DATA, **TABLE, selected_fields="day,snow")
    assert failed.code == "job:no-column"
    assert failed.facts["names"] == "snow"
    assert not google.requests_of("tabledata.list")


def test_a_table_that_is_not_there_is_told(world: World) -> None:
    failed = failure(world, DATA, **TABLE)
    assert failed.code == "job:not-found"
    assert "acme-reports:sales.day" in failed.vendor_message


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "needs either table_id or job_id"),
        ({**TABLE, "job_id": "j"}, "needs either table_id or job_id"),
        ({"table_id": "t"}, "needs dataset_id beside table_id"),
        ({**TABLE, "max_results": "many"}, "max_results must be a whole number"),
        ({**TABLE, "max_results": True}, "max_results must be a whole number"),
        ({**TABLE, "max_results": -1}, "max_results must be a whole number"),
        ({**TABLE, "encryption_configuration": {"a": 1}}, "Nothing is written here"),
    ],
)
def test_what_can_not_be_read_is_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        OPERATORS[DATA].check(arguments)


def test_a_template_may_say_how_many_rows() -> None:
    OPERATORS[DATA].check({**TABLE, "max_results": "{{ params.most }}"})


def test_values_become_json() -> None:
    from tasks.operators.bigquery_reading import plain

    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    given = [Decimal("1.10"), noon, dt.time(9), b"\x00\xff", {"a": [None, True]}, float("inf")]
    assert plain(given) == [
        "1.10",
        "2026-01-01T12:00:00+00:00",
        "09:00:00",
        "AP8=",
        {"a": [None, True]},
        "inf",
    ]
