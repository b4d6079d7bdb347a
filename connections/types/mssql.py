"""mssql: Microsoft SQL Server and Azure SQL.

Names are those of Airflow's provider
(https://airflow.apache.org/docs/apache-airflow-providers-microsoft-mssql/stable/connections/mssql.html);
every other extra goes to pymssql.
"""

from __future__ import annotations

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import sql_server_host, sqlalchemy_scheme
from connections.types.standard import host, login, password, port, schema

METHODS = (
    Method("password", "Password", "Login and password", needs=("password",)),
    Method("none", "No password", "Kerberos, or the worker's own account"),
)

MSSQL = ConnectionType(
    name="mssql",
    label="Microsoft SQL Server",
    category="Database",
    description="SQL Server, Azure SQL and Synapse",
    fields=(
        host(
            placeholder="sql.example.com",
            help="With an instance: server\\INSTANCE.",
            check=sql_server_host,
        ),
        port(placeholder="1433", default="1433"),
        schema(label="Database", placeholder="reports"),
        login(placeholder="reports", help="For an account of a domain: DOMAIN\\name."),
        password(methods=("password",)),
        TypeField(
            "sqlalchemy_scheme",
            "SQLAlchemy scheme",
            group="advanced",
            placeholder="mssql+pymssql",
            default="mssql+pymssql",
            check=sqlalchemy_scheme,
        ),
    ),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#microsoft-sql-server",
)
