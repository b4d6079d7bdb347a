"""redshift: Amazon Redshift, by its own driver.

Names are those of Airflow's Amazon provider
(https://airflow.apache.org/docs/apache-airflow-providers-amazon/stable/connections/redshift.html);
every other extra goes to ``redshift_connector``.
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import is_on, needed, token_seconds
from connections.types.service_validators import hostname
from connections.types.standard import host, login, password, port, schema

SERVERLESS = "Serverless by IAM"

METHODS = (
    Method(
        "serverless",
        SERVERLESS,
        "Temporary credentials of a workgroup",
        needs=("iam", "is_serverless"),
    ),
    Method("iam", "Cluster by IAM", "Temporary credentials of a cluster", needs=("iam",)),
    Method("password", "Password", "User and password", needs=("password",)),
    Method("none", "Nothing here", "What the driver finds itself"),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    if is_on(values, "iam") and is_on(values, "is_serverless"):
        return needed(values, ("serverless_work_group",), method=SERVERLESS)
    return {}


REDSHIFT = ConnectionType(
    name="redshift",
    label="Amazon Redshift",
    category="Warehouse",
    description="Clusters and workgroups of Redshift",
    fields=(
        host(
            placeholder="reports.abc123.eu-west-1.redshift.amazonaws.com",
            help="The endpoint, without port and database.",
            check=hostname,
        ),
        port(placeholder="5439", default="5439"),
        schema(label="Database", placeholder="dev"),
        TypeField(
            "cluster_identifier",
            "Cluster",
            placeholder="reports",
            help="Empty: what stands before the first dot of the host.",
        ),
        login(label="User", placeholder="awsuser"),
        password(methods=("password",)),
        TypeField(
            "iam",
            "By IAM",
            kind="boolean",
            group="authentication",
            methods=("serverless", "iam"),
        ),
        TypeField(
            "is_serverless",
            "Serverless",
            kind="boolean",
            group="authentication",
            methods=("serverless",),
        ),
        TypeField(
            "serverless_work_group",
            "Workgroup",
            group="authentication",
            methods=("serverless",),
            placeholder="reports",
        ),
        TypeField(
            "serverless_token_duration_seconds",
            "Credentials last",
            kind="integer",
            group="authentication",
            methods=("serverless",),
            placeholder="3600",
            default="3600",
            help="Seconds, 900 to 3600.",
            check=token_seconds,
        ),
    ),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#amazon-redshift",
    check=_check,
)
