"""Operators that read from BigQuery: two that check data, and one that hands rows on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import Argument, ArgumentError, Context, TaskResult, is_reference
from tasks.operators.bigquery import (
    CONNECTION,
    DEFERRABLE,
    IMPERSONATION,
    JOB_CANCELS,
    POLL_INTERVAL,
    BigQueryOperator,
)
from tasks.operators.sql import EXPECTED

_OF_QUERY = (
    Argument(
        "use_legacy_sql",
        kind="boolean",
        default=True,
        help="True is the default of Airflow's operator; GoogleSQL needs False.",
    ),
    Argument("project_id", label="Project", help="Else the connection's."),
    Argument("location", help="Else the connection's, else where the data is."),
    Argument("labels", kind="json", templated=True, help="Labels of the job, beside Airflow's."),
    Argument("encryption_configuration", kind="json", help='Such as {"kmsKeyName": "projects/…"}.'),
    CONNECTION,
    IMPERSONATION,
    DEFERRABLE,
    POLL_INTERVAL,
)
_SQL = Argument("sql", kind="sql", required=True, templated=True, files=(".sql",))


class _OneQuery(BigQueryOperator):
    """Runs one query, whose first row it looks at."""

    cancels: ClassVar[str] = JOB_CANCELS

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        if isinstance(arguments["sql"], (list, tuple)):
            raise ArgumentError(f"{cls.name}: sql must be one text.")

    def configuration(self) -> dict[str, Any]:
        """The ``configuration`` of the query's job."""
        values = self.values
        query = {"query": values["sql"], "useLegacySql": values["use_legacy_sql"]}
        if values.get("query_params"):
            query["queryParameters"] = values["query_params"]
        if values["encryption_configuration"]:
            query["destinationEncryptionConfiguration"] = values["encryption_configuration"]
        return {"query": query, "labels": values["labels"] or {}}

    def cancel(self, session: Any, context: Context) -> str:
        from tasks.operators.bigquery_reading import cancel_query

        return cancel_query(self.values, self.configuration(), session, context)


class BigQueryCheckOperator(_OneQuery):
    """Fail unless every value in the query's first row is true, as Python sees it."""

    name: ClassVar[str] = "BigQueryCheckOperator"
    summary: ClassVar[str] = "Fails unless every value in a query's first row is true"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        Argument(
            "query_params",
            kind="list",
            templated=True,
            help="QueryParameter objects, for @names in the SQL.",
        ),
        *_OF_QUERY,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_reading import check_row

        return check_row(self.values, self.configuration(), session, context)


class BigQueryValueCheckOperator(_OneQuery):
    """Fail unless every value in the query's first row is the one that is expected."""

    name: ClassVar[str] = "BigQueryValueCheckOperator"
    summary: ClassVar[str] = "Fails unless a query's first row has the expected value"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        *EXPECTED,
        *_OF_QUERY,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_reading import check_value

        return check_value(self.values, self.configuration(), session, context)


class BigQueryGetDataOperator(BigQueryOperator):
    """Read the first rows of a table, or of a job's result, and leave them as XCom."""

    name: ClassVar[str] = "BigQueryGetDataOperator"
    summary: ClassVar[str] = "Reads rows of a table or of a job, for the tasks that follow"
    cancels: ClassVar[str] = "It ends as soon as the page that it reads is there."
    result_name: ClassVar[str] = "rows"
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument("dataset_id", templated=True, label="Data set"),
        Argument("table_id", templated=True, label="Table"),
        Argument("table_project_id", templated=True, help="Else the connection's project."),
        Argument("job_id", templated=True, label="Job ID", help="Instead of a table."),
        Argument("job_project_id", templated=True, help="Else the connection's project."),
        Argument("project_id", templated=True, help="The older name of table_project_id."),
        Argument(
            "max_results",
            kind="any",
            default=100,
            templated=True,
            label="Rows at most",
        ),
        Argument(
            "selected_fields",
            templated=True,
            label="Columns",
            help="With commas between; else all of them.",
        ),
        Argument("as_dict", kind="boolean", default=False, help="Rows as dicts, not as lists."),
        Argument("location", help="Where the job ran, outside of US and EU."),
        CONNECTION,
        IMPERSONATION,
        Argument(
            "encryption_configuration",
            kind="json",
            supported=False,
            help="Nothing is written here that could be encrypted.",
        ),
        Argument(
            "use_legacy_sql",
            kind="boolean",
            default=True,
            help="Means nothing here: rows are read without SQL.",
        ),
        DEFERRABLE,
        Argument(
            "poll_interval",
            kind="number",
            default=4.0,
            help="Means nothing here: rows are read at once.",
        ),
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        if bool(arguments.get("job_id")) == bool(arguments.get("table_id")):
            raise ArgumentError(f"{cls.name} needs either table_id or job_id.")
        if arguments.get("table_id") and not arguments.get("dataset_id"):
            raise ArgumentError(f"{cls.name} needs dataset_id beside table_id.")
        most = arguments.get("max_results", 100)
        is_template = is_reference(most) or (isinstance(most, str) and "{" in most)
        is_number = isinstance(most, int | str) and str(most).isdecimal()
        if not is_template and not is_number:
            raise ArgumentError(f"{cls.name}: max_results must be a whole number, not {most!r}.")

    def execute(self, session: Any, context: Context) -> TaskResult:
        from tasks.operators.bigquery_reading import get_data

        return get_data(self.values, session, context)


OPERATORS_HERE = (BigQueryCheckOperator, BigQueryValueCheckOperator, BigQueryGetDataOperator)
