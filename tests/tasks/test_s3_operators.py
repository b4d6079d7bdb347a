"""The operators and the sensor of Amazon S3, against moto over real HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connections.exceptions import Failure
from connections.hooks import hook_for
from connections.types.base import LoadedConnection
from tasks.operators import s3
from tasks.operators.base import ArgumentError, Operator, TaskResult
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.storage.amazon import KEY, KEY_ID, Amazon, amazon
from tests.tasks.handmade_context import HandmadeContext, Stopped

Run = Callable[..., Any]
EUROPE = {"LocationConstraint": "eu-west-1"}


@pytest.fixture(scope="module")
def moto() -> Iterator[Amazon]:
    with amazon() as server:
        yield server


@pytest.fixture
def bucket(moto: Amazon, request: pytest.FixtureRequest) -> str:
    """A bucket of the test's own."""
    name = f"b-{abs(hash(request.node.name))}"
    moto.s3.create_bucket(Bucket=name, CreateBucketConfiguration=EUROPE)
    return name


@pytest.fixture
def put(moto: Amazon, bucket: str) -> Callable[..., None]:
    def put_objects(*keys: str) -> None:
        for key in keys:
            moto.s3.put_object(Bucket=bucket, Key=key, Body=key.encode())

    return put_objects


@pytest.fixture
def run(moto: Amazon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    opened: list[tuple[Any, Any]] = []

    def run_operator(
        operator: type[Operator],
        *,
        context: HandmadeContext | None = None,
        url: str = moto.url,
        **arguments: Any,
    ) -> TaskResult | None:
        operator.check(arguments)
        extra = {**moto.extra, "endpoint_url": url}
        hook = hook_for(LoadedConnection("s3", "aws", login=KEY_ID, password=KEY, extra=extra))
        session = hook.open()
        opened.append((hook, session))
        return operator(arguments).execute(session, context or HandmadeContext())

    yield run_operator
    for hook, session in opened:
        hook.close(session)


def keys_in(moto: Amazon, bucket: str) -> list[str]:
    return [entry["Key"] for entry in moto.s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def content(moto: Amazon, bucket: str, key: str) -> bytes:
    data: bytes = moto.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return data


def failure_of(call: Callable[[], Any]) -> Failure:
    with pytest.raises(Failure) as caught:
        call()
    return caught.value


# Buckets


def test_a_bucket_is_created_in_the_region_and_once(run: Run, moto: Amazon) -> None:
    first = run(s3.S3CreateBucketOperator, bucket_name="new-one")
    assert first.summary == "Created the bucket new-one"
    again = run(s3.S3CreateBucketOperator, bucket_name="new-one")
    assert again.summary == "The bucket new-one was there already"
    assert moto.s3.get_bucket_location(Bucket="new-one")["LocationConstraint"] == "eu-west-1"
    run(s3.S3CreateBucketOperator, bucket_name="old-one", region_name="us-east-1")
    assert moto.s3.get_bucket_location(Bucket="old-one").get("LocationConstraint") is None


def test_a_name_that_cant_be_is_refused_with_the_words_of_the_library(run: Run) -> None:
    failure = failure_of(lambda: run(s3.S3CreateBucketOperator, bucket_name="no spaces"))
    assert failure.code == "object:refused"
    assert "Invalid bucket name" in failure.vendor_message


def test_a_bucket_with_objects_is_deleted_only_by_force(
    run: Run, moto: Amazon, bucket: str, put: Callable[..., None]
) -> None:
    moto.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put("a", "b")
    put("a")
    moto.s3.delete_object(Bucket=bucket, Key="b")
    failure = failure_of(lambda: run(s3.S3DeleteBucketOperator, bucket_name=bucket))
    assert failure.code == "object:bucket-not-empty"
    assert keys_in(moto, bucket) == ["a"]
    result = run(s3.S3DeleteBucketOperator, bucket_name=bucket, force_delete=True)
    assert result.summary == f"Deleted the bucket {bucket} and 4 objects"
    again = run(s3.S3DeleteBucketOperator, bucket_name=bucket, force_delete=True)
    assert again.summary == f"There was no bucket {bucket}"


# Objects


def test_an_object_is_created_from_a_text(run: Run, moto: Amazon, bucket: str) -> None:
    result = run(s3.S3CreateObjectOperator, s3_bucket=bucket, s3_key="a/b.txt", data="né")
    assert result.value == f"s3://{bucket}/a/b.txt"
    assert content(moto, bucket, "a/b.txt") == "né".encode()
    run(
        s3.S3CreateObjectOperator,
        s3_key=f"s3://{bucket}/z.gz",
        data="né",
        encoding="latin-1",
        compression="gzip",
        encrypt=True,
        acl_policy="bucket-owner-full-control",
    )
    assert gzip.decompress(content(moto, bucket, "z.gz")) == "né".encode("latin-1")
    assert moto.s3.head_object(Bucket=bucket, Key="z.gz")["ServerSideEncryption"] == "AES256"


def test_an_object_that_is_there_is_replaced_only_if_that_is_asked_for(
    run: Run, moto: Amazon, bucket: str
) -> None:
    arguments = {"s3_bucket": bucket, "s3_key": "a"}
    run(s3.S3CreateObjectOperator, data="one", **arguments)
    failure = failure_of(lambda: run(s3.S3CreateObjectOperator, data="two", **arguments))
    assert (failure.code, failure.facts) == ("object:exists", {"bucket": bucket, "object": "a"})
    assert content(moto, bucket, "a") == b"one"
    same = run(s3.S3CreateObjectOperator, data="one", **arguments)
    assert "was there already, with this content" in same.summary
    run(s3.S3CreateObjectOperator, data="two", replace=True, **arguments)
    assert content(moto, bucket, "a") == b"two"


def test_an_object_is_copied(run: Run, moto: Amazon, bucket: str, put: Callable[..., None]) -> None:
    put("a/1")
    result = run(
        s3.S3CopyObjectOperator,
        source_bucket_key=f"s3://{bucket}/a/1",
        dest_bucket_key="/b/1",
        dest_bucket_name=bucket,
    )
    assert result.value == f"s3://{bucket}/b/1"
    assert content(moto, bucket, "b/1") == b"a/1"


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({"source_bucket_key": "none", "source_bucket_name": "{bucket}"}, "object:not-found"),
        ({"source_bucket_key": "s3://no-such-bucket/a"}, "object:bucket-not-found"),
        ({"source_bucket_key": "a"}, "task:not-runnable"),
        ({"source_bucket_key": "s3://b/a", "source_bucket_name": "b"}, "task:not-runnable"),
        ({"source_bucket_key": "s3://b"}, "task:not-runnable"),
    ],
)
def test_a_copy_of_nothing_is_told_and_makes_nothing(
    run: Run, moto: Amazon, bucket: str, names: dict[str, str], code: str
) -> None:
    given = {name: value.replace("{bucket}", bucket) for name, value in names.items()}
    to = f"s3://{bucket}/copy"
    failure = failure_of(lambda: run(s3.S3CopyObjectOperator, dest_bucket_key=to, **given))
    assert failure.code == code
    assert keys_in(moto, bucket) == []


