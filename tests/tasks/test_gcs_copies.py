"""GCSToGCSOperator: what is copied, and to which names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.operators import gcs
from tests.fakes.storage.google import GoogleStorage
from tests.tasks.gcs_world import Run, failure_of, names_in, runner, storage_with_a_bucket


@pytest.fixture
def storage() -> Iterator[GoogleStorage]:
    with storage_with_a_bucket() as storage:
        yield storage


@pytest.fixture
def run(storage: GoogleStorage) -> Iterator[Run]:
    with runner(storage) as run:
        yield run


SALES = ("s/1.avro", "s/2.avro", "s/2.csv", "s/deep/3.avro")


@pytest.mark.parametrize(
    ("arguments", "copied"),
    [
        # One name.
        ({"source_object": "s/1.avro"}, ["s/1.avro"]),
        ({"source_object": "s/1.avro", "destination_object": "t/one"}, ["t/one"]),
        ({"source_object": "s/1.avro", "destination_object": "t/"}, ["t/1.avro"]),
        # A wildcard: what stands before it is replaced.
        (
            {"source_object": "s/*.avro", "destination_object": "t/"},
            ["t/1.avro", "t/2.avro", "t/deep/3.avro"],
        ),
        ({"source_object": "s/2*"}, ["s/2.avro", "s/2.csv"]),
        ({"source_object": "none*"}, []),
        # A prefix, which is a folder or not.
        (
            {"source_object": "s/", "destination_object": "t"},
            ["t/1.avro", "t/2.avro", "t/2.csv", "t/deep/3.avro"],
        ),
        (
            {"source_object": "s", "destination_object": "t/"},
            ["t/1.avro", "t/2.avro", "t/2.csv", "t/deep/3.avro"],
        ),
        ({"source_object": "s/2", "destination_object": "t/"}, ["t/2.avro", "t/2.csv"]),
        (
            {"source_object": "s/", "delimiter": ".csv", "destination_object": "t/"},
            ["t/2.csv"],
        ),
        (
            {"source_object": "s/", "match_glob": "s/*.avro", "destination_object": "t/"},
            ["t/1.avro", "t/2.avro"],
        ),
        ({"source_object": "s/2", "exact_match": True}, []),
        ({"source_object": "s/2.csv", "exact_match": True}, ["s/2.csv"]),
        # Several of them.
        (
            {"source_objects": ["s/1.avro", "s/*.csv"], "destination_object": "t/"},
            ["t/1.avro", "t/2.csv"],
        ),
        ({"source_object": "none"}, []),
    ],
)
def test_objects_are_copied_to_the_names_that_airflow_gives_them(
    run: Run, storage: GoogleStorage, arguments: dict[str, Any], copied: list[str]
) -> None:
    storage.buckets["to"] = {}
    storage.put("b", *SALES)
    result = run(gcs.GCSToGCSOperator, source_bucket="b", destination_bucket="to", **arguments)
    assert result.value == [f"gs://to/{name}" for name in copied]
    assert names_in(storage, "to") == sorted(copied)
    assert names_in(storage) == sorted(SALES)


def test_a_move_deletes_what_was_copied(run: Run, storage: GoogleStorage) -> None:
    storage.buckets["to"] = {}
    storage.put("b", *SALES)
    arguments = {"source_bucket": "b", "source_object": "s/*.avro", "move_object": True}
    result = run(gcs.GCSToGCSOperator, destination_bucket="to", **arguments)
    assert result.summary == "Moved 3 objects"
    assert names_in(storage) == ["s/2.csv"]
    assert storage.buckets["to"]["s/1.avro"].data == b"s/1.avro"


def test_a_move_of_an_object_onto_itself_loses_nothing(run: Run, storage: GoogleStorage) -> None:
    storage.put("b", "a")
    arguments = {"source_bucket": "b", "source_object": "a", "move_object": True}
    result = run(gcs.GCSToGCSOperator, **arguments)
    assert result.summary == "Moved 0 objects, left out 1"
    assert names_in(storage) == ["a"]


def test_what_is_there_is_not_replaced_if_that_is_switched_off(
    run: Run, storage: GoogleStorage
) -> None:
    storage.put("b", "s/1", "s/2", "t/1")
    arguments = {"source_bucket": "b", "source_object": "s/", "destination_object": "t/"}
    result = run(gcs.GCSToGCSOperator, replace=False, move_object=True, **arguments)
    assert result.value == ["gs://b/t/2"]
    assert storage.buckets["b"]["t/1"].data == b"t/1"
    assert names_in(storage) == ["s/1", "t/1", "t/2"]


@pytest.mark.parametrize(
    ("arguments", "copied"),
    [
        ({"last_modified_time": "2026-01-02T00:00:00"}, ["3"]),
        ({"maximum_modified_time": "2026-01-02T00:00:00+00:00"}, ["1"]),
        (
            {
                "last_modified_time": "2026-01-02T00:00:00",
                "maximum_modified_time": "2026-01-03T00:00:00",
            },
            ["2"],
        ),
        ({"is_older_than": 3600}, ["1", "2", "3"]),
        ({"is_older_than": 3600, "last_modified_time": "2030-01-01"}, ["1", "2", "3"]),
    ],
)
def test_objects_are_chosen_by_when_they_were_changed(
    run: Run, storage: GoogleStorage, arguments: dict[str, Any], copied: list[str]
) -> None:
    for day in (1, 2, 3):
        storage.put("b", str(day), updated=datetime(2026, 1, day, tzinfo=UTC))
    storage.put("b", "new", updated=datetime.now(UTC) + timedelta(days=9000))
    storage.buckets["to"] = {}
    given = {"source_bucket": "b", "source_objects": ["1", "2", "3"], "destination_bucket": "to"}
    run(gcs.GCSToGCSOperator, **given, **arguments)
    assert names_in(storage, "to") == copied
    given["source_objects"] = ["new"]
    if "is_older_than" in arguments:
        assert run(gcs.GCSToGCSOperator, **given, **arguments).value == []


def test_a_large_object_is_copied_in_several_calls(run: Run, storage: GoogleStorage) -> None:
    storage.piece = 4
    storage.put("b", "large-one")
    run(gcs.GCSToGCSOperator, source_bucket="b", source_object="large-one", destination_object="c")
    assert storage.names.count("rewrite_object") == 3
    assert storage.buckets["b"]["c"].data == b"large-one"


def test_a_source_or_a_bucket_that_is_missing_is_told(run: Run, storage: GoogleStorage) -> None:
    storage.put("b", "a")
    must = {"source_bucket": "b", "source_object": "none", "source_object_required": True}
    failure = failure_of(lambda: run(gcs.GCSToGCSOperator, **must))
    assert (failure.code, failure.facts["object"]) == ("object:not-found", "none")
    to = {"source_bucket": "b", "source_object": "a", "destination_bucket": "none"}
    failure = failure_of(lambda: run(gcs.GCSToGCSOperator, **to))
    assert (failure.code, failure.facts["bucket"]) == ("object:bucket-not-found", "none")
