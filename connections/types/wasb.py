"""wasb: Azure Blob Storage.

Names and order are those of Airflow's hook for it
(https://airflow.apache.org/docs/apache-airflow-providers-microsoft-azure/stable/connections/wasb.html):
what it finds first, it takes. ``account_key`` is one more place that it looks at.
"""

from __future__ import annotations

from typing import Any

from connections.types.azure import DEFAULT, IDENTITY_FIELDS, MANAGED_IDENTITY, WORKLOAD_IDENTITY
from connections.types.azure_validators import (
    account_key,
    account_url,
    connection_string,
    sas_token,
)
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import needed, tenant
from connections.types.standard import host, login, password

METHODS = (
    Method(
        "connection_string",
        "Connection string",
        "As the portal shows it",
        needs=("connection_string",),
    ),
    Method(
        "service_principal",
        "Service principal",
        "Client ID, secret and tenant",
        needs=("tenant_id",),
    ),
    Method("shared_access_key", "Shared key", "The account's key", needs=("shared_access_key",)),
    Method("sas_token", "SAS token", "Limited in time and rights", needs=("sas_token",)),
    Method("account_key", "Account key", "The account's key as password", needs=("password",)),
    WORKLOAD_IDENTITY,
    MANAGED_IDENTITY,
    DEFAULT,
)


def _secret(name: str, label: str, **declared: Any) -> TypeField:
    return TypeField(name, label, kind="secret", group="authentication", secret=True, **declared)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """The password is a client's secret with a tenant, and an account's key without."""
    if values["connection_string"]:
        return {}
    if values["tenant_id"]:
        return needed(values, ("login", "password"), method="Service principal")
    words = account_key(values["password"]) if values["password"] else ""
    return {"password": words} if words else {}


WASB = ConnectionType(
    name="wasb",
    label="Azure Blob Storage",
    category="Storage",
    description="Containers and blobs in a storage account of Azure",
    fields=(
        host(
            label="Account URL",
            placeholder="https://acme.blob.core.windows.net",
            help="Or the account's name alone. A connection string holds it already.",
            check=account_url,
        ),
        login(
            label="Account name or client ID",
            placeholder="acme",
            help="The storage account; for a service principal, its client ID.",
        ),
        password(
            label="Account key or client secret",
            methods=("account_key", "service_principal"),
        ),
        _secret(
            "connection_string",
            "Connection string",
            methods=("connection_string",),
            placeholder="DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…",
            check=connection_string,
        ),
        TypeField(
            "tenant_id",
            "Tenant",
            group="authentication",
            methods=("service_principal",),
            placeholder="acme.onmicrosoft.com",
            help="Its ID, or its domain.",
            check=tenant,
        ),
        _secret(
            "shared_access_key",
            "Shared key",
            methods=("shared_access_key",),
            help="One of the account's two access keys.",
            check=account_key,
        ),
        _secret(
            "sas_token",
            "SAS token",
            methods=("sas_token",),
            placeholder="?sv=…&sig=…",
            help="The token, or the whole URL that ends with it.",
            check=sas_token,
        ),
        *IDENTITY_FIELDS,
        TypeField(
            "account_key",
            "Account key in extra",
            kind="secret",
            group="advanced",
            secret=True,
            help="Counts only where nothing else is set.",
            check=account_key,
        ),
    ),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#azure-blob-storage",
    legacy_prefix="extra__wasb__",
    check=_check,
)
