"""What the operators of Amazon S3 do. Imported on first use, because it needs Amazon's library.

https://docs.aws.amazon.com/AmazonS3/latest/API/
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from connections.exceptions import Failure
from connections.hooks.aws_failures import EXPECTED, code_of, message_of, status_of
from connections.hooks.transport import host_of
from tasks.operators.base import Context, TaskResult
from tasks.operators.object_names import counted, moment, pattern_of, split_key, texts

SCHEMES = ("s3", "s3a", "s3n")
#: Keys of one call, also the most that a list gives. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
AT_ONCE = 1000
#: The one region whose name a bucket must not be created with.
FIRST_REGION = "us-east-1"
CODES = {
    "NoSuchBucket": "object:bucket-not-found",
    "NoSuchKey": "object:not-found",
    "NoSuchVersion": "object:not-found",
    "AccessDenied": "object:permission-denied",
    "AllAccessDisabled": "object:permission-denied",
    "BucketAlreadyExists": "object:bucket-taken",
    "BucketNotEmpty": "object:bucket-not-empty",
    "PreconditionFailed": "object:exists",
    "ConditionalRequestConflict": "object:exists",
}
STATUSES = {403: "object:permission-denied", 404: "object:not-found", 412: "object:exists"}


class _Caller:
    """Makes calls of one bucket, and tells what a refusal means."""

    def __init__(self, values: dict[str, Any], session: Any, context: Context) -> None:
        self.session = session
        self.context = context
        self.client = session.client(
            "s3",
            region=values["region_name"] or "",
            verify=values["verify"],
            config=values["botocore_config"],
        )

    def call(self, function: Callable[..., Any], *, key: str = "", **arguments: Any) -> Any:
        """Raise ``Failure``."""
        self.context.check()
        try:
            return function(**arguments)
        except EXPECTED as error:
            raise self.failure(error, bucket=arguments.get("Bucket", ""), key=key) from None

    def failure(self, error: Exception, *, bucket: str, key: str) -> Failure:
        host = host_of(self.client.meta.endpoint_url)
        failure: Failure | None = self.session.failure_of(error, host=host)
        if failure is not None:
            return failure
        facts = {"bucket": bucket, "object": key, "account": self.session.identity}
        if isinstance(error, ClientError):
            code = CODES.get(code_of(error)) or STATUSES.get(status_of(error), "object:refused")
            if code == "object:not-found" and not key:
                code = "object:bucket-not-found"
            words = message_of(error)
            return Failure(
                code, vendor_message=words, reason=code_of(error), status=status_of(error), **facts
            )
        reason = "an argument can't be" if isinstance(error, ParamValidationError) else "refused"
        return Failure("object:refused", vendor_message=str(error), reason=reason, **facts)

    def pages(self, bucket: str, prefix: str = "", delimiter: str = "") -> Iterator[dict[str, Any]]:
        """The objects of a bucket, some at a time."""
        arguments = {"Bucket": bucket, "Prefix": prefix, "Delimiter": delimiter}
        token: dict[str, str] = {}
        while True:
            list_them = self.client.list_objects_v2
            page = self.call(list_them, **arguments, MaxKeys=AT_ONCE, **token)
            yield page
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def objects(self, bucket: str, prefix: str = "") -> Iterator[dict[str, Any]]:
        for page in self.pages(bucket, prefix):
            yield from page.get("Contents", ())

    def head(self, bucket: str, key: str) -> dict[str, Any] | None:
        """What is known of an object. A bucket that isn't there has none."""
        try:
            found = self.call(self.client.head_object, key=key, Bucket=bucket, Key=key)
        except Failure as failure:
            if failure.code == "object:not-found":
                return None
            raise
        return dict(found)


