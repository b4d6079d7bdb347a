"""Operators that make and delete BigQuery's data sets and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import Argument, ArgumentError, Context, TaskResult
from tasks.operators.bigquery import CONNECTION, IMPERSONATION, BigQueryOperator

_PROJECT = Argument("project_id", templated=True, label="Project", help="Else the connection's.")
_LOCATION = Argument("location", help="Else the connection's.")
_IF_EXISTS = Argument(
    "if_exists",
    default="log",
    choices=("ignore", "log", "fail", "skip"),
    label="If it is there",
    help="ignore and log go on, fail fails, skip skips this task.",
)
_EXISTS_OK = Argument(
    "exists_ok",
    kind="boolean",
    help="The older form of if_exists: True for ignore, False for fail.",
)
_SCHEMA_OBJECT = Argument(
    "gcs_schema_object",
    templated=True,
    supported=False,
    help="Put the fields into the table's schema.",
)
_SCHEMA_CONNECTION = Argument(
    "google_cloud_storage_conn_id",
    default="google_cloud_default",
    help="Means nothing here: no schema is read from Cloud Storage.",
)
_DATA_SET = Argument("dataset_id", required=True, templated=True, label="Data set")
_TABLE = Argument("table_id", required=True, templated=True, label="Table")


class _OneCall(BigQueryOperator):
    """Makes one call that does no harm when a worker that takes over makes it again."""

    cancels: ClassVar[str] = "The call that it makes is short, and is not taken back."


class _Creating(_OneCall):
    """Makes something that may be there already."""

    @property
    def if_exists(self) -> str:
        exists_ok = self.values.get("exists_ok")
        if exists_ok is not None:
            return "ignore" if exists_ok else "fail"
        return str(self.values["if_exists"])


class BigQueryCreateEmptyDatasetOperator(_Creating):
    """Make a data set without tables.

    ``dataset_reference`` is a REST Dataset resource
    (https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets); what it
    names counts more than the other arguments, as in Airflow.
    """

    name: ClassVar[str] = "BigQueryCreateEmptyDatasetOperator"
    summary: ClassVar[str] = "Makes a data set"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("dataset_id", templated=True, label="Data set"),
        _PROJECT,
        Argument(
            "dataset_reference",
            kind="json",
            templated=True,
            help="A REST Dataset resource, for a description, labels or an expiry.",
        ),
        _LOCATION,
        _IF_EXISTS,
        _EXISTS_OK,
        CONNECTION,
        IMPERSONATION,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        reference = (arguments.get("dataset_reference") or {}).get("datasetReference") or {}
        if not arguments.get("dataset_id") and not reference.get("datasetId"):
            raise ArgumentError(f"{cls.name} needs dataset_id, or it in dataset_reference.")

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_resources import create_dataset

        return create_dataset(self.values, self.if_exists, session, context)


class BigQueryDeleteDatasetOperator(_OneCall):
    """Delete a data set. ``ignore_if_missing`` is ours: Airflow's operator always ignores it."""

    name: ClassVar[str] = "BigQueryDeleteDatasetOperator"
    summary: ClassVar[str] = "Deletes a data set"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _DATA_SET,
        _PROJECT,
        Argument(
            "delete_contents",
            kind="boolean",
            default=False,
            help="True deletes its tables too; False fails while it has any.",
        ),
        Argument(
            "ignore_if_missing",
            kind="boolean",
            default=True,
            help="Airflow's operator has no such argument, and does as with True.",
        ),
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_resources import delete_dataset

        return delete_dataset(self.values, session, context)


class BigQueryCreateTableOperator(_Creating):
    """Make a table or view from a REST Table resource.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/tables
    """

    name: ClassVar[str] = "BigQueryCreateTableOperator"
    summary: ClassVar[str] = "Makes a table or view from a table resource"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _DATA_SET,
        _TABLE,
        Argument(
            "table_resource",
            kind="json",
            required=True,
            templated=True,
            help='A REST Table resource, such as {"schema": {"fields": [{"name": "day", '
            '"type": "DATE"}]}}.',
        ),
        _PROJECT,
        _LOCATION,
        _IF_EXISTS,
        _SCHEMA_OBJECT,
        _SCHEMA_CONNECTION,
        CONNECTION,
        IMPERSONATION,
        Argument(
            "retry",
            kind="any",
            supported=False,
            help="How often a call is repeated stands in the connection.",
        ),
        Argument(
            "timeout",
            kind="number",
            supported=False,
            help="How long a call may take stands in the connection.",
        ),
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_resources import create_table

        resource = dict(self.values["table_resource"])
        return create_table(self.values, resource, self.if_exists, session, context)


class BigQueryCreateEmptyTableOperator(_Creating):
    """Make a table or view: the older form of ``BigQueryCreateTableOperator``."""

    name: ClassVar[str] = "BigQueryCreateEmptyTableOperator"
    summary: ClassVar[str] = "Makes a table or view; the older form"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _DATA_SET,
        _TABLE,
        Argument(
            "table_resource",
            kind="json",
            templated=True,
            help="A REST Table resource, instead of the arguments below.",
        ),
        _PROJECT,
        Argument("schema_fields", kind="list", label="Fields", help="As in the REST resource."),
        Argument("time_partitioning", kind="json", help="As in the REST resource."),
        Argument("cluster_fields", kind="texts", help="Names of columns."),
        Argument("labels", kind="json", templated=True),
        Argument("view", kind="json", templated=True, help="A ViewDefinition: makes a view."),
        Argument("materialized_view", kind="json", templated=True, help="Makes one."),
        Argument("encryption_configuration", kind="json", help='Such as {"kmsKeyName": "…"}.'),
        _LOCATION,
        _IF_EXISTS,
        _EXISTS_OK,
        _SCHEMA_OBJECT,
        _SCHEMA_CONNECTION,
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_resources import create_table

        return create_table(self.values, self._resource(), self.if_exists, session, context)

    def _resource(self) -> dict[str, Any]:
        values = self.values
        if values["table_resource"]:
            return dict(values["table_resource"])
        fields, clusters = values["schema_fields"], values["cluster_fields"]
        parts = {
            "schema": {"fields": fields} if fields else None,
            "timePartitioning": values["time_partitioning"],
            "clustering": {"fields": clusters} if clusters else None,
            "labels": values["labels"],
            "view": values["view"],
            "materializedView": values["materialized_view"],
            "encryptionConfiguration": values["encryption_configuration"],
        }
        return {name: part for name, part in parts.items() if part}


class BigQueryDeleteTableOperator(_OneCall):
    """Delete a table or view, named as ``dataset.table`` or ``project.dataset.table``."""

    name: ClassVar[str] = "BigQueryDeleteTableOperator"
    summary: ClassVar[str] = "Deletes a table or view"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "deletion_dataset_table",
            required=True,
            templated=True,
            label="Table",
            help="dataset.table, or project.dataset.table.",
        ),
        Argument(
            "ignore_if_missing",
            kind="boolean",
            default=False,
            help="True goes on where there is no such table.",
        ),
        Argument("location", help="Means nothing here: a table is found by its name."),
        CONNECTION,
        IMPERSONATION,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_resources import delete_table

        return delete_table(self.values, session, context)


OPERATORS_HERE = (
    BigQueryCreateEmptyDatasetOperator,
    BigQueryDeleteDatasetOperator,
    BigQueryCreateTableOperator,
    BigQueryCreateEmptyTableOperator,
    BigQueryDeleteTableOperator,
)
