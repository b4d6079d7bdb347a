"""databricks: jobs and SQL warehouses of Databricks.

Names are those of Airflow's provider
(https://airflow.apache.org/docs/apache-airflow-providers-databricks/stable/connections/databricks.html).
Its ``host`` in extra has the name of the column: it stays an extra without a
field. ``use_default_azure_credential`` is read by its hook.
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import (
    connection_id,
    databricks_host,
    dotted_path,
    file_path,
    http_path,
    is_on,
    needed,
    seconds_of_token,
    tenant,
    uuid,
)
from connections.types.standard import host, login, password, port, schema
from connections.types.validators import http_url

ENTRA, OAUTH, KUBERNETES = "Microsoft Entra ID", "Service principal", "Kubernetes identity"
_FEDERATED = ("federated_k8s", "federated_aws", "federated_token_provider")
_LOGIN = ("login", "password")

METHODS = (
    Method("entra", ENTRA, "An application of Azure", needs=("azure_tenant_id",)),
    Method(
        "managed_identity",
        "Azure managed identity",
        "One that is assigned to the worker",
        needs=("use_azure_managed_identity",),
    ),
    Method(
        "default_azure",
        "Default Azure credential",
        "The worker's own identity in Azure",
        needs=("use_default_azure_credential",),
    ),
    Method(
        "service_principal",
        OAUTH,
        "OAuth client ID and secret of Databricks",
        needs=("service_principal_oauth",),
    ),
    Method("federated_k8s", KUBERNETES, "The pod's own token", needs=("federated_k8s",)),
    Method("federated_aws", "AWS identity", "By an AWS connection", needs=("federated_aws",)),
    Method(
        "federated_token_provider",
        "Token provider",
        "A function of yours",
        needs=("federated_token_provider",),
    ),
    Method(
        "password",
        "Personal access token",
        "Or, with a user, a password",
        needs=("password",),
    ),
    Method("token", "Token in extra", "Better kept as password", needs=("token",)),
    Method("none", "Nothing here", "What the worker is set up for"),
)

_TARGET = (
    host(
        label="Workspace",
        placeholder="dbc-1234abcd-56ef.cloud.databricks.com",
        help="Its host, or its URL.",
        check=databricks_host,
    ),
    port(placeholder="443"),
    schema(help="For SQL."),
    TypeField(
        "http_path",
        "HTTP path",
        placeholder="/sql/1.0/warehouses/ab12cd34ef56",
        help="For SQL: of the warehouse or cluster.",
        check=http_path,
    ),
)


def _flag(name: str, label: str) -> TypeField:
    """A boolean that says nothing but that its method is chosen."""
    methods = tuple(method.name for method in METHODS if name in method.needs)
    return TypeField(name, label, kind="boolean", group="authentication", methods=methods)


def _text(name: str, label: str, *methods: str, **declared: Any) -> TypeField:
    return TypeField(name, label, group="authentication", methods=methods, **declared)


_AUTHENTICATION = (
    login(
        label="User or client ID",
        help="Empty for a personal access token.",
    ),
    password(
        label="Token, password or client secret",
        methods=("password", "entra", "service_principal"),
    ),
    _text("token", "Token", "token", kind="secret", secret=True),
    _text("azure_tenant_id", "Tenant", "entra", check=tenant, placeholder="acme.onmicrosoft.com"),
    _text(
        "azure_resource_id",
        "Workspace's resource ID",
        "entra",
        "managed_identity",
        "default_azure",
        placeholder="/subscriptions/…/workspaces/reports",
        help="Only if the identity is no user of the workspace.",
    ),
    _text(
        "azure_ad_endpoint",
        "Entra's endpoint",
        "entra",
        check=http_url,
        help="Only in a separate cloud of Azure.",
    ),
    _flag("use_azure_managed_identity", "Managed identity"),
    _text(
        "azure_managed_identity_client_id",
        "Identity's client ID",
        "managed_identity",
        check=uuid,
        help="Empty for the one that the machine itself has.",
    ),
    _flag("use_default_azure_credential", "Default credential"),
    _flag("service_principal_oauth", "OAuth"),
    _flag("federated_k8s", "Kubernetes"),
    _flag("federated_aws", "AWS"),
    _text(
        "federated_token_provider",
        "Function",
        "federated_token_provider",
        placeholder="acme.tokens.fetch",
        check=dotted_path,
        help="Called on the worker; it returns a token.",
    ),
    _text("client_id", "Service principal's client ID", *_FEDERATED),
    _text("audience", "Audience", *_FEDERATED),
    _text(
        "expiration_seconds",
        "Token lasts",
        "federated_k8s",
        kind="integer",
        default="3600",
        help="Seconds.",
        check=seconds_of_token,
    ),
    _text("k8s_token_path", "Path of the pod's token", "federated_k8s", check=file_path),
    _text("k8s_namespace_path", "Path of the namespace", "federated_k8s", check=file_path),
    _text(
        "k8s_projected_volume_token_path",
        "Path of a projected token",
        "federated_k8s",
        check=file_path,
    ),
    _text(
        "aws_conn_id",
        "AWS connection",
        "federated_aws",
        placeholder="aws_default",
        check=connection_id,
    ),
    _text("aws_jwt_audience", "Audience of AWS's token", "federated_aws"),
    _text(
        "aws_web_identity_token_duration",
        "AWS's token lasts",
        "federated_aws",
        kind="integer",
        help="Seconds.",
        check=seconds_of_token,
    ),
)

_ADVANCED = (
    TypeField(
        "session_configuration",
        "Session configuration",
        kind="json",
        group="advanced",
        placeholder='{"TIMEZONE": "UTC"}',
        help="For SQL.",
    ),
    TypeField(
        "proxies",
        "Proxies",
        kind="json",
        group="network",
        placeholder='{"https": "http://proxy.example.com:3128"}',
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """What a method needs beside the field that chooses it."""
    if values["token"]:
        return {}
    if values["azure_tenant_id"]:
        return needed(values, _LOGIN, method=ENTRA)
    if is_on(values, "service_principal_oauth"):
        return needed(values, _LOGIN, method=OAUTH)
    if is_on(values, "federated_k8s"):
        return needed(values, ("client_id",), method=KUBERNETES)
    return {}


DATABRICKS = ConnectionType(
    name="databricks",
    label="Databricks",
    category="Warehouse",
    description="Jobs, clusters and SQL warehouses of Databricks",
    fields=(*_TARGET, *_AUTHENTICATION, *_ADVANCED),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#databricks",
    check=_check,
)
