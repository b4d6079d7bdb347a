"""postgres: PostgreSQL, and what speaks its protocol.

Names are those of Airflow's Postgres provider
(https://airflow.apache.org/docs/apache-airflow-providers-postgres/stable/connections/postgres.html);
every other extra goes to libpq, by libpq's own name
(https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS).
"""

from __future__ import annotations

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import (
    connection_id,
    database_host,
    file_path,
    sqlalchemy_scheme,
)
from connections.types.standard import host, login, password, port, schema

_IAM_METHODS = ("iam", "redshift", "redshift_serverless", "entra")

METHODS = (
    Method(
        "entra",
        "Microsoft Entra ID",
        "A token got with an Azure connection",
        needs=("iam", "azure_conn_id"),
    ),
    Method(
        "redshift_serverless",
        "Redshift Serverless by IAM",
        "Temporary credentials of a workgroup",
        needs=("iam", "redshift-serverless"),
    ),
    Method(
        "redshift",
        "Redshift by IAM",
        "Temporary credentials of a cluster",
        needs=("iam", "redshift"),
    ),
    Method("iam", "AWS IAM", "A token for RDS, got with an AWS connection", needs=("iam",)),
    Method("password", "Password", "Login and password", needs=("password",)),
    Method("none", "No password", "A certificate, .pgpass, peer or trust"),
)

_TARGET = (
    host(
        placeholder="db.example.com",
        help="Several with commas. A path for a Unix socket. Empty for libpq's default.",
        check=database_host,
    ),
    port(placeholder="5432", default="5432"),
    schema(label="Database", placeholder="reports", help="Empty: the one named like the login."),
)

_AUTHENTICATION = (
    login(placeholder="reports"),
    password(methods=("password",)),
    TypeField("iam", "By a token", kind="boolean", group="authentication", methods=_IAM_METHODS),
    TypeField(
        "azure_conn_id",
        "Azure connection",
        group="authentication",
        methods=("entra",),
        placeholder="azure_default",
        help="The connection that gets the token.",
        check=connection_id,
    ),
    TypeField(
        "redshift", "A cluster", kind="boolean", group="authentication", methods=("redshift",)
    ),
    TypeField(
        "cluster-identifier",
        "Cluster",
        group="authentication",
        methods=("redshift",),
        placeholder="reports",
        help="Empty: what stands before the first dot of the host.",
    ),
    TypeField(
        "redshift-serverless",
        "A workgroup",
        kind="boolean",
        group="authentication",
        methods=("redshift_serverless",),
    ),
    TypeField(
        "workgroup-name",
        "Workgroup",
        group="authentication",
        methods=("redshift_serverless",),
        placeholder="reports",
        help="Empty: what stands before the first dot of the host.",
    ),
    TypeField(
        "aws_conn_id",
        "AWS connection",
        group="authentication",
        methods=("iam", "redshift", "redshift_serverless"),
        placeholder="aws_default",
        default="aws_default",
        help="The connection that gets the token.",
        check=connection_id,
    ),
)

_NETWORK = (
    TypeField(
        "sslmode",
        "SSL mode",
        group="network",
        choices=("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
        default="prefer",
        help="Only verify-full makes sure who answers.",
    ),
    TypeField(
        "sslrootcert",
        "Root certificate",
        group="network",
        placeholder="/etc/ssl/certs/ca.pem",
        help="A path on the worker, or system.",
        check=file_path,
    ),
    TypeField(
        "sslcert",
        "Client certificate",
        group="network",
        help="A path on the worker.",
        check=file_path,
    ),
    TypeField(
        "sslkey",
        "Client key",
        group="network",
        help="A path on the worker. Only its owner may read the file.",
        check=file_path,
    ),
)

_ADVANCED = (
    TypeField(
        "cursor",
        "Cursor",
        group="advanced",
        choices=("dictcursor", "realdictcursor", "namedtuplecursor"),
        help="What a row comes as. Empty for tuples.",
    ),
    TypeField(
        "sqlalchemy_scheme",
        "SQLAlchemy scheme",
        group="advanced",
        placeholder="postgresql+psycopg",
        check=sqlalchemy_scheme,
    ),
    TypeField(
        "sqlalchemy_query",
        "SQLAlchemy query",
        kind="json",
        group="advanced",
        help="Options for SQLAlchemy alone.",
    ),
)

POSTGRES = ConnectionType(
    name="postgres",
    label="PostgreSQL",
    category="Database",
    description="PostgreSQL, Aurora, AlloyDB, CockroachDB and others of its kind",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    hook="connections.hooks.postgres:PostgresHook",
    docs="docs/connection-types-cloud.md#postgresql",
)
