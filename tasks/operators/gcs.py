"""Buckets and objects of Google Cloud Storage."""

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

GOOGLE = "airflow.providers.google.cloud"
TYPES = ("google_cloud_platform", "gcpbigquery")
#: Ends of names of files beside the DAG file that an object may be made from.
FILES = (".csv", ".json", ".jsonl", ".ndjson", ".sql", ".txt", ".xml")

CONNECTION = Argument("gcp_conn_id", default="google_cloud_default", templated=True)
IMPERSONATION = Argument(
    "impersonation_chain",
    kind="any",
    templated=True,
    help="An account, or several: the last is impersonated by way of the others.",
)
PREFIX = Argument("prefix", kind="any", templated=True, help="One, or a list of them.")
GLOB = Argument("match_glob", templated=True, help="A pattern such as **/*.csv.", label="Pattern")


class _GCSOperator(Operator):
    """What all of them share."""

    import_paths: ClassVar[tuple[str, ...]] = (f"{GOOGLE}.operators.gcs",)
    category: ClassVar[str] = "Google Cloud Storage"
    connection_argument: ClassVar[str] = "gcp_conn_id"
    default_conn_id: ClassVar[str] = "google_cloud_default"
    connection_types: ClassVar[tuple[str, ...]] = TYPES
    resumes: ClassVar[bool] = True
    cancels: ClassVar[str] = "It ends after the call that it is in; what was done stays done."

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_texts(cls.name, arguments, ("impersonation_chain", "prefix"))


class GCSCreateBucketOperator(_GCSOperator):
    """Create a bucket. One that is there already, and is ours, is left as it is."""

    name: ClassVar[str] = "GCSCreateBucketOperator"
    summary: ClassVar[str] = "Creates a bucket"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket_name", required=True, templated=True),
        Argument("resource", kind="json", help="Further parts of the API's Bucket resource."),
        Argument("storage_class", default="MULTI_REGIONAL", templated=True),
        Argument("location", default="US", templated=True),
        Argument("project_id", templated=True, label="Project", help="Empty: the connection's."),
        Argument("labels", kind="json"),
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_work import create_bucket

        return create_bucket(self.values, session, context)


class GCSDeleteBucketOperator(_GCSOperator):
    """Delete a bucket. One that isn't there counts as deleted."""

    name: ClassVar[str] = "GCSDeleteBucketOperator"
    summary: ClassVar[str] = "Deletes a bucket"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket_name", required=True, templated=True),
        Argument(
            "force",
            kind="boolean",
            default=True,
            label="With all its objects",
            help="Else only an empty bucket is deleted.",
        ),
        Argument("user_project", templated=True, help="The project that pays for the calls."),
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_work import delete_bucket

        return delete_bucket(self.values, session, context)


class GCSListObjectsOperator(_GCSOperator):
    """List the names of objects."""

    name: ClassVar[str] = "GCSListObjectsOperator"
    summary: ClassVar[str] = "Lists the objects of a bucket"
    result_name: ClassVar[str] = "The names of the objects"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        PREFIX,
        Argument(
            "delimiter",
            templated=True,
            help="/ gives the folders, if there are any; .csv what ends so.",
        ),
        GLOB,
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_work import list_objects

        return list_objects(self.values, session, context)


class GCSDeleteObjectsOperator(_GCSOperator):
    """Delete objects by their names, or all with a prefix."""

    name: ClassVar[str] = "GCSDeleteObjectsOperator"
    summary: ClassVar[str] = "Deletes objects by name or prefix"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket_name", required=True, templated=True),
        Argument("objects", kind="texts", templated=True, help="Their names."),
        PREFIX,
        Argument(
            "ignore_error",
            kind="boolean",
            default=False,
            label="Missing ones are fine",
            help="Else the task fails, once it has deleted the others.",
        ),
        CONNECTION,
        IMPERSONATION,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        if arguments.get("objects") is None and arguments.get("prefix") is None:
            raise ArgumentError(f"{cls.name} needs objects or prefix.")

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_work import delete_objects

        return delete_objects(self.values, session, context)


class GCSCreateObjectOperator(_GCSOperator):
    """Create an object from a text, or from a file beside the DAG file. Airflow has no such one."""

    name: ClassVar[str] = "GCSCreateObjectOperator"
    import_paths: ClassVar[tuple[str, ...]] = (
        "patchbay.operators.gcs",
        "patchbay.operators",
    )
    summary: ClassVar[str] = "Creates an object from a text"
    result_name: ClassVar[str] = "The gs:// address of the object"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        Argument("object_name", required=True, templated=True),
        Argument(
            "data",
            kind="lines",
            required=True,
            templated=True,
            files=FILES,
            label="Content",
            help="A text, or the name of a file beside the DAG file.",
        ),
        Argument("content_type", default="text/plain; charset=utf-8"),
        Argument("replace", kind="boolean", default=True, help="Else what is there is kept."),
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_work import create_object

        return create_object(self.values, session, context)


