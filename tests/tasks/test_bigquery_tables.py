"""The operators that make and delete data sets and tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError
from tests.fakes.google import FakeGoogle, Fault
from tests.tasks.bigquery_world import World

MAKE_SET, DELETE_SET = "BigQueryCreateEmptyDatasetOperator", "BigQueryDeleteDatasetOperator"
MAKE, DELETE = "BigQueryCreateTableOperator", "BigQueryDeleteTableOperator"
MAKE_OLD = "BigQueryCreateEmptyTableOperator"
FIELDS = [{"name": "day", "type": "DATE", "mode": "REQUIRED"}]
TABLE = {"dataset_id": "sales", "table_id": "day"}
RESOURCE = {**TABLE, "table_resource": {"schema": {"fields": FIELDS}, "description": "Days"}}


@pytest.fixture
def world(google: FakeGoogle, key: dict[str, Any]) -> Iterator[World]:
    made = World(google, key)
    yield made
    made.close()


def code_of(world: World, name: str, **arguments: Any) -> str:
    with pytest.raises(Failure) as caught:
        world.execute(name, **arguments)
    return caught.value.code


def test_a_data_set_is_made_where_it_is_asked_for(world: World, google: FakeGoogle) -> None:
    result = world.execute(MAKE_SET, dataset_id="sales", location="EU")
    assert result.summary == "Made the data set sales"
    assert google.catalog.datasets["acme-reports.sales"]["location"] == "EU"


def test_the_reference_counts_more_than_the_arguments(world: World, google: FakeGoogle) -> None:
    reference = {
        "datasetReference": {"projectId": "acme-two", "datasetId": "two"},
        "description": "Sales",
        "defaultTableExpirationMs": "3600000",
    }
    world.execute(MAKE_SET, dataset_id="one", project_id="acme-one", dataset_reference=reference)
    [made] = google.catalog.datasets.values()
    assert made["datasetReference"] == {"projectId": "acme-two", "datasetId": "two"}
    assert made["description"] == "Sales"
    assert made["defaultTableExpirationMs"] == "3600000"


def test_the_location_of_the_connection_is_the_one_of_a_new_data_set(
    google: FakeGoogle, key: dict[str, Any]
) -> None:
    world = World(google, key, location="europe-west1")
    world.execute(MAKE_SET, dataset_id="sales")
    world.close()
    assert google.catalog.datasets["acme-reports.sales"]["location"] == "europe-west1"


@pytest.mark.parametrize(
    ("arguments", "is_skipped"),
    [
        ({}, False),
        ({"if_exists": "log"}, False),
        ({"if_exists": "ignore"}, False),
        ({"exists_ok": True}, False),
        ({"if_exists": "skip"}, True),
    ],
)
@pytest.mark.parametrize(
    ("name", "more"),
    [(MAKE_SET, {"dataset_id": "sales"}), (MAKE_OLD, TABLE)],
    ids=["data set", "table"],
)
def test_what_is_there_already_is_no_failure_by_itself(
    world: World,
    google: FakeGoogle,
    name: str,
    more: dict[str, Any],
    arguments: dict[str, Any],
    is_skipped: bool,
) -> None:
    google.catalog.put_table("acme-reports.sales.day", schema=[("kept", "STRING")])
    result = world.execute(name, **more, **arguments)
    assert "is there already" in result.summary
    assert result.is_skipped == is_skipped
    [field] = google.catalog.tables["acme-reports.sales.day"]["schema"]["fields"]
    assert field["name"] == "kept"


@pytest.mark.parametrize("arguments", [{"if_exists": "fail"}, {"exists_ok": False}])
def test_what_is_there_already_may_be_a_failure(
    world: World, google: FakeGoogle, arguments: dict[str, Any]
) -> None:
    google.catalog.put_table("acme-reports.sales.day", schema=[("kept", "STRING")])
    assert code_of(world, MAKE_SET, dataset_id="sales", **arguments) == "job:exists"
    assert code_of(world, MAKE_OLD, **TABLE, **arguments) == "job:exists"


@pytest.mark.parametrize("fault", [Fault.drop_after(), Fault.slow(0)])
def test_an_answer_that_was_lost_is_not_taken_for_somebody_elses_table(
    world: World, google: FakeGoogle, fault: Fault
) -> None:
    google.on("datasets.insert", fault, times=1)
    google.on("tables.insert", fault, times=1)
    world.execute(MAKE_SET, dataset_id="sales", if_exists="fail")
    result = world.execute(MAKE, **RESOURCE, if_exists="fail")
    assert result.summary == "Made the table sales.day"


def test_a_table_is_made_as_its_resource_says(world: World, google: FakeGoogle) -> None:
    world.execute(MAKE_SET, dataset_id="sales")
    result = world.execute(MAKE, **RESOURCE)
    assert result.summary == "Made the table sales.day"
    assert result.facts == {"project": "acme-reports", "table": "sales.day"}
    made = google.catalog.tables["acme-reports.sales.day"]
    assert made["schema"] == {"fields": FIELDS}
    assert made["description"] == "Days"


def test_the_older_operator_makes_the_same_resource(world: World, google: FakeGoogle) -> None:
    world.execute(MAKE_SET, dataset_id="sales")
    world.execute(
        MAKE_OLD,
        **TABLE,
        schema_fields=FIELDS,
        time_partitioning={"type": "DAY", "field": "day"},
        cluster_fields=["day"],
        labels={"team": "sales"},
        encryption_configuration={"kmsKeyName": "projects/p/k"},
    )
    made = google.catalog.tables["acme-reports.sales.day"]
    parts = {name: made[name] for name in made if name not in ("kind", "type", "tableReference")}
    assert parts == {
        "schema": {"fields": FIELDS},
        "timePartitioning": {"type": "DAY", "field": "day"},
        "clustering": {"fields": ["day"]},
        "labels": {"team": "sales"},
        "encryptionConfiguration": {"kmsKeyName": "projects/p/k"},
    }


def test_a_view_is_made_too(world: World, google: FakeGoogle) -> None:
    world.execute(MAKE_SET, dataset_id="sales")
    view = {"query": "SELECT 1", "useLegacySql": False}
    assert world.execute(MAKE_OLD, **TABLE, view=view).summary == "Made the view sales.day"
    assert google.catalog.tables["acme-reports.sales.day"]["type"] == "VIEW"


def test_a_table_needs_its_data_set(world: World, google: FakeGoogle) -> None:
    assert code_of(world, MAKE, **RESOURCE) == "job:not-found"
    assert not google.catalog.tables


def test_a_data_set_with_tables_is_deleted_only_if_that_is_asked_for(
    world: World, google: FakeGoogle
) -> None:
    google.catalog.put_table("acme-reports.sales.day", schema=[("a", "DATE")])
    assert code_of(world, DELETE_SET, dataset_id="sales") == "job:in-use"
    assert google.catalog.tables
    result = world.execute(DELETE_SET, dataset_id="sales", delete_contents=True)
    assert result.summary == "Deleted the data set sales"
    assert not google.catalog.datasets
    assert not google.catalog.tables


def test_a_data_set_that_is_gone_is_deleted_as_airflow_does_it(world: World) -> None:
    result = world.execute(DELETE_SET, dataset_id="sales")
    assert result.summary == "There is no data set sales"
    assert code_of(world, DELETE_SET, dataset_id="sales", ignore_if_missing=False) == (
        "job:not-found"
    )


@pytest.mark.parametrize("named", ["sales.day", "acme-reports.sales.day", "acme-reports:sales.day"])
def test_a_table_is_deleted_by_its_name(world: World, google: FakeGoogle, named: str) -> None:
    google.catalog.put_table("acme-reports.sales.day", schema=[("a", "DATE")])
    google.catalog.put_table("acme-reports.sales.other", schema=[("a", "DATE")])
    google.on("tables.delete", Fault.drop_after(), times=1)
    result = world.execute(DELETE, deletion_dataset_table=named)
    assert result.summary == "Deleted the table sales.day"
    assert list(google.catalog.tables) == ["acme-reports.sales.other"]


def test_a_table_that_is_gone_fails_unless_that_is_ignored(world: World) -> None:
    arguments = {"deletion_dataset_table": "sales.day"}
    assert code_of(world, DELETE, **arguments) == "job:not-found"
    result = world.execute(DELETE, **arguments, ignore_if_missing=True)
    assert result.summary == "There is no table sales.day"


@pytest.mark.parametrize("named", ["day", "sales.", ".day"])
def test_half_a_name_deletes_nothing(world: World, google: FakeGoogle, named: str) -> None:
    assert code_of(world, DELETE, deletion_dataset_table=named) == "task:not-runnable"
    assert not google.requests_of("tables.delete")


def test_whom_bigquery_refuses_is_told_what_to_be_granted(world: World, google: FakeGoogle) -> None:
    google.on("datasets.insert", Fault.status(403, reason="accessDenied"))
    with pytest.raises(Failure) as caught:
        world.execute(MAKE_SET, dataset_id="sales")
    assert caught.value.code == "job:permission-denied"
    assert caught.value.facts["project"] == "acme-reports"
    assert "@" in caught.value.facts["account"]


@pytest.mark.parametrize("name", [MAKE_SET, DELETE_SET, MAKE, DELETE])
def test_a_fault_that_passes_is_repeated_and_counted(
    world: World, google: FakeGoogle, name: str
) -> None:
    google.catalog.put_table("acme-reports.sales.day", schema=[("a", "DATE")])
    google.on("*", Fault.status(503, reason="backendError"), times=2)
    each: dict[str, dict[str, Any]] = {
        MAKE_SET: {"dataset_id": "more"},
        DELETE_SET: {"dataset_id": "sales", "delete_contents": True},
        MAKE: {**RESOURCE, "table_id": "more"},
        DELETE: {"deletion_dataset_table": "sales.day"},
    }
    world.execute(name, **each[name])
    assert world.context.retries == ["cloud:unavailable"] * 2


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (MAKE_SET, {}, "needs dataset_id"),
        (MAKE_SET, {"dataset_id": "a", "if_exists": "cry"}, "ignore or log or fail or skip"),
        (MAKE, {**RESOURCE, "gcs_schema_object": "gs://a/b"}, "Put the fields into"),
        (MAKE, {**RESOURCE, "timeout": 5}, "stands in the connection"),
        (MAKE, TABLE, "needs the argument 'table_resource'"),
    ],
)
def test_what_can_not_act_is_refused(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        OPERATORS[name].check(arguments)
