"""snowflake: Snowflake.

Names and order are those of Airflow's provider
(https://airflow.apache.org/docs/apache-airflow-providers-snowflake/stable/connections/snowflake.html)
and of Snowflake's Python connector
(https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api).
The password means what the method makes of it: a password or programmatic
access token, a key's passphrase, or a client's secret.
"""

from __future__ import annotations

from typing import Any

from connections.types import key_material
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import (
    connection_id,
    file_path,
    snowflake_account,
    snowflake_authenticator,
)
from connections.types.key_material import encoded_private_key
from connections.types.service_validators import hostname
from connections.types.standard import login, password, schema
from connections.types.validators import http_url, port_number

_OAUTH = ("oauth_refresh", "oauth_client")

METHODS = (
    Method("key", "Key pair", "A private key, kept here", needs=("private_key_content",)),
    Method("key_file", "Key file", "A path on the worker", needs=("private_key_file",)),
    Method("oauth_refresh", "OAuth, refresh token", "Of a client", needs=("refresh_token",)),
    Method("entra", "Microsoft Entra ID", "By an Azure connection", needs=("azure_conn_id",)),
    Method(
        "workload_identity",
        "Workload identity",
        "The worker's own identity in a cloud",
        needs=("workload_identity_provider",),
    ),
    Method("oauth_client", "OAuth, client", "Client ID and secret", needs=("grant_type",)),
    Method("token", "Token", "OAuth or programmatic access", needs=("token",)),
    Method("token_file", "Token file", "A path on the worker", needs=("token_file_path",)),
    Method("password", "Password", "Or a programmatic access token", needs=("password",)),
    Method("browser", "Browser", "externalbrowser, or what the worker is set up for"),
)

_TARGET = (
    TypeField(
        "account",
        "Account",
        placeholder="acme-reports",
        help="What stands before .snowflakecomputing.com.",
        check=snowflake_account,
    ),
    TypeField("warehouse", "Warehouse", placeholder="REPORTS_WH"),
    TypeField("database", "Database", placeholder="REPORTS"),
    schema(label="Schema", placeholder="PUBLIC"),
    TypeField("role", "Role", placeholder="REPORTER", help="Empty for the user's default."),
    TypeField(
        "region",
        "Region",
        placeholder="eu-west-1",
        help="Only with an account locator, such as xy12345.",
    ),
)


def _secret(name: str, label: str, **declared: Any) -> TypeField:
    return TypeField(
        name,
        label,
        secret=True,
        **{"kind": "secret", "group": "authentication", **declared},
    )


_AUTHENTICATION = (
    TypeField(
        "authenticator",
        "Authenticator",
        group="authentication",
        choices=(
            "snowflake",
            "snowflake_jwt",
            "externalbrowser",
            "oauth",
            "username_password_mfa",
            "PROGRAMMATIC_ACCESS_TOKEN",
            "WORKLOAD_IDENTITY",
        ),
        is_open=True,
        default="snowflake",
        help="The connector's name of the way in, or the URL of your Okta.",
        check=snowflake_authenticator,
    ),
    login(label="User", placeholder="REPORTS", help="For OAuth, the client's ID."),
    password(
        label="Password, passphrase or client secret",
        methods=("password", "key", "key_file", *_OAUTH, "entra"),
        help="Of the user; of the private key; or of the OAuth client.",
    ),
    _secret(
        "private_key_content",
        "Private key",
        kind="pem",
        methods=("key",),
        placeholder="-----BEGIN ENCRYPTED PRIVATE KEY-----",
        help="PEM, or its base64. The passphrase goes above.",
    ),
    TypeField(
        "private_key_file",
        "Path of the private key",
        group="authentication",
        methods=("key_file",),
        placeholder="/run/secrets/snowflake.p8",
        help="Read by the worker. The passphrase goes above.",
        check=file_path,
    ),
    _secret("refresh_token", "Refresh token", methods=("oauth_refresh",)),
    TypeField(
        "grant_type",
        "Grant type",
        group="authentication",
        methods=("oauth_client", "oauth_refresh"),
        choices=("client_credentials", "refresh_token", "password"),
        is_open=True,
    ),
    TypeField(
        "token_endpoint",
        "Token endpoint",
        group="authentication",
        methods=_OAUTH,
        placeholder="https://idp.example.com/token",
        help="Empty for the account's own.",
        check=http_url,
    ),
    TypeField("scope", "Scope", group="authentication", methods=_OAUTH),
    TypeField("redirect_uri", "Redirect URI", group="authentication", methods=_OAUTH),
    TypeField(
        "oauth_username",
        "OAuth user",
        group="authentication",
        methods=_OAUTH,
        help="For the grant type password.",
    ),
    _secret("oauth_password", "OAuth password", methods=_OAUTH),
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
        "workload_identity_provider",
        "Identity provider",
        group="authentication",
        methods=("workload_identity",),
        choices=("AWS", "AZURE", "GCP", "OIDC"),
    ),
    _secret("token", "Token", methods=("token", "workload_identity")),
    TypeField(
        "token_file_path",
        "Path of the token",
        group="authentication",
        methods=("token_file", "workload_identity"),
        placeholder="/var/run/secrets/tokens/snowflake",
        help="Read by the worker.",
        check=file_path,
    ),
)

_NETWORK = (
    TypeField(
        "proxy_host",
        "Proxy",
        group="network",
        placeholder="proxy.example.com",
        check=hostname,
    ),
    TypeField("proxy_port", "Proxy's port", kind="integer", group="network", check=port_number),
    TypeField("proxy_user", "Proxy's user", group="network"),
    _secret("proxy_password", "Proxy's password", group="network"),
    TypeField(
        "insecure_mode",
        "Don't ask whether certificates are revoked",
        kind="boolean",
        group="network",
    ),
    TypeField(
        "ocsp_fail_open",
        "Go on if that can't be asked",
        kind="boolean",
        group="network",
    ),
)

_ADVANCED = (
    TypeField(
        "session_parameters",
        "Session parameters",
        kind="json",
        group="advanced",
        placeholder='{"QUERY_TAG": "reports"}',
    ),
    TypeField("client_request_mfa_token", "Keep the MFA token", kind="boolean", group="advanced"),
    TypeField(
        "client_store_temporary_credential",
        "Keep the browser's token",
        kind="boolean",
        group="advanced",
    ),
    TypeField(
        "json_result_force_utf8_decoding",
        "Read JSON results as UTF-8",
        kind="boolean",
        group="advanced",
    ),
)

_ABOUT_PASSPHRASE = (key_material.ENCRYPTED, key_material.NOT_OPENED, key_material.NOT_ENCRYPTED)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """The key is looked at together with its passphrase, as Airflow's hook takes both."""
    if not values["private_key_content"]:
        return {}
    passphrase = (values["password"] or "").strip()
    words = encoded_private_key(values["private_key_content"], passphrase)
    if not words:
        return {}
    return {"password" if words in _ABOUT_PASSPHRASE else "private_key_content": words}


SNOWFLAKE = ConnectionType(
    name="snowflake",
    label="Snowflake",
    category="Warehouse",
    description="Warehouses and databases in Snowflake",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#snowflake",
    legacy_prefix="extra__snowflake__",
    check=_check,
)
