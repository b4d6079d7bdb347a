"""mysql: MySQL, MariaDB and what speaks their protocol.

Names are those of Airflow's MySQL provider
(https://airflow.apache.org/docs/apache-airflow-providers-mysql/stable/connections/mysql.html).
"""

from __future__ import annotations

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import connection_id, file_path
from connections.types.service_validators import hostname
from connections.types.standard import host, login, password, port, schema

METHODS = (
    Method("iam", "AWS IAM", "A token for RDS, got with an AWS connection", needs=("iam",)),
    Method("password", "Password", "Login and password", needs=("password",)),
    Method("none", "No password", "A socket, or an account without one"),
)

MYSQL = ConnectionType(
    name="mysql",
    label="MySQL",
    category="Database",
    description="MySQL, MariaDB, Aurora and others of their kind",
    fields=(
        host(placeholder="db.example.com", help="Empty for the worker itself.", check=hostname),
        port(placeholder="3306", default="3306"),
        schema(label="Database", placeholder="reports"),
        login(placeholder="reports"),
        password(methods=("password",)),
        TypeField("iam", "By a token", kind="boolean", group="authentication", methods=("iam",)),
        TypeField(
            "aws_conn_id",
            "AWS connection",
            group="authentication",
            methods=("iam",),
            placeholder="aws_default",
            default="aws_default",
            help="The connection that gets the token.",
            check=connection_id,
        ),
        TypeField(
            "ssl_mode",
            "SSL mode",
            group="network",
            choices=("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"),
            help="Only VERIFY_IDENTITY makes sure who answers.",
        ),
        TypeField(
            "ssl",
            "SSL files",
            kind="json",
            group="network",
            placeholder='{"ca": "/etc/ssl/ca.pem", "cert": "…", "key": "…"}',
            help="Paths on the worker.",
        ),
        TypeField(
            "unix_socket",
            "Unix socket",
            group="network",
            placeholder="/var/run/mysqld/mysqld.sock",
            help="In place of host and port.",
            check=file_path,
        ),
        TypeField("charset", "Character set", group="advanced", placeholder="utf8mb4"),
        TypeField(
            "cursor",
            "Cursor",
            group="advanced",
            choices=("sscursor", "dictcursor", "ssdictcursor"),
            is_open=True,
            help="What a row comes as. Empty for tuples.",
        ),
        TypeField(
            "client",
            "Client library",
            group="advanced",
            choices=("mysqlclient", "mysql-connector-python", "pymysql"),
            default="mysqlclient",
            help="pymysql counts for SQLAlchemy alone.",
        ),
    ),
    methods=METHODS,
    hook="connections.hooks.mysql:MysqlHook",
    docs="docs/connection-types-cloud.md#mysql",
)
