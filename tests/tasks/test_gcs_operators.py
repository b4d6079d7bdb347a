"""The operators and sensors of Google Cloud Storage, but for copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tasks.operators import gcs
from tasks.operators.base import ArgumentError, Operator
from tests.fakes.http_server import Reply
from tests.fakes.storage.google import GoogleStorage
from tests.tasks.gcs_world import Run, failure_of, names_in, runner, storage_with_a_bucket
from tests.tasks.handmade_context import HandmadeContext, Stopped


@pytest.fixture
def storage() -> Iterator[GoogleStorage]:
    with storage_with_a_bucket() as storage:
        yield storage


@pytest.fixture
def run(storage: GoogleStorage) -> Iterator[Run]:
    with runner(storage) as run:
        yield run


# Buckets


def test_a_bucket_is_created_once(run: Run, storage: GoogleStorage) -> None:
    arguments = {"bucket_name": "new", "location": "EU", "labels": {"team": "sales"}}
    first = run(gcs.GCSCreateBucketOperator, resource={"iamConfiguration": {}}, **arguments)
    assert first.summary == "Created the bucket new"
    assert storage.resources["new"] == {
        **{"name": "new", "project": "acme", "location": "EU", "labels": {"team": "sales"}},
        **{"storageClass": "MULTI_REGIONAL", "iamConfiguration": {}},
    }
    again = run(gcs.GCSCreateBucketOperator, **arguments)
    assert again.summary == "The bucket new was there already"


def test_a_name_that_somebody_else_has_is_taken(run: Run, storage: GoogleStorage) -> None:
    storage.others.add("theirs")
    failure = failure_of(lambda: run(gcs.GCSCreateBucketOperator, bucket_name="theirs"))
    assert (failure.code, failure.facts["bucket"]) == ("object:bucket-taken", "theirs")


def test_a_bucket_is_deleted_with_its_objects_unless_that_is_switched_off(
    run: Run, storage: GoogleStorage
) -> None:
    storage.put("b", "1", "2", "3")
    gentle = {"bucket_name": "b", "force": False}
    failure = failure_of(lambda: run(gcs.GCSDeleteBucketOperator, **gentle))
    assert failure.code == "object:bucket-not-empty"
    assert names_in(storage) == ["1", "2", "3"]
    result = run(gcs.GCSDeleteBucketOperator, bucket_name="b")
    assert result.summary == "Deleted the bucket b and 3 objects"
    assert storage.buckets == {}
    again = run(gcs.GCSDeleteBucketOperator, bucket_name="b")
    assert again.summary == "There was no bucket b"


# Lists


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({}, ["a.csv", "a/1.csv", "a/2.txt", "b/1.csv"]),
        ({"prefix": "a/"}, ["a/1.csv", "a/2.txt"]),
        ({"prefix": ["b/", "a/", "a"]}, ["b/1.csv", "a/1.csv", "a/2.txt", "a.csv"]),
        ({"delimiter": "/"}, ["a/", "b/"]),
        ({"prefix": "a/", "delimiter": "/"}, ["a/1.csv", "a/2.txt"]),
        ({"delimiter": ".csv"}, ["a.csv", "a/1.csv", "b/1.csv"]),
        ({"match_glob": "*/*.csv"}, ["a/1.csv", "b/1.csv"]),
        ({"prefix": "none"}, []),
    ],
)
def test_names_are_listed_page_after_page(
    run: Run, storage: GoogleStorage, arguments: dict[str, Any], names: list[str]
) -> None:
    storage.put("b", "a.csv", "a/1.csv", "a/2.txt", "b/1.csv")
    result = run(gcs.GCSListObjectsOperator, bucket="b", **arguments)
    assert (result.value, result.facts) == (names, {"objects": len(names)})


def test_a_bucket_that_is_not_there_or_not_ours_is_told(run: Run, storage: GoogleStorage) -> None:
    failure = failure_of(lambda: run(gcs.GCSListObjectsOperator, bucket="none"))
    assert (failure.code, failure.facts["bucket"]) == ("object:bucket-not-found", "none")
    storage.others.add("theirs")
    failure = failure_of(lambda: run(gcs.GCSListObjectsOperator, bucket="theirs"))
    assert (failure.code, failure.facts["status"]) == ("object:permission-denied", 403)
    assert "does not have storage access" in failure.vendor_message


# Creating and deleting


def test_an_object_is_created_from_a_text(run: Run, storage: GoogleStorage) -> None:
    result = run(
        gcs.GCSCreateObjectOperator,
        bucket="b",
        object_name="in/day 1 é.csv",
        data="a,b\r\n1,é\n--x--\n",
        content_type="text/csv",
    )
    assert result.value == "gs://b/in/day 1 é.csv"
    stored = storage.buckets["b"]["in/day 1 é.csv"]
    assert (stored.data.decode(), stored.content_type) == ("a,b\r\n1,é\n--x--\n", "text/csv")


def test_an_object_that_is_there_is_kept_if_that_is_asked_for(
    run: Run, storage: GoogleStorage
) -> None:
    arguments = {"bucket": "b", "object_name": "a", "replace": False}
    run(gcs.GCSCreateObjectOperator, data="one", **arguments)
    failure = failure_of(lambda: run(gcs.GCSCreateObjectOperator, data="two", **arguments))
    assert failure.code == "object:exists"
    assert storage.buckets["b"]["a"].data == b"one"
    same = run(gcs.GCSCreateObjectOperator, data="one", **arguments)
    assert "was there already, with this content" in same.summary
    run(gcs.GCSCreateObjectOperator, data="two", bucket="b", object_name="a")
    assert storage.buckets["b"]["a"].data == b"two"


def test_objects_are_deleted_by_name_or_prefix(run: Run, storage: GoogleStorage) -> None:
    storage.put("b", "a/1", "a/2", "a/3", "c", "d")
    run(gcs.GCSDeleteObjectsOperator, bucket_name="b", objects=["c"])
    assert names_in(storage) == ["a/1", "a/2", "a/3", "d"]
    result = run(gcs.GCSDeleteObjectsOperator, bucket_name="b", prefix=["a/1", "a/"])
    assert result.summary == "Deleted 3 objects"
    assert names_in(storage) == ["d"]


def test_a_missing_object_fails_the_task_once_the_others_are_deleted(
    run: Run, storage: GoogleStorage
) -> None:
    storage.put("b", "1", "2")
    arguments = {"bucket_name": "b", "objects": ["1", "none", "2"]}
    failure = failure_of(lambda: run(gcs.GCSDeleteObjectsOperator, **arguments))
    assert (failure.code, failure.facts["object"]) == ("object:not-found", "none")
    assert names_in(storage) == []
    result = run(gcs.GCSDeleteObjectsOperator, ignore_error=True, **arguments)
    assert result.facts["objects"] == 0


def test_a_cancel_ends_the_deleting_between_two_calls(run: Run, storage: GoogleStorage) -> None:
    storage.put("b", "1", "2", "3")
    arguments = {"bucket_name": "b", "objects": ["1", "2", "3"]}
    with pytest.raises(Stopped):
        run(gcs.GCSDeleteObjectsOperator, context=HandmadeContext(checks_left=2), **arguments)
    assert names_in(storage) == ["3"]


# What is refused, and faults


@pytest.mark.parametrize(
    ("operator", "arguments", "words"),
    [
        (gcs.GCSToGCSOperator, {"source_bucket": "b"}, "needs either source_object"),
        (
            gcs.GCSToGCSOperator,
            {"source_bucket": "b", "source_object": "a", "source_objects": ["a"]},
            "needs either source_object",
        ),
        (gcs.GCSToGCSOperator, {"source_bucket": "b", "source_object": "*/*"}, r"at most one \*"),
        (
            gcs.GCSToGCSOperator,
            {"source_bucket": "b", "source_object": "a", "retention_mode": "Locked"},
            "retention_mode='Locked' is not supported",
        ),
        (gcs.GCSDeleteObjectsOperator, {"bucket_name": "b"}, "needs objects or prefix"),
        (gcs.GCSListObjectsOperator, {"bucket": "b", "prefix": 5}, "prefix must be a text or"),
    ],
)
def test_what_cant_be_meant_is_told_when_the_dag_is_read(
    operator: type[Operator], arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentError, match=words):
        operator.check(arguments)


def test_what_may_pass_is_tried_again_and_counted(run: Run, storage: GoogleStorage) -> None:
    storage.put("b", "a")
    storage.fail("list_objects", Reply(503), Reply(429, "", {"Retry-After": "7"}), Reply.drop())
    context = HandmadeContext()
    result = run(gcs.GCSListObjectsOperator, bucket="b", context=context)
    assert result.value == ["a"]
    assert context.retries == ["cloud:unavailable", "cloud:rate-limited", "cloud:dropped"]
    assert context.waits[1] == 7


def test_an_object_whose_deletion_was_answered_by_silence_counts_as_deleted(
    run: Run, storage: GoogleStorage
) -> None:
    storage.fail("delete_object", Reply.drop())
    result = run(gcs.GCSDeleteObjectsOperator, bucket_name="b", objects=["a"])
    assert result.summary == "Deleted 1 object"


def test_a_fault_that_stays_fails_the_task(run: Run, storage: GoogleStorage) -> None:
    storage.fail("get_object", *[Reply(503)] * 9)
    look = {"bucket": "b", "object": "a"}
    failure = failure_of(lambda: run(gcs.GCSObjectExistenceSensor, **look))
    assert (failure.code, failure.facts["attempts"]) == ("cloud:unavailable", 6)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404, "<html>", {"Content-Type": "text/html"}), "cloud:bad-answer"),
        (Reply(401), "cloud:unauthenticated"),
        (Reply.redirect("http://127.0.0.1:9/"), "cloud:bad-answer"),
    ],
)
def test_a_page_of_something_else_is_no_answer(
    run: Run, storage: GoogleStorage, reply: Reply, code: str
) -> None:
    storage.fail("get_object", *[reply] * 9)
    look = {"bucket": "b", "object": "a"}
    assert failure_of(lambda: run(gcs.GCSObjectExistenceSensor, **look)).code == code


# Sensors


def test_a_sensor_waits_until_the_object_is_there(run: Run, storage: GoogleStorage) -> None:
    look = {"bucket": "b", "object": "in/1.csv"}
    assert run(gcs.GCSObjectExistenceSensor, **look) is None
    storage.put("b", "in/1.csv")
    assert run(gcs.GCSObjectExistenceSensor, **look).summary == "Found gs://b/in/1.csv"


def test_an_emulator_that_refuses_without_a_word_means_not_yet(
    run: Run, storage: GoogleStorage
) -> None:
    storage.fail("get_object", Reply(404))
    assert run(gcs.GCSObjectExistenceSensor, bucket="b", object="a") is None


def test_a_sensor_may_wait_for_a_pattern(run: Run, storage: GoogleStorage) -> None:
    look = {"bucket": "b", "object": "in/*.csv", "use_glob": True}
    storage.put("b", "in/deep/1.csv")
    assert run(gcs.GCSObjectExistenceSensor, **look) is None
    storage.put("b", "in/1.csv")
    assert run(gcs.GCSObjectExistenceSensor, **look) is not None


def test_a_sensor_hands_on_what_it_found_with_a_prefix(run: Run, storage: GoogleStorage) -> None:
    look = {"bucket": "b", "prefix": "in/"}
    assert run(gcs.GCSObjectsWithPrefixExistenceSensor, **look) is None
    storage.put("b", "in/1", "in/2", "in/3", "out/1")
    result = run(gcs.GCSObjectsWithPrefixExistenceSensor, **look)
    assert result.value == ["in/1", "in/2", "in/3"]


def test_a_sensor_fails_where_it_may_not_look(run: Run, storage: GoogleStorage) -> None:
    storage.others.add("theirs")
    look = {"bucket": "theirs", "object": "a"}
    failure = failure_of(lambda: run(gcs.GCSObjectExistenceSensor, **look))
    assert failure.code == "object:permission-denied"
