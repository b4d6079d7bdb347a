"""Buckets and objects of Amazon S3, and of what speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import (
    Argument,
    ArgumentError,
    Context,
    Operator,
    Sensor,
    TaskResult,
    is_reference,
)

AMAZON = "airflow.providers.amazon.aws"
BETWEEN = "It ends after the call that it is in; what was done stays done."

_COMMON = (
    Argument("aws_conn_id", default="aws_default", templated=True),
    Argument("region_name", templated=True, help="Empty for the connection's.", label="Region"),
    Argument("verify", kind="any", templated=True, help="Empty for the connection's."),
    Argument("botocore_config", kind="json", help="Given to botocore's config."),
)
_BUCKET_OF_KEY = "Leave it out where the key is a whole s3:// address."


class _S3Operator(Operator):
    """What all of them share."""

    import_paths: ClassVar[tuple[str, ...]] = (f"{AMAZON}.operators.s3",)
    category: ClassVar[str] = "Amazon S3"
    connection_argument: ClassVar[str] = "aws_conn_id"
    default_conn_id: ClassVar[str] = "aws_default"
    connection_types: ClassVar[tuple[str, ...]] = ("aws",)
    cancels: ClassVar[str] = BETWEEN
    resumes: ClassVar[bool] = True


class S3CreateBucketOperator(_S3Operator):
    """Create a bucket. One that is there already, and is ours, is left as it is."""

    name: ClassVar[str] = "S3CreateBucketOperator"
    summary: ClassVar[str] = "Creates a bucket"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket_name", required=True, templated=True),
        Argument("bucket_namespace", templated=True, supported=False, help="Leave it out."),
        *_COMMON,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import create_bucket

        return create_bucket(self.values, session, context)


class S3DeleteBucketOperator(_S3Operator):
    """Delete a bucket. One that isn't there counts as deleted."""

    name: ClassVar[str] = "S3DeleteBucketOperator"
    summary: ClassVar[str] = "Deletes a bucket"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket_name", required=True, templated=True),
        Argument(
            "force_delete",
            kind="boolean",
            default=False,
            label="With all its objects",
            help="Else only an empty bucket is deleted.",
        ),
        *_COMMON,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import delete_bucket

        return delete_bucket(self.values, session, context)


class S3CreateObjectOperator(_S3Operator):
    """Create an object from a text."""

    name: ClassVar[str] = "S3CreateObjectOperator"
    summary: ClassVar[str] = "Creates an object from a text"
    result_name: ClassVar[str] = "The s3:// address of the object"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("s3_bucket", templated=True, label="Bucket", help=_BUCKET_OF_KEY),
        Argument("s3_key", required=True, templated=True, label="Key"),
        Argument("data", kind="lines", required=True, templated=True, label="Content"),
        Argument("replace", kind="boolean", default=False, help="Else what is there is kept."),
        Argument("encrypt", kind="boolean", default=False, label="Encrypt with AES256"),
        Argument("acl_policy", help="A canned ACL, such as bucket-owner-full-control."),
        Argument("encoding", help="utf-8 if empty."),
        Argument("compression", choices=("gzip",)),
        *_COMMON,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import create_object

        return create_object(self.values, session, context)


class S3CopyObjectOperator(_S3Operator):
    """Copy an object of up to 5 GB, within S3."""

    name: ClassVar[str] = "S3CopyObjectOperator"
    summary: ClassVar[str] = "Copies an object"
    result_name: ClassVar[str] = "The s3:// address of the copy"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("source_bucket_key", required=True, templated=True, label="Source key"),
        Argument("dest_bucket_key", required=True, templated=True, label="Destination key"),
        Argument("source_bucket_name", templated=True, help=_BUCKET_OF_KEY),
        Argument("dest_bucket_name", templated=True, help=_BUCKET_OF_KEY),
        Argument("source_version_id"),
        Argument("acl_policy", help="A canned ACL; private if empty."),
        Argument("meta_data_directive", choices=("COPY", "REPLACE")),
        Argument("kms_key_id"),
        Argument("kms_encryption_type", choices=("aws:kms", "aws:kms:dsse")),
        *_COMMON,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import copy_object

        return copy_object(self.values, session, context)


