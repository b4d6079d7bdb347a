"""postgres, mysql, mssql, sqlite and redshift: their methods, and the words for what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.connections.types.cloud_examples import both_set, errors_of, needed


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("postgres", {"login": "a", "password": "p", "host": "db", "port": 5432, "schema": "r"}),
        ("postgres", {"iam": True, "aws_conn_id": "aws_default"}),
        ("postgres", {"iam": True, "azure_conn_id": "azure_default"}),
        ("postgres", {"iam": True, "redshift": True, "cluster-identifier": "c"}),
        ("postgres", {"iam": True, "redshift-serverless": True, "workgroup-name": "w"}),
        ("postgres", {"sslmode": "verify-full", "sslrootcert": "system", "sslcert": "/c.pem"}),
        ("postgres", {"sqlalchemy_scheme": "postgresql+psycopg", "sqlalchemy_query": {"a": "b"}}),
        ("mysql", {"login": "a", "password": "p"}),
        ("mysql", {"iam": True, "aws_conn_id": "aws_default"}),
        ("mysql", {"unix_socket": "/run/mysqld.sock", "ssl_mode": "VERIFY_CA"}),
        ("mysql", {"client": "mysql-connector-python", "cursor": "dictcursor"}),
        ("mssql", {"login": "ACME\\ann", "password": "p", "host": "sql\\SQLEXPRESS"}),
        ("mssql", {"host": "acme.database.windows.net", "tds_version": "7.3"}),
        ("sqlite", {"host": ":memory:"}),
        ("sqlite", {"host": "file:/var/reports.db?mode=ro"}),
        ("sqlite", {"host": "reports.db"}),
        (
            "redshift",
            {"login": "a", "password": "p", "host": "c.x.eu-west-1.redshift.amazonaws.com"},
        ),
        ("redshift", {"iam": True, "cluster_identifier": "c", "login": "awsuser"}),
        ("redshift", {"iam": True, "is_serverless": True, "serverless_work_group": "w"}),
    ],
)
def test_each_method_is_right_by_itself(name: str, values: dict[str, Any]) -> None:
    assert errors_of(name, values) == {}


@pytest.mark.parametrize(
    ("name", "values", "errors"),
    [
        ("postgres", {"iam": True, "password": "p"}, {"password": both_set("Password", "AWS IAM")}),
        (
            "postgres",
            {"redshift": True, "password": "p"},
            {"redshift": both_set("Redshift by IAM", "Password")},
        ),
        ("postgres", {"redshift": True}, {"iam": needed("Redshift by IAM")}),
        (
            "postgres",
            {"iam": True, "azure_conn_id": "a", "redshift": True},
            {"redshift": both_set("Redshift by IAM", "Microsoft Entra ID")},
        ),
        (
            "postgres",
            {"iam": True, "redshift": True, "redshift-serverless": True},
            {"redshift": both_set("Redshift by IAM", "Redshift Serverless by IAM")},
        ),
        (
            "postgres",
            {"azure_conn_id": "a"},
            {"iam": needed("Microsoft Entra ID")},
        ),
        ("mysql", {"iam": True, "password": "p"}, {"password": both_set("Password", "AWS IAM")}),
        ("mysql", {"aws_conn_id": "a"}, {"iam": needed("AWS IAM")}),
        (
            "redshift",
            {"iam": True, "password": "p"},
            {"password": both_set("Password", "Cluster by IAM")},
        ),
        (
            "redshift",
            {"iam": True, "is_serverless": True},
            {"serverless_work_group": needed("Serverless by IAM")},
        ),
        ("redshift", {"is_serverless": True}, {"iam": needed("Serverless by IAM")}),
    ],
)
def test_methods_that_are_mixed_or_not_whole_are_refused(
    name: str, values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of(name, values) == errors


@pytest.mark.parametrize("name", ["postgres", "mysql", "mssql", "redshift"])
@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("db:5432", "The host alone: the port has a field of its own."),
        ("postgresql://db", "The host alone: leave out the scheme"),
        ("db/reports", "The host alone: leave out the path."),
        ("ann:tulip@db", "The host alone: user name and password have fields of their own."),
        ("two words", "A host name without spaces."),
        ("-db", "A host name such as db.example.com"),
        ("300.1.1.1", "A host name such as"),
    ],
)
def test_a_malformed_host_is_told_apart(name: str, host: str, words: str) -> None:
    errors = errors_of(name, host=host)
    assert list(errors) == ["host"]
    assert errors["host"].startswith(words)
    assert "tulip" not in errors["host"]


@pytest.mark.parametrize("name", ["postgres", "mysql", "mssql", "redshift"])
def test_hosts_in_every_form_are_right(name: str) -> None:
    for host in ("db", "db.example.com", "my_db", "10.0.0.1", "::1", "DB.EXAMPLE.COM."):
        assert errors_of(name, host=host) == {}


def test_what_only_one_kind_of_database_takes_for_a_host() -> None:
    assert errors_of("postgres", host="a.example.com,b.example.com") == {}
    assert list(errors_of("postgres", host="a.example.com,b:5432")) == ["host"]
    assert errors_of("postgres", host="/var/run/postgresql") == {}
    assert list(errors_of("postgres", host="/var run")) == ["host"]
    assert list(errors_of("mysql", host="/var/run/mysqld")) == ["host"]
    assert errors_of("mssql", host="(local)\\SQL$1") == {}
    words = errors_of("mssql", host="sql\\a b")["host"]
    assert words.startswith("An instance's name comes after the \\")
    assert errors_of("mssql", host="sql,1433")["host"].startswith("The host alone: the port")


@pytest.mark.parametrize(
    ("name", "field", "value", "words"),
    [
        ("postgres", "sslrootcert", "-----BEGIN CERTIFICATE-----", "The path of the file"),
        ("postgres", "sslkey", "/a\n/b", "A path without line ends."),
        ("postgres", "sqlalchemy_scheme", "postgresql://", "A name such as"),
        ("mssql", "sqlalchemy_scheme", "mssql://", "A name such as"),
        ("mysql", "unix_socket", "a\nb", "A path without line ends."),
        ("sqlite", "host", "sqlite:////tmp/x.db", "The path alone: leave out sqlite://."),
        ("sqlite", "host", "https://x/y.db", "A path, or a URI that begins with file:."),
        ("sqlite", "host", "file://server/x.db", "A URI of a file names no host"),
        ("sqlite", "host", "file:", "The path is missing after file:."),
        ("sqlite", "host", "/var/lib/", "This is a folder"),
        ("sqlite", "host", " /tmp/x.db", "There is space before or after it."),
    ],
)
def test_a_malformed_value_is_refused(name: str, field: str, value: str, words: str) -> None:
    errors = errors_of(name, {field: value})
    assert list(errors) == [field]
    assert errors[field].startswith(words)


def test_the_ids_of_other_connections_are_checked() -> None:
    words = "The ID of another connection: letters, digits, dashes, dots and underscores."
    assert errors_of("postgres", iam=True, aws_conn_id="a b") == {"aws_conn_id": words}
    assert errors_of("mysql", iam=True, aws_conn_id="a/b") == {"aws_conn_id": words}


@pytest.mark.parametrize("seconds", [899, 3601, 0])
def test_redshifts_credentials_last_between_15_minutes_and_an_hour(seconds: int) -> None:
    serverless = {"iam": True, "is_serverless": True, "serverless_work_group": "w"}
    name = "serverless_token_duration_seconds"
    assert errors_of("redshift", {**serverless, name: seconds}) == {
        name: "From 900 to 3600 seconds."
    }
    assert errors_of("redshift", {**serverless, name: "900"}) == {}
