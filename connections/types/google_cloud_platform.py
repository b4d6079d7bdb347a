"""google_cloud_platform: BigQuery and the other services of Google Cloud.

The names of the extras are those of Airflow's Google provider; ``api_endpoint``,
``storage_endpoint``, ``connect_timeout`` and ``read_timeout`` are Patchbay's own.
"""

from __future__ import annotations

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.validators import (
    absolute_path,
    credential_configuration,
    email_chain,
    google_project,
    http_url,
    retries,
    scopes,
    seconds,
    service_account_key,
)

DEFAULT_CONNECT_TIMEOUT = 10.0
DEFAULT_READ_TIMEOUT = 30.0
DEFAULT_NUM_RETRIES = 5
DEFAULT_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

METHODS = (
    Method(
        "key",
        "Service account key",
        "JSON key, pasted or dropped",
        needs=("keyfile_dict",),
    ),
    Method("key_path", "Key file", "A path on the worker", needs=("key_path",)),
    Method(
        "secret_manager",
        "Secret Manager",
        "The key is kept in Google's Secret Manager",
        needs=("key_secret_name",),
    ),
    Method(
        "identity_provider",
        "Identity provider",
        "Client credentials of your own OIDC provider",
        needs=("credential_config_file", "idp_issuer_url"),
    ),
    Method(
        "workload_identity",
        "Workload identity",
        "A credential configuration, no key at all",
        needs=("credential_config_file",),
    ),
    Method("anonymous", "Anonymous", "No credentials: an emulator", needs=("is_anonymous",)),
    Method("default", "Application default", "The worker's own identity"),
)

_TARGET = (
    TypeField(
        "project",
        "Project",
        placeholder="acme-reports",
        help="Jobs run, and are paid for, in this project.",
        check=google_project,
    ),
)

_AUTHENTICATION = (
    TypeField(
        "keyfile_dict",
        "Key JSON",
        kind="key_json",
        group="authentication",
        methods=("key",),
        secret=True,
        placeholder='{"type": "service_account", …}',
        help="The whole key file, as the console downloads it.",
        check=service_account_key,
    ),
    TypeField(
        "key_path",
        "Path of the key file",
        group="authentication",
        methods=("key_path",),
        placeholder="/run/secrets/google.json",
        help="Read by the worker when a session is opened.",
        check=absolute_path,
    ),
    TypeField(
        "key_secret_name",
        "Secret name",
        group="authentication",
        methods=("secret_manager",),
        help="The newest version of this secret must hold the key JSON.",
    ),
    TypeField(
        "key_secret_project_id",
        "Secret's project",
        group="authentication",
        methods=("secret_manager",),
        help="Empty for the project above.",
        check=google_project,
    ),
    TypeField(
        "credential_config_file",
        "Credential configuration",
        group="authentication",
        methods=("workload_identity", "identity_provider"),
        placeholder="/etc/patchbay/workload.json",
        help="The path of the file on the worker, or its JSON. It holds no secret.",
        check=credential_configuration,
    ),
    TypeField(
        "idp_issuer_url",
        "Issuer's token URL",
        group="authentication",
        methods=("identity_provider",),
        check=http_url,
        help="Where the client credentials are exchanged for a token.",
    ),
    TypeField("client_id", "Client ID", group="authentication", methods=("identity_provider",)),
    TypeField(
        "client_secret",
        "Client secret",
        kind="secret",
        group="authentication",
        methods=("identity_provider",),
        secret=True,
    ),
    TypeField(
        "idp_extra_parameters",
        "Extra parameters",
        kind="json",
        group="authentication",
        methods=("identity_provider",),
        placeholder='{"audience": "…"}',
        help="Sent to the token URL with the client's credentials. A JSON object.",
    ),
    TypeField(
        "is_anonymous", "Anonymous", kind="boolean", methods=("anonymous",), group="authentication"
    ),
)

_NETWORK = (
    TypeField(
        "api_endpoint",
        "API endpoint",
        group="network",
        placeholder="https://bigquery.googleapis.com",
        help="For an emulator or a private endpoint. Empty for Google's own.",
        check=http_url,
    ),
    TypeField(
        "storage_endpoint",
        "Storage endpoint",
        group="network",
        placeholder="https://storage.googleapis.com",
        help="The same for Cloud Storage.",
        check=http_url,
    ),
    TypeField(
        "connect_timeout",
        "Timeout to connect",
        kind="number",
        group="network",
        placeholder="10",
        help="Seconds.",
        check=seconds,
    ),
    TypeField(
        "read_timeout",
        "Timeout to answer",
        kind="number",
        group="network",
        placeholder="30",
        help="Seconds.",
        check=seconds,
    ),
)

_ADVANCED = (
    TypeField(
        "scope",
        "Scopes",
        group="advanced",
        placeholder=DEFAULT_SCOPE,
        help="OAuth scopes, separated by commas.",
        check=scopes,
    ),
    TypeField(
        "impersonation_chain",
        "Impersonation chain",
        group="advanced",
        placeholder="reports@acme.iam.gserviceaccount.com",
        help="Accounts to impersonate, separated by commas; the last is the target.",
        check=email_chain,
    ),
    TypeField(
        "quota_project_id",
        "Quota project",
        group="advanced",
        help="The project whose quota the calls use.",
        check=google_project,
    ),
    TypeField(
        "num_retries",
        "Retries",
        kind="integer",
        group="advanced",
        placeholder="5",
        help="How often a call that may pass next time is made again.",
        check=retries,
    ),
)

GOOGLE_CLOUD_PLATFORM = ConnectionType(
    name="google_cloud_platform",
    label="Google Cloud",
    category="Cloud",
    description="BigQuery and other services of Google Cloud",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    hook="connections.hooks.google_cloud_platform:GoogleCloudHook",
    docs="docs/connections.md#google-cloud",
    legacy_prefix="extra__google_cloud_platform__",
)