def test_objects_are_deleted_by_key(
    run: Run, moto: Amazon, bucket: str, put: Callable[..., None]
) -> None:
    put("a", "b", "c")
    assert run(s3.S3DeleteObjectsOperator, bucket=bucket, keys=["a", "not-there"]).facts == {
        "bucket": bucket,
        "objects": 2,
    }
    run(s3.S3DeleteObjectsOperator, bucket=bucket, keys="b")
    assert keys_in(moto, bucket) == ["c"]
    assert run(s3.S3DeleteObjectsOperator, bucket=bucket, keys=[]).summary == "Deleted 0 objects"


def test_objects_are_deleted_by_prefix_and_time(
    run: Run, moto: Amazon, bucket: str, put: Callable[..., None]
) -> None:
    put("a/1", "a/2", "b/1")
    soon = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None).isoformat()
    run(s3.S3DeleteObjectsOperator, bucket=bucket, prefix="a/", from_datetime=soon)
    assert keys_in(moto, bucket) == ["a/1", "a/2", "b/1"]
    run(s3.S3DeleteObjectsOperator, bucket=bucket, prefix="a/", to_datetime=soon)
    assert keys_in(moto, bucket) == ["b/1"]
    wrong = {"bucket": bucket, "to_datetime": "soon"}
    failure = failure_of(lambda: run(s3.S3DeleteObjectsOperator, **wrong))
    assert "to_datetime must be a moment" in failure.facts["reason"]
    assert keys_in(moto, bucket) == ["b/1"]