class S3DeleteObjectsOperator(_S3Operator):
    """Delete objects by their keys, or all with a prefix or of a time."""

    name: ClassVar[str] = "S3DeleteObjectsOperator"
    summary: ClassVar[str] = "Deletes objects by key, prefix or time"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        Argument("keys", kind="any", templated=True, help="One, or a list of them."),
        Argument("prefix", templated=True, help="Of the objects to delete, instead of keys."),
        Argument(
            "from_datetime",
            templated=True,
            help="Changed after it: a text such as 2026-01-31T08:00:00; UTC.",
        ),
        Argument("to_datetime", templated=True, help="Changed before it; as above."),
        *_COMMON,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        keys = arguments.get("keys")
        names = ("prefix", "from_datetime", "to_datetime")
        if (keys is None) == all(arguments.get(name) is None for name in names):
            raise ArgumentError(
                f"{cls.name} needs either keys, or at least one of prefix, from_datetime and "
                "to_datetime."
            )
        _check_texts(cls.name, "keys", keys)

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import delete_objects

        return delete_objects(self.values, session, context)


class S3ListOperator(_S3Operator):
    """List the keys of a bucket."""

    name: ClassVar[str] = "S3ListOperator"
    summary: ClassVar[str] = "Lists the objects of a bucket"
    result_name: ClassVar[str] = "The keys"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        Argument("prefix", default="", templated=True),
        Argument("delimiter", default="", templated=True, help="/ leaves out what lies deeper."),
        Argument(
            "apply_wildcard",
            kind="boolean",
            default=False,
            help="* in the prefix stands for any letters.",
        ),
        *_COMMON,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.s3_work import list_keys

        return list_keys(self.values, session, context)


class S3KeySensor(Sensor):
    """Wait until every key is there; with a pattern, until one object fits it."""

    name: ClassVar[str] = "S3KeySensor"
    import_paths: ClassVar[tuple[str, ...]] = (f"{AMAZON}.sensors.s3",)
    summary: ClassVar[str] = "Waits until objects are in a bucket"
    connection_argument: ClassVar[str] = "aws_conn_id"
    default_conn_id: ClassVar[str] = "aws_default"
    connection_types: ClassVar[tuple[str, ...]] = ("aws",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "bucket_key",
            kind="any",
            required=True,
            templated=True,
            label="Key",
            help="One, or a list: all of them are waited for.",
        ),
        Argument("bucket_name", templated=True, help=_BUCKET_OF_KEY),
        Argument("wildcard_match", kind="boolean", default=False, label="* and ? are wildcards"),
        Argument("use_regex", kind="boolean", default=False, label="Regular expression"),
        Argument(
            "check_fn",
            kind="any",
            supported=False,
            help="Look at the objects in a @task that comes after.",
        ),
        Argument("metadata_keys", kind="any", supported=False, help="It is for check_fn alone."),
        *_COMMON,
        *Sensor.common,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_texts(cls.name, "bucket_key", arguments.get("bucket_key"))
        if arguments.get("wildcard_match") and arguments.get("use_regex"):
            raise ArgumentError(f"{cls.name} takes wildcard_match or use_regex, not both.")

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        from tasks.operators.s3_work import are_there

        return are_there(self.values, session, context)


def _check_texts(name: str, argument: str, value: Any) -> None:
    if value is None or isinstance(value, str) or is_reference(value):
        return
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ArgumentError(f"{name}: {argument} must be a text or a list of texts.")


OPERATORS_HERE = (
    S3CreateBucketOperator,
    S3DeleteBucketOperator,
    S3CreateObjectOperator,
    S3DeleteObjectsOperator,
    S3CopyObjectOperator,
    S3ListOperator,
    S3KeySensor,
)
