"""Values that the checks of the cloud and database types take: keys, ARNs, connection strings."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from connections.exceptions import InvalidConnection
from connections.types.base import COLUMNS
from connections.validation import Draft, check
from tests.connections.types.service_examples import PASSPHRASE, private_key

Errors = dict[str, str]

UUID = "72f988bf-86f1-41af-91ab-2d7cd011db47"
ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "tulipUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEYx"
ROLE = "arn:aws:iam::123456789012:role/reports"
SAML = {
    "principal_arn": "arn:aws:iam::123456789012:saml-provider/acme",
    "idp_url": "https://idp.example.com/saml?app=aws",
    "saml_response_xpath": "//input[@name='SAMLResponse']/@value",
}
ACCOUNT_KEY = base64.b64encode(b"tulip" * 12 + b"last").decode()
CONNECTION_STRING = (
    f"DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={ACCOUNT_KEY};"
    "EndpointSuffix=core.windows.net"
)
SAS_TOKEN = "?sv=2022-11-02&ss=b&se=2030-01-01T00%3A00%3A00Z&sig=tulip%2Ftulip%3D"
AUTH_FILE = {"clientId": UUID, "clientSecret": "tulip-client", "tenantId": UUID}

#: By type and field: what must be set for an example of the type's first method to be right.
CLOUD_VALUES: dict[tuple[str, str], Any] = {
    ("aws", "region_name"): "eu-west-1",
    ("aws", "endpoint_url"): "https://s3.eu-west-1.amazonaws.com",
    ("aws", "service_config"): {"s3": {"bucket_name": "aws.service_config"}},
    ("azure", "key_path"): "/run/secrets/azure.json",
    ("azure", "subscriptionId"): UUID,
    ("azure", "tenantId"): "acme.onmicrosoft.com",
    ("wasb", "host"): "https://acme.blob.core.windows.net",
    ("wasb", "connection_string"): CONNECTION_STRING,
    ("wasb", "account_key"): ACCOUNT_KEY,
    ("redshift", "serverless_token_duration_seconds"): 1800,
    ("snowflake", "account"): "acme-snowflake_account",
    ("snowflake", "authenticator"): "snowflake_jwt",
    ("snowflake", "password"): PASSPHRASE,
    ("snowflake", "private_key_content"): private_key(PASSPHRASE),
    ("gcpbigquery", "location"): "europe-west3",
}


def errors_of(conn_type: str, values: Mapping[str, Any] | None = None, **more: Any) -> Errors:
    """What is said of a connection with these fields; columns and extras by name."""
    given = {**(values or {}), **more}
    columns = {name: given.pop(name) for name in COLUMNS if name in given}
    try:
        check(Draft("mine", conn_type, extra=given, **columns))
    except InvalidConnection as error:
        return error.errors
    return {}


def both_set(second: str, first: str) -> str:
    """The words at a field of the second method."""
    return f"This belongs to “{second}”, but “{first}” is set too. Keep one of them."


def needed(method: str) -> str:
    return f"“{method}” needs this."
