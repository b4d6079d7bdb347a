"""Airflow's hooks by their classes: thin ones, over the sessions that Patchbay's hooks open."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar

from tasks.dagfiles.authoring.connecting import BaseHook, Connection


class DbApiHook(BaseHook):
    """SQL by a DB-API connection (PEP 249)."""

    def configure(self, *, logger_name: str | None = None, **other: Any) -> None:
        database = other.pop("database", None) or other.pop("schema", None)
        if other:
            raise TypeError(f"{type(self).__name__} has no argument {next(iter(other))!r} here.")
        self.database: str | None = database

    def get_conn(self) -> Any:
        session = self.session
        if self.database:
            session.use(self.database)
        return session.connection

    def get_cursor(self) -> Any:
        return self.get_conn().cursor()

    def get_records(self, sql: str | list[str], parameters: Any = None) -> Any:
        return self.run(sql, parameters=parameters, handler=lambda cursor: cursor.fetchall())

    def get_first(self, sql: str | list[str], parameters: Any = None) -> Any:
        return self.run(sql, parameters=parameters, handler=lambda cursor: cursor.fetchone())

    def get_pandas_df(self, sql: str, parameters: Any = None, **more: Any) -> Any:
        pandas = import_module("pandas")
        return pandas.read_sql(sql, self.get_conn(), params=parameters, **more)

    def run(
        self,
        sql: str | Iterable[str],
        autocommit: bool = False,
        parameters: Any = None,
        handler: Callable[[Any], Any] | None = None,
    ) -> Any:
        """Run statements in one transaction; return what ``handler`` makes of the last cursor."""
        connection = self.get_conn()
        self.session.begin(autocommit=autocommit)
        result = None
        try:
            for statement in [sql] if isinstance(sql, str) else sql:
                cursor = connection.cursor()
                try:
                    arguments = (statement,) if parameters is None else (statement, parameters)
                    cursor.execute(*arguments)
                    result = handler(cursor) if handler else None
                finally:
                    cursor.close()
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise
        return result

    def insert_rows(
        self,
        table: str,
        rows: Iterable[Sequence[Any]],
        target_fields: Sequence[str] | None = None,
        commit_every: int = 1000,
    ) -> None:
        """Insert rows, committing after each ``commit_every`` of them; 0 commits once."""
        connection = self.get_conn()
        self.session.begin(autocommit=False)
        columns = f" ({', '.join(target_fields)})" if target_fields else ""
        cursor = connection.cursor()
        try:
            for number, row in enumerate(rows, start=1):
                places = ", ".join([self.placeholder] * len(row))
                cursor.execute(f"INSERT INTO {table}{columns} VALUES ({places})", tuple(row))  # noqa: S608 - as Airflow does it
                if commit_every and number % commit_every == 0:
                    self.session.commit()
                    self.session.begin(autocommit=False)
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise
        finally:
            cursor.close()

    placeholder: ClassVar[str] = "%s"


class PostgresHook(DbApiHook):
    conn_name_attr: ClassVar[str] = "postgres_conn_id"
    default_conn_name: ClassVar[str] = "postgres_default"
    conn_types: ClassVar[tuple[str, ...]] = ("postgres", "redshift")


class MySqlHook(DbApiHook):
    conn_name_attr: ClassVar[str] = "mysql_conn_id"
    default_conn_name: ClassVar[str] = "mysql_default"
    conn_types: ClassVar[tuple[str, ...]] = ("mysql",)


class SqliteHook(DbApiHook):
    conn_name_attr: ClassVar[str] = "sqlite_conn_id"
    default_conn_name: ClassVar[str] = "sqlite_default"
    conn_types: ClassVar[tuple[str, ...]] = ("sqlite",)
    placeholder: ClassVar[str] = "?"


GOOGLE = ("google_cloud_platform", "gcpbigquery")


class BigQueryHook(BaseHook):
    """BigQuery by Google's own client."""

    conn_name_attr: ClassVar[str] = "gcp_conn_id"
    default_conn_name: ClassVar[str] = "google_cloud_default"
    conn_types: ClassVar[tuple[str, ...]] = GOOGLE

    def configure(
        self,
        *,
        logger_name: str | None = None,
        use_legacy_sql: bool = False,
        location: str | None = None,
    ) -> None:
        self.use_legacy_sql = use_legacy_sql
        self.location = location

    def get_client(self, project_id: str | None = None, location: str | None = None) -> Any:
        """``google.cloud.bigquery.Client``; the project and place are the connection's."""
        client = self.session.bigquery
        if project_id:
            client.project = project_id
        if location or self.location:
            client._location = location or self.location
        return client

    def get_conn(self) -> Any:
        return self.get_client()

    def get_records(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in self._rows(sql)]

    def get_first(self, sql: str) -> tuple[Any, ...] | None:
        return next((tuple(row.values()) for row in self._rows(sql)), None)

    def get_pandas_df(self, sql: str) -> Any:
        return self.get_client().query(sql).to_dataframe()

    def _rows(self, sql: str) -> Iterable[Any]:
        from google.cloud.bigquery import QueryJobConfig

        configuration = QueryJobConfig(use_legacy_sql=self.use_legacy_sql)
        rows: Iterable[Any] = self.get_client().query(sql, job_config=configuration).result()
        return rows


