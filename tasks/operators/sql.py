"""Operators that run SQL: in PostgreSQL, MySQL, SQLite and BigQuery, by the connection's type.

They follow those of Airflow's provider common.sql, and the older ones of single databases
(https://airflow.apache.org/docs/apache-airflow-providers-common-sql/stable/operators.html).
"""

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
    Work,
    is_reference,
)

COMMON_SQL = "airflow.providers.common.sql.operators.sql"
DATABASES = ("postgres", "mysql", "sqlite")
BIGQUERY = ("google_cloud_platform", "gcpbigquery")
#: A text that ends so names a file.
FILES = (".sql", ".hql")

_CONN_ID = Argument("conn_id", required=True, templated=True, label="Connection")
_SQL = Argument("sql", kind="sql", required=True, templated=True, files=FILES, label="SQL")
_PARAMETERS = Argument(
    "parameters",
    kind="any",
    templated=True,
    help="A list or a dict. The SQL names them as the database wants it: %s or %(name)s in "
    "PostgreSQL and MySQL, ? or :name in SQLite.",
)
_DATABASE = Argument("database", templated=True, help="Else the connection's.")
_HOOK_PARAMS = Argument(
    "hook_params",
    kind="json",
    supported=False,
    help="Set the options on the connection.",
)
_RETRY_ON_FAILURE = Argument(
    "retry_on_failure",
    kind="boolean",
    default=True,
    supported=False,
    help="Give the task no retries instead.",
)


RUNS_SQL = Work("Task runs SQL", "Session used to send statements", "Statements have run")
#: Of the checks of one value, here and for BigQuery.
EXPECTED = (
    Argument(
        "pass_value",
        kind="any",
        required=True,
        templated=True,
        label="Expected value",
        help="A number is compared as a number, all else as a text.",
    ),
    Argument(
        "tolerance",
        kind="number",
        help="How far a number may be off, as a share of it: 0.1 is 10 %.",
    ),
)


class SqlOperator(Operator):
    """What operators that run SQL share."""

    import_paths: ClassVar[tuple[str, ...]] = (COMMON_SQL,)
    connection_argument: ClassVar[str] = "conn_id"
    connection_types: ClassVar[tuple[str, ...]] = (*DATABASES, *BIGQUERY)
    category: ClassVar[str] = "SQL"
    work: ClassVar[Work] = RUNS_SQL
    cancels: ClassVar[str] = (
        "The database is asked to stop the statement, and its transaction is undone; in BigQuery "
        "the job is cancelled."
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_parameters(cls.name, arguments.get("parameters"))

    def cancel(self, session: Any, context: Context) -> str:
        if hasattr(session, "dialect"):
            return ""
        from tasks.operators.sql_bigquery import cancel

        return cancel(self.values, session, context)


def _check_parameters(operator: str, given: Any) -> None:
    is_template = is_reference(given) or (isinstance(given, str) and "{{" in given)
    if given is not None and not is_template and not isinstance(given, (list, tuple, dict)):
        raise ArgumentError(f"{operator}: parameters must be a list or a dict.")


class SQLExecuteQueryOperator(SqlOperator):
    """Run statements, in one transaction; the rows that the last one gives are the XCom value."""

    name: ClassVar[str] = "SQLExecuteQueryOperator"
    summary: ClassVar[str] = "Runs SQL, and leaves the rows that it gives"
    result_name: ClassVar[str] = "rows"
    statements: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "autocommit",
            kind="boolean",
            default=False,
            help="True commits each statement by itself, which VACUUM and the like need.",
        ),
        _PARAMETERS,
        Argument(
            "split_statements",
            kind="boolean",
            help="True runs the statements of one text one by one.",
        ),
        Argument(
            "return_last",
            kind="boolean",
            default=True,
            help="False keeps the rows of every statement of a text, and not only of the last.",
        ),
        Argument(
            "show_return_value_in_logs", kind="boolean", default=False, label="Rows in the log"
        ),
        _DATABASE,
        Argument(
            "handler",
            kind="any",
            supported=False,
            help="All rows are the result; a task that follows can choose from them.",
        ),
        Argument(
            "output_processor", kind="any", supported=False, help="The rows are left as they are."
        ),
        _HOOK_PARAMS,
        Argument(
            "requires_result_fetch", kind="boolean", default=False, help="Rows are always read."
        ),
        Argument(
            "do_xcom_push",
            kind="boolean",
            default=True,
            label="Keep the rows",
            help="False counts the rows, however many, and leaves none.",
        ),
    )
    arguments: ClassVar[tuple[Argument, ...]] = (_SQL, _CONN_ID, *statements, _RETRY_ON_FAILURE)

    def execute(self, session: Any, context: Context) -> TaskResult:
        if hasattr(session, "dialect"):
            from tasks.operators.sql_statements import run
        else:
            from tasks.operators.sql_bigquery import run
        return run(self.values, session, context)


class PostgresOperator(SQLExecuteQueryOperator):
    """SQLExecuteQueryOperator under the name that Airflow 2 had for PostgreSQL."""

    name: ClassVar[str] = "PostgresOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.postgres.operators.postgres",)
    summary: ClassVar[str] = "Runs SQL in PostgreSQL (Airflow 2's name)"
    connection_argument: ClassVar[str] = "postgres_conn_id"
    default_conn_id: ClassVar[str] = "postgres_default"
    connection_types: ClassVar[tuple[str, ...]] = ("postgres",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        Argument("postgres_conn_id", default="postgres_default", templated=True),
        *SQLExecuteQueryOperator.statements,
        Argument(
            "runtime_parameters",
            kind="json",
            supported=False,
            help="Write SET … in the SQL, or set options on the connection.",
        ),
    )