class GCSToGCSOperator(_GCSOperator):
    """Copy or move objects, by name, prefix or one wildcard, within Cloud Storage."""

    name: ClassVar[str] = "GCSToGCSOperator"
    import_paths: ClassVar[tuple[str, ...]] = (f"{GOOGLE}.transfers.gcs_to_gcs",)
    summary: ClassVar[str] = "Copies or moves objects"
    result_name: ClassVar[str] = "The gs:// addresses of the copies"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("source_bucket", required=True, templated=True),
        Argument("source_object", templated=True, help="A name, a prefix, or one with a *."),
        Argument("source_objects", kind="texts", templated=True, help="Several of them."),
        Argument("destination_bucket", templated=True, help="Empty: the source's."),
        Argument(
            "destination_object",
            templated=True,
            help="With * or a prefix: what stands before the rest of each name.",
        ),
        Argument("delimiter", templated=True, help="Only names that end so; match_glob is newer."),
        Argument("move_object", kind="boolean", default=False, label="Move"),
        Argument("replace", kind="boolean", default=True, help="Else what is there is kept."),
        Argument(
            "last_modified_time",
            help="Only what was changed after it: a text such as 2026-01-31T08:00:00; UTC.",
        ),
        Argument("maximum_modified_time", help="Only what was changed before it; as above."),
        Argument("is_older_than", kind="number", help="Only what is older, in seconds."),
        Argument("source_object_required", kind="boolean", default=False, label="Must be there"),
        Argument("exact_match", kind="boolean", default=False, label="Whole names"),
        GLOB,
        Argument("retain_until_time", kind="any", supported=False, help="Set it on the bucket."),
        Argument("retention_mode", supported=False, help="Set it on the bucket."),
        CONNECTION,
        IMPERSONATION,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        one, several = arguments.get("source_object"), arguments.get("source_objects")
        if bool(one) == bool(several):
            raise ArgumentError(f"{cls.name} needs either source_object or source_objects.")
        sources = [one] if one else several
        if is_reference(sources):
            return
        for source in sources or ():
            if isinstance(source, str) and source.count("*") > 1:
                raise ArgumentError(f"{cls.name}: a source has at most one *, not {source!r}.")

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.gcs_copies import copy_objects

        return copy_objects(self.values, session, context)


class _GCSSensor(Sensor):
    """What both share. Their connection has another name than the operators'."""

    import_paths: ClassVar[tuple[str, ...]] = (f"{GOOGLE}.sensors.gcs",)
    connection_argument: ClassVar[str] = "google_cloud_conn_id"
    default_conn_id: ClassVar[str] = "google_cloud_default"
    connection_types: ClassVar[tuple[str, ...]] = TYPES
    of_google: ClassVar[tuple[Argument, ...]] = (
        Argument("google_cloud_conn_id", default="google_cloud_default", templated=True),
        IMPERSONATION,
        *Sensor.common,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_texts(cls.name, arguments, ("impersonation_chain",))


class GCSObjectExistenceSensor(_GCSSensor):
    """Wait until an object is there."""

    name: ClassVar[str] = "GCSObjectExistenceSensor"
    summary: ClassVar[str] = "Waits until an object is in a bucket"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        Argument("object", required=True, templated=True),
        Argument("use_glob", kind="boolean", default=False, label="The name is a pattern"),
        *_GCSSensor.of_google,
    )

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        from tasks.operators.gcs_work import is_there

        return is_there(self.values, session, context)


class GCSObjectsWithPrefixExistenceSensor(_GCSSensor):
    """Wait until an object with a prefix is there; the names of all of them are the result."""

    name: ClassVar[str] = "GCSObjectsWithPrefixExistenceSensor"
    summary: ClassVar[str] = "Waits until objects with a prefix are in a bucket"
    result_name: ClassVar[str] = "The names of the objects"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("bucket", required=True, templated=True),
        Argument("prefix", required=True, templated=True),
        *_GCSSensor.of_google,
    )

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        from tasks.operators.gcs_work import are_there

        return are_there(self.values, session, context)


def _check_texts(operator: str, arguments: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        value = arguments.get(name)
        if value is None or isinstance(value, str) or is_reference(value):
            continue
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise ArgumentError(f"{operator}: {name} must be a text or a list of texts.")


OPERATORS_HERE = (
    GCSCreateBucketOperator,
    GCSDeleteBucketOperator,
    GCSCreateObjectOperator,
    GCSListObjectsOperator,
    GCSDeleteObjectsOperator,
    GCSToGCSOperator,
    GCSObjectExistenceSensor,
    GCSObjectsWithPrefixExistenceSensor,
)
