"""azure: the services of Microsoft Azure that take a subscription.

Names are those of Airflow's Azure base hook
(https://airflow.apache.org/docs/apache-airflow-providers-microsoft-azure/stable/connections/azure.html).
"""

from __future__ import annotations

from connections.types.azure_validators import auth_file, auth_file_path
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import tenant, uuid
from connections.types.standard import login, password

WORKLOAD_IDENTITY = Method(
    "workload_identity",
    "Workload identity",
    "A federated identity of the worker",
    needs=("workload_identity_tenant_id",),
)
MANAGED_IDENTITY = Method(
    "managed_identity",
    "Managed identity",
    "One that is assigned to the worker",
    needs=("managed_identity_client_id",),
)
DEFAULT = Method("default", "Default credential", "The worker's own identity or environment")

IDENTITY_FIELDS = (
    TypeField(
        "managed_identity_client_id",
        "Identity's client ID",
        group="authentication",
        methods=("managed_identity", "workload_identity"),
        placeholder="72f988bf-86f1-41af-91ab-2d7cd011db47",
        help="Of the identity that the worker takes.",
        check=uuid,
    ),
    TypeField(
        "workload_identity_tenant_id",
        "Identity's tenant",
        group="authentication",
        methods=("workload_identity",),
        help="Where the workload identity lives.",
        check=tenant,
    ),
)

METHODS = (
    Method(
        "service_principal",
        "Service principal",
        "Client ID, secret and tenant",
        needs=("login", "password", "tenantId"),
    ),
    Method("key_path", "Authentication file", "A path on the worker", needs=("key_path",)),
    Method("key_json", "Authentication JSON", "The same file, kept here", needs=("key_json",)),
    WORKLOAD_IDENTITY,
    MANAGED_IDENTITY,
    DEFAULT,
)

AZURE = ConnectionType(
    name="azure",
    label="Microsoft Azure",
    category="Cloud",
    description="Data Factory, Container Instances and other services of Azure",
    fields=(
        TypeField(
            "subscriptionId",
            "Subscription ID",
            placeholder="72f988bf-86f1-41af-91ab-2d7cd011db47",
            help="What is made and used belongs to this subscription.",
            check=uuid,
        ),
        TypeField(
            "tenantId",
            "Tenant",
            placeholder="acme.onmicrosoft.com",
            help="Its ID, or its domain.",
            check=tenant,
        ),
        login(
            label="Client ID",
            methods=("service_principal",),
            placeholder="72f988bf-86f1-41af-91ab-2d7cd011db47",
            help="Of the application that the service principal belongs to.",
            check=uuid,
        ),
        password(
            label="Client secret",
            methods=("service_principal",),
            help="The secret's value, not its ID.",
        ),
        TypeField(
            "key_path",
            "Path of the file",
            group="authentication",
            methods=("key_path",),
            placeholder="/run/secrets/azure.json",
            help="Read by the worker when a session is opened.",
            check=auth_file_path,
        ),
        TypeField(
            "key_json",
            "Authentication JSON",
            kind="key_json",
            group="authentication",
            methods=("key_json",),
            secret=True,
            placeholder='{"clientId": "…", "clientSecret": "…", "tenantId": "…"}',
            help="The whole authentication file.",
            check=auth_file,
        ),
        *IDENTITY_FIELDS,
        TypeField(
            "cloud_environment",
            "Cloud",
            group="advanced",
            choices=("AzurePublicCloud", "AzureUSGovernment", "AzureChinaCloud"),
            default="AzurePublicCloud",
            help="Which of Azure's separate clouds.",
        ),
    ),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#microsoft-azure",
    legacy_prefix="extra__azure__",
)