class MySqlOperator(SQLExecuteQueryOperator):
    """SQLExecuteQueryOperator under the name that Airflow 2 had for MySQL."""

    name: ClassVar[str] = "MySqlOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.mysql.operators.mysql",)
    summary: ClassVar[str] = "Runs SQL in MySQL (Airflow 2's name)"
    connection_argument: ClassVar[str] = "mysql_conn_id"
    default_conn_id: ClassVar[str] = "mysql_default"
    connection_types: ClassVar[tuple[str, ...]] = ("mysql",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        Argument("mysql_conn_id", default="mysql_default", templated=True),
        *SQLExecuteQueryOperator.statements,
    )


class SqliteOperator(SQLExecuteQueryOperator):
    """SQLExecuteQueryOperator under the name that Airflow 2 had for SQLite."""

    name: ClassVar[str] = "SqliteOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.sqlite.operators.sqlite",)
    summary: ClassVar[str] = "Runs SQL in SQLite (Airflow 2's name)"
    connection_argument: ClassVar[str] = "sqlite_conn_id"
    default_conn_id: ClassVar[str] = "sqlite_default"
    connection_types: ClassVar[tuple[str, ...]] = ("sqlite",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        Argument("sqlite_conn_id", default="sqlite_default", templated=True),
        *SQLExecuteQueryOperator.statements,
    )


class _OneQuery(SqlOperator):
    """Runs one query, whose first row it looks at."""

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        if isinstance(arguments["sql"], (list, tuple)):
            raise ArgumentError(f"{cls.name}: sql must be one text.")


class SQLCheckOperator(_OneQuery):
    """Fail unless the query gives a row, and all values in the first are true."""

    name: ClassVar[str] = "SQLCheckOperator"
    summary: ClassVar[str] = "Fails unless every value in a query's first row is true"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        _CONN_ID,
        _PARAMETERS,
        _DATABASE,
        _HOOK_PARAMS,
        _RETRY_ON_FAILURE,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        if hasattr(session, "dialect"):
            from tasks.operators.sql_statements import check_row
        else:
            from tasks.operators.sql_bigquery import check_row
        return check_row(self.values, session, context)


class SQLValueCheckOperator(_OneQuery):
    """Fail unless all values in the query's first row are what is expected."""

    name: ClassVar[str] = "SQLValueCheckOperator"
    summary: ClassVar[str] = "Fails unless a query's first row has the expected value"
    arguments: ClassVar[tuple[Argument, ...]] = (
        _SQL,
        *EXPECTED,
        _CONN_ID,
        _PARAMETERS,
        _DATABASE,
        _HOOK_PARAMS,
        _RETRY_ON_FAILURE,
    )

    def execute(self, session: Any, context: Context) -> TaskResult:
        if hasattr(session, "dialect"):
            from tasks.operators.sql_statements import check_value
        else:
            from tasks.operators.sql_bigquery import check_value
        return check_value(self.values, session, context)


class SqlSensor(Sensor):
    """Wait until the first cell that a query gives is true: not 0, empty or NULL."""

    name: ClassVar[str] = "SqlSensor"
    import_paths: ClassVar[tuple[str, ...]] = ("airflow.providers.common.sql.sensors.sql",)
    work: ClassVar[Work] = RUNS_SQL
    summary: ClassVar[str] = "Waits until a query's first cell is true"
    connection_argument: ClassVar[str] = "conn_id"
    connection_types: ClassVar[tuple[str, ...]] = (*DATABASES, *BIGQUERY)
    cancels: ClassVar[str] = "The query that runs is stopped, and it looks no more."
    arguments: ClassVar[tuple[Argument, ...]] = (
        _CONN_ID,
        _SQL,
        _PARAMETERS,
        Argument(
            "fail_on_empty",
            kind="boolean",
            default=False,
            label="Fail without a row",
            help="Else it goes on waiting where there is no row.",
        ),
        Argument("success", kind="any", supported=False, help="Write the condition in the SQL."),
        Argument("failure", kind="any", supported=False, help="Write the condition in the SQL."),
        Argument("selector", kind="any", supported=False, help="The first cell counts."),
        _HOOK_PARAMS,
        *Sensor.common,
    )

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        super().check(arguments)
        _check_parameters(cls.name, arguments.get("parameters"))
        if isinstance(arguments["sql"], (list, tuple)):
            raise ArgumentError(f"{cls.name}: sql must be one text.")

    def execute(self, session: Any, context: Context) -> TaskResult | None:
        if hasattr(session, "dialect"):
            from tasks.operators.sql_statements import look
        else:
            from tasks.operators.sql_bigquery import look
        return look(self.values, session, context)

    def cancel(self, session: Any, context: Context) -> str:
        if hasattr(session, "dialect"):
            return ""
        from tasks.operators.sql_bigquery import cancel_look

        return cancel_look(self.values, session, context)


OPERATORS_HERE = (
    SQLExecuteQueryOperator,
    SQLCheckOperator,
    SQLValueCheckOperator,
    SqlSensor,
    PostgresOperator,
    MySqlOperator,
    SqliteOperator,
)
