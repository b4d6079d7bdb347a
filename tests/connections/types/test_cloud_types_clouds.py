"""aws, azure and wasb: their methods, and the words for what is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.connections.types.cloud_examples import (
    ACCESS_KEY_ID,
    ACCOUNT_KEY,
    AUTH_FILE,
    CONNECTION_STRING,
    ROLE,
    SAML,
    SAS_TOKEN,
    SECRET_ACCESS_KEY,
    UUID,
    both_set,
    errors_of,
    needed,
)

KEY = {"login": ACCESS_KEY_ID, "password": SECRET_ACCESS_KEY}
SAML_ROLE = {
    "role_arn": ROLE,
    "assume_role_method": "assume_role_with_saml",
    "assume_role_with_saml": SAML,
}
WEB_ROLE = {
    "role_arn": ROLE,
    "assume_role_method": "assume_role_with_web_identity",
    "assume_role_with_web_identity_federation": "file",
    "assume_role_with_web_identity_token_file": "/var/run/token",
}


# Amazon Web Services


@pytest.mark.parametrize(
    "values",
    [
        KEY,
        {**KEY, "aws_session_token": "tulip", "region_name": "us-gov-west-1"},
        {"profile_name": "reports"},
        {"role_arn": ROLE},
        {**KEY, "role_arn": ROLE, "assume_role_kwargs": {"ExternalId": "x"}},
        {"profile_name": "reports", "role_arn": "arn:aws-cn:iam::123456789012:role/a/b"},
        SAML_ROLE,
        {**SAML_ROLE, **KEY},
        WEB_ROLE,
        {"region_name": "ap-southeast-2"},
        {"region_name": "eusc-de-east-1"},
        {"service_config": {"s3": {"bucket_name": "b"}, "sts": {"endpoint_url": "https://sts.x"}}},
        {"verify": "/etc/ca.pem"},
    ],
)
def test_each_method_of_aws_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("aws", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {**KEY, "profile_name": "reports"},
            {"profile_name": both_set("Profile", "Access key")},
        ),
        (
            {**WEB_ROLE, "profile_name": "reports"},
            {"profile_name": both_set("Profile", "Role by web identity")},
        ),
        ({"login": ACCESS_KEY_ID}, {"password": needed("Access key")}),
        ({"password": SECRET_ACCESS_KEY}, {"login": needed("Access key")}),
        ({"assume_role_with_saml": SAML}, {"role_arn": needed("Role by SAML")}),
        (
            {"role_arn": ROLE, "assume_role_with_saml": SAML},
            {"assume_role_method": "With SAML settings, choose assume_role_with_saml."},
        ),
        (
            {**WEB_ROLE, "assume_role_method": None},
            {"assume_role_method": "With an identity, choose assume_role_with_web_identity."},
        ),
        (
            {"role_arn": ROLE, "assume_role_method": "assume_role_with_saml"},
            {"assume_role_with_saml": needed("Role by SAML")},
        ),
        (
            {"role_arn": ROLE, "assume_role_method": "assume_role_with_web_identity"},
            {"assume_role_with_web_identity_federation": needed("Role by web identity")},
        ),
    ],
)
def test_methods_of_aws_that_are_mixed_or_not_whole(
    values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of("aws", values) == errors


@pytest.mark.parametrize(
    ("login", "password", "errors"),
    [
        ("tulip", SECRET_ACCESS_KEY, {"login": "An access key ID begins with AKIA"}),
        (ACCESS_KEY_ID.lower(), SECRET_ACCESS_KEY, {"login": "An access key ID begins"}),
        (ACCESS_KEY_ID + " ", SECRET_ACCESS_KEY, {"login": "There is space before or after"}),
        (ACCESS_KEY_ID + "\n", SECRET_ACCESS_KEY, {"login": "There is space before or after"}),
        ("AROAIOSFODNN7EXAMPLE", SECRET_ACCESS_KEY, {"login": "An access key ID begins"}),
        (ACCESS_KEY_ID, SECRET_ACCESS_KEY[:-1], {"password": "A secret access key has 40"}),
        (ACCESS_KEY_ID, SECRET_ACCESS_KEY + "\n", {"password": "There is space before or after"}),
        (
            SECRET_ACCESS_KEY,
            ACCESS_KEY_ID,
            {
                "login": "This looks like the secret: have the two changed places?",
                "password": "This looks like an access key ID: have the two changed places?",
            },
        ),
    ],
)
def test_keys_of_another_shape_are_told_apart(
    login: str, password: str, errors: dict[str, str]
) -> None:
    found = errors_of("aws", login=login, password=password)
    assert list(found) == list(errors)
    for name, words in errors.items():
        assert found[name].startswith(words)
        assert login not in found[name]
        assert password not in found[name]


def test_an_emulator_takes_any_key_and_any_region() -> None:
    keys = {"login": "minioadmin", "password": "minioadmin", "region_name": "auto"}
    assert list(errors_of("aws", keys)) == ["login", "password", "region_name"]
    assert errors_of("aws", keys, endpoint_url="http://127.0.0.1:9000") == {}
    assert (
        errors_of("aws", keys, service_config={"s3": {"endpoint_url": "http://minio:9000"}}) == {}
    )
    url = "https://minioadmin:minioadmin@127.0.0.1"
    errors = errors_of("aws", keys, endpoint_url=url)
    assert errors["endpoint_url"] == "A URL without a user name or password in it."


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("region_name", "eu-west-1a", "This is an availability zone: leave out the letter"),
        ("region_name", "Europe", "A region such as eu-west-1."),
        ("role_arn", "reports", "An ARN such as arn:aws:iam::123456789012:role/reports."),
        ("role_arn", "arn:aws:iam::123:role/x", "An ARN such as"),
        ("role_arn", "arn:aws:iam::123456789012:user/ann", "This is the ARN of something else"),
        ("endpoint_url", "127.0.0.1:9000", "A URL that begins with https:// or http://."),
        ("verify", "ca.pem", "true, false, or the path of a CA bundle, beginning with /."),
        ("service_config", {"s3": "tulip"}, "“s3” must hold an object"),
        ("service_config", {"s3": {"endpoint_url": "tulip"}}, "endpoint_url of “s3”: A URL"),
    ],
)
def test_a_malformed_value_of_aws_is_refused(name: str, value: Any, words: str) -> None:
    errors = errors_of("aws", {name: value})
    assert list(errors) == [name]
    assert errors[name].startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"principal_arn": ROLE}, "principal_arn: This is the ARN of something else"),
        ({"principal_arn": None}, "principal_arn: An ARN such as"),
        ({"idp_url": "idp.example.com"}, "idp_url: A URL that begins"),
        ({"idp_url": None}, "idp_url: A URL that begins"),
    ],
)
def test_saml_settings_are_looked_into(changes: dict[str, Any], words: str) -> None:
    values = {**SAML_ROLE, "assume_role_with_saml": {**SAML, **changes}}
    assert errors_of("aws", values)["assume_role_with_saml"].startswith(words)


# Microsoft Azure


PRINCIPAL = {"login": UUID, "password": "tulip", "tenantId": "acme.onmicrosoft.com"}


@pytest.mark.parametrize(
    "values",
    [
        PRINCIPAL,
        {**PRINCIPAL, "subscriptionId": UUID.upper(), "cloud_environment": "AzureUSGovernment"},
        {"key_path": "/run/azure.json", "tenantId": UUID},
        {"key_json": AUTH_FILE},
        {"key_json": json.dumps(AUTH_FILE)},
        {"managed_identity_client_id": UUID, "tenantId": UUID},
        {"workload_identity_tenant_id": UUID, "managed_identity_client_id": UUID},
        {"tenantId": UUID, "subscriptionId": UUID},
    ],
)
def test_each_method_of_azure_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("azure", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {**PRINCIPAL, "key_path": "/a.json"},
            {"key_path": both_set("Authentication file", "Service principal")},
        ),
        (
            {"key_path": "/a.json", "key_json": AUTH_FILE},
            {"key_json": both_set("Authentication JSON", "Authentication file")},
        ),
        (
            {**PRINCIPAL, "managed_identity_client_id": UUID},
            {"managed_identity_client_id": both_set("Managed identity", "Service principal")},
        ),
        (
            {"login": UUID, "password": "tulip"},
            {"tenantId": needed("Service principal")},
        ),
        (
            {"login": UUID, "tenantId": UUID},
            {"password": needed("Service principal")},
        ),
        ({"login": "me"}, {"login": "An ID such as 72f988bf-86f1-41af-91ab-2d7cd011db47."}),
        ({"subscriptionId": "me"}, {"subscriptionId": f"An ID such as {UUID}."}),
        ({"tenantId": "a b"}, {"tenantId": "The ID of a tenant, or its domain"}),
        ({"key_path": "azure.json"}, {"key_path": "A whole path, beginning with /."}),
        ({"key_path": "/azure.txt"}, {"key_path": "The file's name must end with .json."}),
        ({"key_json": "tulip"}, {"key_json": "This is not JSON: Expecting value, line 1"}),
        ({"key_json": "[]"}, {"key_json": "This is not an authentication file"}),
        (
            {"key_json": {"clientId": UUID}},
            {"key_json": "This authentication file has no clientSecret, tenantId."},
        ),
    ],
)
def test_what_is_wrong_with_azure_is_said(values: dict[str, Any], errors: dict[str, str]) -> None:
    found = errors_of("azure", values)
    for name, words in errors.items():
        assert found[name].startswith(words)
    assert "tulip" not in str(found)


# Azure Blob Storage


@pytest.mark.parametrize(
    "values",
    [
        {"connection_string": CONNECTION_STRING},
        {"connection_string": "UseDevelopmentStorage=true"},
        {"connection_string": f"BlobEndpoint=http://127.0.0.1:10000/a;AccountKey={ACCOUNT_KEY};"},
        {
            "connection_string": "BlobEndpoint=https://a.blob.core.windows.net;"
            f"SharedAccessSignature={SAS_TOKEN[1:]}"
        },
        {"tenant_id": UUID, "login": UUID, "password": "tulip", "host": "https://acme.x.net"},
        {"shared_access_key": ACCOUNT_KEY, "login": "acme"},
        {"sas_token": SAS_TOKEN, "login": "acme"},
        {"sas_token": SAS_TOKEN[1:], "host": "acme.blob.core.windows.net"},
        {"sas_token": f"https://acme.blob.core.windows.net/{SAS_TOKEN}"},
        {"login": "acme", "password": ACCOUNT_KEY},
        {"login": "acme", "account_key": ACCOUNT_KEY},
        {"host": "acme", "managed_identity_client_id": UUID},
        {"workload_identity_tenant_id": UUID, "managed_identity_client_id": UUID},
        {"host": "https://acme.blob.core.windows.net"},
    ],
)
def test_each_method_of_wasb_is_right_by_itself(values: dict[str, Any]) -> None:
    assert errors_of("wasb", values) == {}


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        (
            {"connection_string": CONNECTION_STRING, "sas_token": SAS_TOKEN},
            {"sas_token": both_set("SAS token", "Connection string")},
        ),
        (
            {"shared_access_key": ACCOUNT_KEY, "password": ACCOUNT_KEY},
            {"password": both_set("Account key", "Shared key")},
        ),
        (
            {"tenant_id": UUID, "login": UUID},
            {"password": needed("Service principal")},
        ),
        (
            {"password": ACCOUNT_KEY, "managed_identity_client_id": UUID},
            {"managed_identity_client_id": both_set("Managed identity", "Account key")},
        ),
        ({"tenant_id": "a b"}, {"tenant_id": "The ID of a tenant"}),
        ({"password": "tulip!"}, {"password": "An account key is base64."}),
        ({"password": SAS_TOKEN}, {"password": "This is a SAS token, not an account key."}),
        (
            {"shared_access_key": CONNECTION_STRING},
            {"shared_access_key": "This is a whole connection string, not an account key."},
        ),
        ({"account_key": "tulip!"}, {"account_key": "An account key is base64."}),
        (
            {"sas_token": "tulip"},
            {"sas_token": "A SAS token has the parts sv and sig; sv and sig is missing."},
        ),
        ({"sas_token": "?sv=1"}, {"sas_token": "A SAS token has the parts sv and sig; sig is"}),
        ({"sas_token": CONNECTION_STRING}, {"sas_token": "This is a connection string, not"}),
        (
            {"sas_token": f"https://tulip:tulip@acme.net/{SAS_TOKEN}"},
            {"sas_token": "A URL without a user name or password in it."},
        ),
        ({"host": f"https://acme.net/{SAS_TOKEN}"}, {"host": "The account's URL alone"}),
        ({"host": "https://tulip:x@acme.net"}, {"host": "A URL without a user name"}),
        ({"host": "acme/container"}, {"host": "The account's URL, for example"}),
    ],
)
def test_what_is_wrong_with_wasb_is_said(values: dict[str, Any], errors: dict[str, str]) -> None:
    found = errors_of("wasb", values)
    assert list(found) == list(errors)
    for name, words in errors.items():
        assert found[name].startswith(words)
    assert "tulip" not in str(found)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("tulip", "Pairs such as AccountName=…;AccountKey=…"),
        (";;", "Pairs such as"),
        ("=tulip;", "Pairs such as"),
        ("https://acme.blob.core.windows.net", "This is a URL."),
        (CONNECTION_STRING + ";accountname=tulip", "One of its names stands in it twice."),
        ("AccountName=acme", "AccountKey or SharedAccessSignature is missing."),
        (f"AccountKey={ACCOUNT_KEY}", "AccountName or BlobEndpoint is missing."),
        ("AccountName=acme;AccountKey=tulip!", "AccountKey: An account key is base64."),
        ("AccountName=acme;AccountKey=", "AccountKey: An account key is base64."),
        ("AccountName=acme;SharedAccessSignature=tulip", "SharedAccessSignature: A SAS token"),
        (CONNECTION_STRING.replace("=https", "=ftp"), "DefaultEndpointsProtocol must be https"),
        ("BlobEndpoint=tulip;AccountKey=x", "BlobEndpoint: A URL that begins"),
    ],
)
def test_a_malformed_connection_string_is_refused(value: str, words: str) -> None:
    found = errors_of("wasb", connection_string=value)
    assert list(found) == ["connection_string"]
    assert found["connection_string"].startswith(words)
    assert "tulip" not in found["connection_string"]
