"""snowflake, databricks and trino: their methods, and the words for what is wrong."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from connections.types import key_material
from tests.connections.types.cloud_examples import UUID, both_set, errors_of, needed
from tests.connections.types.service_examples import PASSPHRASE, private_key

# Snowflake


@pytest.mark.parametrize(
    "values",
    [
        {"account": "acme-reports", "login": "ann", "password": "p", "schema": "PUBLIC"},
        {"private_key_content": private_key()},
        {"private_key_content": private_key(PASSPHRASE), "password": PASSPHRASE},
        {"private_key_content": private_key(PASSPHRASE), "password": f" {PASSPHRASE}\n"},
        {"private_key_content": private_key().replace("\n", "\r\n")},
        {"private_key_content": base64.b64encode(private_key().encode()).decode()},
        {"private_key_file": "/run/key.p8", "password": "p", "authenticator": "SNOWFLAKE_JWT"},
        {"refresh_token": "t", "login": "client", "password": "s", "authenticator": "oauth"},
        {"refresh_token": "t", "grant_type": "refresh_token", "scope": "s"},
        {"grant_type": "client_credentials", "token_endpoint": "https://idp/t", "password": "s"},
        {"grant_type": "password", "oauth_username": "ann", "oauth_password": "p"},
        {"azure_conn_id": "azure_default", "authenticator": "oauth"},
        {"workload_identity_provider": "aws", "authenticator": "WORKLOAD_IDENTITY"},
        {"workload_identity_provider": "OIDC", "token_file_path": "/run/token"},
        {"token": "t", "authenticator": "oauth"},
        {"token_file_path": "/run/token"},
        {"authenticator": "externalbrowser", "login": "ann"},
        {"authenticator": "https://acme.okta.com", "password": "p"},
        {"account": "xy12345.eu-west-1.privatelink", "region": "eu-west-1"},
    ],
)
def test_each_method_of_snowflake_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("snowflake", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {"private_key_content": private_key(), "private_key_file": "/k.p8"},
            {"private_key_file": both_set("Key file", "Key pair")},
        ),
        (
            {"private_key_content": private_key(), "refresh_token": "t"},
            {"refresh_token": both_set("OAuth, refresh token", "Key pair")},
        ),
        (
            {"token": "t", "password": "p"},
            {"password": both_set("Password", "Token")},
        ),
        (
            {"workload_identity_provider": "AWS", "password": "p"},
            {"password": both_set("Password", "Workload identity")},
        ),
        ({"oauth_password": "p"}, {"refresh_token": needed("OAuth, refresh token")}),
        ({"private_key_content": private_key(PASSPHRASE)}, {"password": key_material.ENCRYPTED}),
        (
            {"private_key_content": private_key(PASSPHRASE), "password": "rose"},
            {"password": key_material.NOT_OPENED},
        ),
        (
            {"private_key_content": private_key(), "password": "rose"},
            {"password": key_material.NOT_ENCRYPTED},
        ),
        (
            {"private_key_content": private_key()[:-40]},
            {"private_key_content": key_material.CUT_OFF},
        ),
        (
            {"private_key_content": private_key().replace("\n", "\\n")},
            {"private_key_content": key_material.ESCAPED},
        ),
        ({"private_key_content": "/k.p8"}, {"private_key_content": key_material.PATH}),
        (
            {"private_key_file": private_key()},
            {
                "private_key_file": "The path of the file on the "
                "worker is needed, not what stands in it."
            },
        ),
        (
            {"account": "https://acme.snowflakecomputing.com"},
            {"account": "The account alone: leave out https://."},
        ),
        (
            {"account": "acme.snowflakecomputing.com"},
            {"account": "The account alone: leave out .snowflakecomputing.com."},
        ),
        (
            {"account": "a b"},
            {"account": "An account identifier such as acme-reports or xy12345.eu-west-1."},
        ),
        (
            {"authenticator": "o auth"},
            {"authenticator": "A name such as oauth, or an Okta URL."},
        ),
        (
            {"authenticator": "https://ann:tulip@acme.okta.com"},
            {"authenticator": "A URL without a user name or password in it."},
        ),
        (
            {"proxy_host": "proxy:3128"},
            {"proxy_host": "The host alone: the port has a field of its own."},
        ),
        ({"proxy_port": 70_000}, {"proxy_port": "A port is a number from 1 to 65535."}),
        (
            {"refresh_token": "t", "token_endpoint": "idp"},
            {"token_endpoint": "A URL that begins with https:// or http://."},
        ),
    ],
    ids=range(20),
)
def test_what_is_wrong_with_snowflake_is_said(
    values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of("snowflake", values) == errors


# Databricks


@pytest.mark.parametrize(
    "values",
    [
        {"host": "dbc-1.cloud.databricks.com", "password": "dapi123"},
        {"token": "dapi123"},
        {"login": "ann", "password": "p"},
        {"azure_tenant_id": UUID, "login": UUID, "password": "p", "azure_resource_id": "/s/x"},
        {"use_azure_managed_identity": True, "azure_managed_identity_client_id": UUID},
        {"use_default_azure_credential": "true"},
        {"service_principal_oauth": True, "login": UUID, "password": "p"},
        {"federated_k8s": True, "client_id": UUID, "expiration_seconds": 600},
        {"federated_aws": True, "aws_conn_id": "aws_default", "audience": "a"},
        {"federated_token_provider": "acme.tokens:fetch"},
        {"host": "https://dbc-1.cloud.databricks.com/", "port": 443, "schema": "default"},
        {"session_configuration": {"TIMEZONE": "UTC"}, "proxies": {"https": "http://p:3128"}},
    ],
)
def test_each_method_of_databricks_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("databricks", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {"token": "t", "password": "p"},
            {"token": both_set("Token in extra", "Personal access token")},
        ),
        (
            {"token": "t", "service_principal_oauth": True},
            {"token": both_set("Token in extra", "Service principal")},
        ),
        (
            {"service_principal_oauth": True},
            {"login": needed("Service principal"), "password": needed("Service principal")},
        ),
        ({"azure_tenant_id": UUID, "password": "p"}, {"login": needed("Microsoft Entra ID")}),
        ({"federated_k8s": True}, {"client_id": needed("Kubernetes identity")}),
        (
            {"azure_managed_identity_client_id": UUID},
            {"use_azure_managed_identity": needed("Azure managed identity")},
        ),
        ({"host": "https://a.example.com/x"}, {"host": "The host alone: leave out the path."}),
        (
            {"host": "https://ann:tulip@a.example.com"},
            {"host": "A URL without a user name or password in it."},
        ),
        (
            {"host": "a.example.com:443"},
            {"host": "The host alone: the port has a field of its own."},
        ),
        ({"http_path": "https://x/sql"}, {"http_path": "The path alone: it begins with /sql/."}),
        (
            {"http_path": "/sql 1"},
            {"http_path": "A path without spaces, for example /sql/1.0/warehouses/ab12."},
        ),
        (
            {"federated_token_provider": "not a path"},
            {
                "federated_token_provider": "The path of a function in Python, for example "
                "acme.tokens.fetch."
            },
        ),
        (
            {"federated_k8s": True, "client_id": "c", "expiration_seconds": 0},
            {"expiration_seconds": "A number of seconds above 0."},
        ),
    ],
)
def test_what_is_wrong_with_databricks_is_said(
    values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of("databricks", values) == errors


# Trino


CERTIFICATE = {
    "auth": "certs",
    "certs__client_cert_path": "/c.pem",
    "certs__client_key_path": "/k.pem",
}


@pytest.mark.parametrize(
    "values",
    [
        {"host": "trino", "login": "ann", "password": "p", "protocol": "https"},
        {"auth": "jwt", "jwt__token": "t"},
        {"auth": "jwt", "jwt__file": "/run/jwt"},
        CERTIFICATE,
        {"auth": "kerberos"},
        {"auth": "Kerberos", "kerberos__service_name": "trino", "kerberos__delegate": "false"},
        {"timezone": "+02:00", "isolation_level": "serializable", "session_properties": {"a": 1}},
        {"timezone": "America/Argentina/Buenos_Aires", "verify": "/ca.pem"},
    ],
)
def test_each_method_of_trino_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("trino", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {"auth": "kerberos", "password": "p"},
            {"auth": both_set("Kerberos", "Password")},
        ),
        (
            {"auth": "jwt", "jwt__token": "t", "jwt__file": "/run/jwt"},
            {"jwt__file": both_set("JWT file", "JWT")},
        ),
        ({"auth": "jwt"}, {"jwt__token": needed("JWT")}),
        (
            {"auth": "certs"},
            {
                "certs__client_cert_path": needed("Client certificate"),
                "certs__client_key_path": needed("Client certificate"),
            },
        ),
        (
            {**CERTIFICATE, "certs__client_key_path": None},
            {"certs__client_key_path": needed("Client certificate")},
        ),
        ({"jwt__token": "t"}, {"auth": "Choose jwt: what is given belongs to it."}),
        (
            {**CERTIFICATE, "auth": "kerberos"},
            {"auth": "Choose certs: what is given belongs to it."},
        ),
        ({"kerberos__service_name": "trino"}, {"auth": needed("Kerberos")}),
        (
            {**CERTIFICATE, "kerberos__service_name": "trino"},
            {"kerberos__service_name": both_set("Kerberos", "Client certificate")},
        ),
        ({"host": "https://trino/ui"}, {"host": "The host alone: leave out the path."}),
        (
            {"verify": "ca.pem"},
            {"verify": "true, false, or the path of a CA bundle, beginning with /."},
        ),
        ({"timezone": "two words"}, {"timezone": "A time zone such as Europe/Berlin or +02:00."}),
    ],
)
def test_what_is_wrong_with_trino_is_said(values: dict[str, Any], errors: dict[str, str]) -> None:
    assert errors_of("trino", values) == errors