def create_bucket(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller, bucket = _Caller(values, session, context), values["bucket_name"]
    facts = {"bucket": bucket}
    region = caller.client.meta.region_name
    place = {} if region in (FIRST_REGION, "aws-global") else {"LocationConstraint": region}
    more: dict[str, Any] = {"CreateBucketConfiguration": place} if place else {}
    try:
        caller.call(caller.client.create_bucket, Bucket=bucket, **more)
    except Failure as failure:
        if failure.facts.get("reason") != "BucketAlreadyOwnedByYou":
            raise
        return TaskResult(f"The bucket {bucket} was there already", facts)
    return TaskResult(f"Created the bucket {bucket}", facts)


def delete_bucket(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller, bucket = _Caller(values, session, context), values["bucket_name"]
    count = 0
    try:
        if values["force_delete"]:
            count = _delete(caller, bucket, _versions(caller, bucket))
        caller.call(caller.client.delete_bucket, Bucket=bucket)
    except Failure as failure:
        if failure.code != "object:bucket-not-found":
            raise
        return TaskResult(f"There was no bucket {bucket}", {"bucket": bucket})
    objects = f" and {counted(count)}" if count else ""
    return TaskResult(f"Deleted the bucket {bucket}{objects}", {"bucket": bucket, "objects": count})


def create_object(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller = _Caller(values, session, context)
    bucket, key = _split(values["s3_bucket"], values["s3_key"], argument="s3_key")
    data = _encoded(values["data"], values["encoding"] or "utf-8")
    if values["compression"]:
        # The same bytes each time: no time stamp.
        data = gzip.compress(data, mtime=0)
    url = f"s3://{bucket}/{key}"
    facts = {"bucket": bucket, "object": key, "bytes": len(data)}
    found = None if values["replace"] else caller.head(bucket, key)
    if found is not None:
        # A worker that was lost may have written it for this very task.
        if found["ETag"].strip('"') != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise Failure("object:exists", bucket=bucket, object=key)
        return TaskResult(f"{url} was there already, with this content", facts, value=url)
    more = {"ACL": values["acl_policy"]} if values["acl_policy"] else {}
    if values["encrypt"]:
        more["ServerSideEncryption"] = "AES256"
    caller.call(caller.client.put_object, key=key, Bucket=bucket, Key=key, Body=data, **more)
    return TaskResult(f"Created {url}, {len(data):,} bytes", facts, value=url)


def copy_object(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller = _Caller(values, session, context)
    source, key = _split(
        values["source_bucket_name"], values["source_bucket_key"], argument="source_bucket_key"
    )
    bucket, to = _split(
        values["dest_bucket_name"], values["dest_bucket_key"], argument="dest_bucket_key"
    )
    given = {
        "ACL": values["acl_policy"] or "private",
        "MetadataDirective": values["meta_data_directive"],
        "SSEKMSKeyId": values["kms_key_id"],
        "ServerSideEncryption": values["kms_encryption_type"],
    }
    more = {name: value for name, value in given.items() if value}
    origin = {"Bucket": source, "Key": key}
    if values["source_version_id"]:
        origin["VersionId"] = values["source_version_id"]
    copy = caller.client.copy_object
    caller.call(copy, key=key, Bucket=bucket, Key=to, CopySource=origin, **more)
    url = f"s3://{bucket}/{to}"
    return TaskResult(
        f"Copied s3://{source}/{key} to {url}", {"bucket": bucket, "object": to}, value=url
    )


def delete_objects(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller, bucket = _Caller(values, session, context), values["bucket"]
    if values["keys"] is not None:
        chosen = iter([{"Key": key} for key in texts(values["keys"])])
    else:
        chosen = _chosen(caller, values)
    count = _delete(caller, bucket, chosen)
    return TaskResult(f"Deleted {counted(count)}", {"bucket": bucket, "objects": count})


def list_keys(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    caller, bucket, prefix = _Caller(values, session, context), values["bucket"], values["prefix"]
    fits: Callable[[str], object] = str
    if values["apply_wildcard"] and "*" in prefix:
        prefix, fits = pattern_of(prefix)
    keys = [
        entry["Key"]
        for page in caller.pages(bucket, prefix or "", values["delimiter"] or "")
        for entry in page.get("Contents", ())
        if fits(entry["Key"]) is not None
    ]
    return TaskResult(f"{counted(len(keys))} in {bucket}", {"objects": len(keys)}, value=keys)


def are_there(values: dict[str, Any], session: Any, context: Context) -> TaskResult | None:
    """``None`` as long as one key is missing."""
    caller = _Caller(values, session, context)
    found: list[str] = []
    for address in texts(values["bucket_key"]):
        bucket, key = _split(values["bucket_name"], address, argument="bucket_key")
        seen = _first(caller, values, bucket, key=key)
        if seen is None:
            return None
        found.append(f"s3://{bucket}/{seen}")
    return TaskResult(f"Found {', '.join(found[:3])}", {"objects": len(found)})


def _first(caller: _Caller, values: dict[str, Any], bucket: str, *, key: str) -> str | None:
    """The key, or the first that fits it as a pattern."""
    if not (values["wildcard_match"] or values["use_regex"]):
        return None if caller.head(bucket, key) is None else key
    prefix, fits = pattern_of(key, is_regex=values["use_regex"])
    names = (entry["Key"] for entry in caller.objects(bucket, prefix))
    return next((name for name in names if fits(name)), None)


def _split(bucket: str | None, key: str, *, argument: str) -> tuple[str, str]:
    return split_key(bucket, key, schemes=SCHEMES, argument=argument)


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        reason = f"the content can't be written in the encoding {encoding}."
        raise Failure("task:not-runnable", reason=reason) from None


def _chosen(caller: _Caller, values: dict[str, Any]) -> Iterator[dict[str, str]]:
    after = moment(values["from_datetime"], argument="from_datetime")
    before = moment(values["to_datetime"], argument="to_datetime")
    for entry in caller.objects(values["bucket"], values["prefix"] or ""):
        changed = entry["LastModified"]
        if (after is None or changed > after) and (before is None or changed < before):
            yield {"Key": entry["Key"]}


def _versions(caller: _Caller, bucket: str) -> Iterator[dict[str, str]]:
    """Every version of every object, and the marks of deleted ones."""
    markers: dict[str, str] = {}
    while True:
        page = caller.call(caller.client.list_object_versions, Bucket=bucket, **markers)
        for entry in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}
        if not page.get("IsTruncated"):
            return
        markers = {"KeyMarker": page["NextKeyMarker"]}
        if version := page.get("NextVersionIdMarker"):
            markers["VersionIdMarker"] = version


def _delete(caller: _Caller, bucket: str, chosen: Iterator[dict[str, str]]) -> int:
    """Delete, and count. Raise ``Failure`` at the end if some could not be deleted."""
    count = 0
    refused: list[dict[str, Any]] = []
    while some := list(islice(chosen, AT_ONCE)):
        batch = {"Objects": some, "Quiet": True}
        answer = caller.call(caller.client.delete_objects, Bucket=bucket, Delete=batch)
        errors = answer.get("Errors", [])
        refused += errors
        count += len(some) - len(errors)
        caller.context.progress(f"{counted(count)} deleted", objects=count)
    if refused:
        first = refused[0]
        raise Failure(
            "object:some-left",
            vendor_message=first.get("Message", ""),
            bucket=bucket,
            count=len(refused),
            object=first.get("Key", ""),
            reason=first.get("Code", ""),
            account=caller.session.identity,
        )
    return count