def test_many_objects_are_deleted_a_thousand_at_a_time(
    run: Run, moto: Amazon, bucket: str, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.s3_work.AT_ONCE", 2)
    put("1", "2", "3", "4", "5")
    context = HandmadeContext()
    run(s3.S3DeleteObjectsOperator, bucket=bucket, keys=list("12345"), context=context)
    assert [words for words, _ in context.told] == [
        *("2 objects deleted", "4 objects deleted", "5 objects deleted"),
    ]
    assert keys_in(moto, bucket) == []


def test_a_cancel_ends_the_deleting_between_two_calls(
    run: Run, moto: Amazon, bucket: str, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.s3_work.AT_ONCE", 2)
    put("1", "2", "3", "4", "5")
    arguments = {"bucket": bucket, "keys": list("12345")}
    with pytest.raises(Stopped):
        run(s3.S3DeleteObjectsOperator, context=HandmadeContext(checks_left=1), **arguments)
    assert keys_in(moto, bucket) == ["3", "4", "5"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bucket": "b"}, "needs either keys, or at least one of prefix"),
        ({"bucket": "b", "keys": "a", "prefix": "a"}, "needs either keys"),
        ({"bucket": "b", "keys": 5}, "keys must be a text or a list of texts"),
    ],
)
def test_what_to_delete_must_be_said_in_one_way(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        s3.S3DeleteObjectsOperator.check(arguments)


def test_keys_may_come_from_another_task() -> None:
    s3.S3DeleteObjectsOperator.check({"bucket": "b", "keys": {"__xcom__": "list_them"}})


# Lists


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({}, ["a.csv", "a/1.csv", "a/2.txt", "b/1.csv"]),
        ({"prefix": "a/"}, ["a/1.csv", "a/2.txt"]),
        ({"prefix": "", "delimiter": "/"}, ["a.csv"]),
        ({"prefix": "*.csv", "apply_wildcard": True}, ["a.csv", "a/1.csv", "b/1.csv"]),
        ({"prefix": "a/*.csv"}, []),
    ],
)
def test_keys_are_listed(
    run: Run, bucket: str, put: Callable[..., None], arguments: dict[str, Any], keys: list[str]
) -> None:
    put("a.csv", "a/1.csv", "a/2.txt", "b/1.csv")
    result = run(s3.S3ListOperator, bucket=bucket, **arguments)
    assert result.value == keys
    assert result.facts == {"objects": len(keys)}


def test_a_list_of_many_pages_is_whole(
    run: Run, bucket: str, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operators.s3_work.AT_ONCE", 2)
    keys = [str(number) for number in range(5)]
    put(*keys)
    assert run(s3.S3ListOperator, bucket=bucket).value == keys


def test_a_bucket_that_is_not_there_is_told(run: Run) -> None:
    failure = failure_of(lambda: run(s3.S3ListOperator, bucket="no-such-bucket"))
    assert failure.code == "object:bucket-not-found"
    assert failure.facts["bucket"] == "no-such-bucket"


# Refusals


def test_a_refusal_names_the_bucket_and_the_account(run: Run) -> None:
    with HttpServer() as server:
        server.on("/b", Reply(403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"))
        failure = failure_of(lambda: run(s3.S3ListOperator, bucket="b", url=server.url))
    assert failure.code == "object:permission-denied"
    assert failure.vendor_message == "no"
    assert failure.facts["account"] == "the access key …MPLE"


def test_objects_that_may_not_be_deleted_are_counted(run: Run) -> None:
    body = (
        "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>held</Message></Error>"
        "</DeleteResult>"
    )
    with HttpServer() as server:
        server.on("/b", Reply(200, body))
        arguments = {"bucket": "b", "keys": ["a", "b"], "url": server.url}
        failure = failure_of(lambda: run(s3.S3DeleteObjectsOperator, **arguments))
    assert (failure.code, failure.facts["count"], failure.facts["object"]) == (
        *("object:some-left", 1, "b"),
    )


def test_a_fault_of_the_service_is_tried_three_times(run: Run) -> None:
    with HttpServer() as server:
        server.on("/b", Reply(503, "<Error><Code>SlowDown</Code></Error>"))
        failure = failure_of(lambda: run(s3.S3ListOperator, bucket="b", url=server.url))
        assert failure.code == "aws:rate-limited"
        assert len(server.calls) == 3


# The sensor


def test_a_sensor_waits_until_all_keys_are_there(
    run: Run, bucket: str, put: Callable[..., None]
) -> None:
    look = {"bucket_key": ["a", "b"], "bucket_name": bucket}
    put("a")
    assert run(s3.S3KeySensor, **look) is None
    put("b")
    assert run(s3.S3KeySensor, **look).summary == f"Found s3://{bucket}/a, s3://{bucket}/b"


@pytest.mark.parametrize(
    ("how", "key", "found"),
    [
        ("wildcard_match", "in/*.csv", True),
        ("wildcard_match", "in/?.csv", True),
        ("wildcard_match", "in/*.txt", False),
        ("use_regex", r"in/\d+\.csv", True),
        ("use_regex", r"\d+\.csv", False),
    ],
)
def test_a_sensor_waits_for_what_fits_a_pattern(
    run: Run, bucket: str, put: Callable[..., None], how: str, key: str, found: bool
) -> None:
    put("in/1.csv")
    look = {"bucket_key": f"s3://{bucket}/{key}", how: True}
    assert (run(s3.S3KeySensor, **look) is not None) == found


def test_a_sensor_tells_what_it_cant_do() -> None:
    for arguments in ({"check_fn": "f"}, {"wildcard_match": True, "use_regex": True}):
        with pytest.raises(ArgumentError):
            s3.S3KeySensor.check({"bucket_key": "s3://b/k", **arguments})


def test_a_regular_expression_that_cant_be_is_told(run: Run, bucket: str) -> None:
    look = {"bucket_key": "(", "bucket_name": bucket, "use_regex": True}
    assert failure_of(lambda: run(s3.S3KeySensor, **look)).code == "task:not-runnable"