class GCSHook(BaseHook):
    """Google Cloud Storage; ``get_conn`` gives Patchbay's own client."""

    conn_name_attr: ClassVar[str] = "gcp_conn_id"
    default_conn_name: ClassVar[str] = "google_cloud_default"
    conn_types: ClassVar[tuple[str, ...]] = GOOGLE

    def get_conn(self) -> Any:
        return self.session.storage


class S3Hook(BaseHook):
    """Amazon S3, by Amazon's own client (boto3)."""

    conn_name_attr: ClassVar[str] = "aws_conn_id"
    default_conn_name: ClassVar[str] = "aws_default"
    conn_types: ClassVar[tuple[str, ...]] = ("aws",)

    def get_conn(self) -> Any:
        return self.session.s3

    def read_key(self, key: str, bucket_name: str) -> str:
        content: bytes = self.get_conn().get_object(Bucket=bucket_name, Key=key)["Body"].read()
        return content.decode()

    def load_string(
        self, string_data: str, key: str, bucket_name: str, replace: bool = False
    ) -> None:
        if not replace and self.check_for_key(key, bucket_name):
            raise ValueError(f"The key {key} already exists.")
        self.get_conn().put_object(Bucket=bucket_name, Key=key, Body=string_data.encode())

    def check_for_key(self, key: str, bucket_name: str) -> bool:
        return key in self.list_keys(bucket_name, prefix=key)

    def list_keys(self, bucket_name: str, prefix: str = "") -> list[str]:
        pages = self.get_conn().get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=bucket_name, Prefix=prefix)
        return [each["Key"] for page in found for each in page.get("Contents", [])]


class HttpAnswer:
    """What a service answered, by the names that the library requests has."""

    def __init__(self, answer: Any) -> None:
        self.status_code: int = answer.status
        self.reason: str = answer.reason
        self.url: str = answer.url
        self.text: str = answer.text
        self.headers: Mapping[str, str] = answer.headers

    @property
    def ok(self) -> bool:
        return self.status_code < 400

    @property
    def content(self) -> bytes:
        return self.text.encode()

    def json(self) -> Any:
        return json.loads(self.text)


class HttpHook(BaseHook):
    """Calls of an HTTP service."""

    conn_name_attr: ClassVar[str] = "http_conn_id"
    default_conn_name: ClassVar[str] = "http_default"
    conn_types: ClassVar[tuple[str, ...]] = ("http",)

    def __init__(self, method: str = "POST", http_conn_id: str | None = None, **given: Any) -> None:
        self.method = method.upper()
        super().__init__(given.pop("conn_id", None) or http_conn_id, **given)

    def run(
        self,
        endpoint: str | None = None,
        data: Any = None,
        headers: dict[str, Any] | None = None,
        extra_options: dict[str, Any] | None = None,
        **more: Any,
    ) -> HttpAnswer:
        """As in Airflow: ``data`` of a GET goes into the address. 400 and more is a failure."""
        session = self.session
        if data is not None:
            more["params" if self.method == "GET" else "data"] = data
        options = session.options.with_extra(extra_options or {})
        return HttpAnswer(
            session.request(self.method, endpoint, headers=headers, options=options, **more)
        )


#: By the connection's type.
HOOKS: dict[str, type[BaseHook]] = {
    "postgres": PostgresHook,
    "mysql": MySqlHook,
    "sqlite": SqliteHook,
    "gcpbigquery": BigQueryHook,
    "google_cloud_platform": BigQueryHook,
    "aws": S3Hook,
    "http": HttpHook,
}


def hook_for(conn_id: str, hook_params: dict[str, Any] | None = None) -> BaseHook:
    """The hook that fits the connection's type."""
    kind = HOOKS.get(Connection.get(conn_id).conn_type, BaseHook)
    return kind(conn_id, **(hook_params or {}))


_BASE = {"BaseHook": BaseHook}
#: What can be imported from where.
MODULES: dict[str, dict[str, Any]] = {
    "airflow.hooks.base": _BASE,
    "airflow.models": {"Connection": Connection},
    "airflow.models.connection": {"Connection": Connection},
    "airflow.sdk": {**_BASE, "Connection": Connection},
    "airflow.sdk.bases.hook": _BASE,
    "airflow.providers.amazon.aws.hooks.s3": {"S3Hook": S3Hook},
    "airflow.providers.google.cloud.hooks.bigquery": {"BigQueryHook": BigQueryHook},
    "airflow.providers.google.cloud.hooks.gcs": {"GCSHook": GCSHook},
    "airflow.providers.http.hooks.http": {"HttpHook": HttpHook},
    "airflow.providers.mysql.hooks.mysql": {"MySqlHook": MySqlHook},
    "airflow.providers.postgres.hooks.postgres": {"PostgresHook": PostgresHook},
    "airflow.providers.sqlite.hooks.sqlite": {"SqliteHook": SqliteHook},
}
