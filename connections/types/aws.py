"""aws: Amazon Web Services, and what speaks its protocols (MinIO, LocalStack, R2).

Names and rules are those of Airflow's Amazon provider (its connection wrapper
and https://airflow.apache.org/docs/apache-airflow-providers-amazon/stable/connections/aws.html).
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import (
    access_key_id,
    needed,
    region,
    role_arn,
    saml_provider_arn,
    secret_access_key,
    service_config,
    verification,
)
from connections.types.standard import login, password
from connections.types.validators import absolute_path, http_url

ROLE, SAML, WEB = "Assume a role", "Role by SAML", "Role by web identity"

METHODS = (
    Method(
        "web_identity",
        WEB,
        "A token of Google or from a file",
        needs=("role_arn", "assume_role_with_web_identity_federation"),
    ),
    Method(
        "saml",
        SAML,
        "Your identity provider vouches",
        needs=("role_arn", "assume_role_with_saml"),
    ),
    Method("role", ROLE, "As a role; a key or profile only opens the door", needs=("role_arn",)),
    Method("key", "Access key", "Access key ID and secret", needs=("login", "password")),
    Method("profile", "Profile", "Of the worker's credentials file", needs=("profile_name",)),
    Method("default", "Default chain", "The worker's own role or environment"),
)

_TARGET = (
    TypeField(
        "region_name",
        "Region",
        placeholder="eu-west-1",
        help="Empty for the worker's own.",
    ),
)

_AUTHENTICATION = (
    login(
        label="Access key ID",
        methods=("key", "role", "saml"),
        placeholder="AKIAIOSFODNN7EXAMPLE",
        help="Begins with AKIA, or with ASIA if it is temporary.",
    ),
    password(
        label="Secret access key",
        methods=("key", "role", "saml"),
        help="Shown once, when the key was made: 40 characters.",
    ),
    TypeField(
        "aws_session_token",
        "Session token",
        kind="secret",
        group="authentication",
        methods=("key", "role", "saml"),
        secret=True,
        help="Belongs to temporary keys. It expires within hours.",
    ),
    TypeField(
        "profile_name",
        "Profile",
        group="authentication",
        methods=("profile", "role", "saml"),
        placeholder="reports",
        help="A section of ~/.aws/credentials or ~/.aws/config on the worker.",
    ),
    TypeField(
        "role_arn",
        "Role",
        group="authentication",
        methods=("role", "saml", "web_identity"),
        placeholder="arn:aws:iam::123456789012:role/reports",
        help="Its ARN. Every session assumes it.",
        check=role_arn,
    ),
    TypeField(
        "assume_role_with_saml",
        "SAML settings",
        kind="json",
        group="authentication",
        methods=("saml",),
        placeholder='{"principal_arn": "…", "idp_url": "https://…"}',
        help="principal_arn, idp_url, idp_auth_method and saml_response_xpath.",
    ),
    TypeField(
        "assume_role_with_web_identity_federation",
        "Identity from",
        group="authentication",
        methods=("web_identity",),
        choices=("google", "file"),
        help="google: the worker's Google identity; file: a token in a file.",
    ),
    TypeField(
        "assume_role_with_web_identity_federation_audience",
        "Audience",
        group="authentication",
        methods=("web_identity",),
        help="Of Google's token, as the role's trust policy names it.",
    ),
    TypeField(
        "assume_role_with_web_identity_token_file",
        "Token file",
        group="authentication",
        methods=("web_identity",),
        placeholder="/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
        check=absolute_path,
        help="Read by the worker, for an identity from a file.",
    ),
    TypeField(
        "assume_role_method",
        "How to assume it",
        group="authentication",
        methods=("role", "saml", "web_identity"),
        choices=("assume_role", "assume_role_with_saml", "assume_role_with_web_identity"),
        default="assume_role",
        help="Must fit what is chosen above.",
    ),
)

_NETWORK = (
    TypeField(
        "endpoint_url",
        "Endpoint URL",
        group="network",
        placeholder="http://127.0.0.1:9000",
        help="For MinIO, LocalStack and the like. Empty for Amazon's own.",
        check=http_url,
    ),
    TypeField(
        "verify",
        "Verify certificates",
        group="network",
        placeholder="true",
        help="true, false, or the path of a CA bundle.",
        check=verification,
    ),
)

_ADVANCED = (
    TypeField(
        "assume_role_kwargs",
        "Arguments to assume it",
        kind="json",
        group="advanced",
        placeholder='{"ExternalId": "…"}',
        help="Sent to STS with the role.",
    ),
    TypeField(
        "session_kwargs",
        "Arguments of the session",
        kind="json",
        group="advanced",
        help="Given to boto3's session.",
    ),
    TypeField(
        "config_kwargs",
        "Arguments of the client",
        kind="json",
        group="advanced",
        placeholder='{"retries": {"mode": "standard", "max_attempts": 5}}',
        help="Given to botocore's config.",
    ),
    TypeField(
        "service_config",
        "Options by service",
        kind="json",
        group="advanced",
        placeholder='{"s3": {"bucket_name": "acme-reports"}}',
        check=service_config,
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    return _wrong_keys(values) | _wrong_role(values)


def _wrong_keys(values: dict[str, Any]) -> dict[str, str]:
    """An emulator or another vendor takes any key and any region."""
    services = values["service_config"] or {}
    if values["endpoint_url"] or any(each.get("endpoint_url") for each in services.values()):
        return {}
    checks = {"login": access_key_id, "password": secret_access_key, "region_name": region}
    return {
        name: words
        for name, check in checks.items()
        if values[name] and (words := check(values[name]))
    }


def _wrong_role(values: dict[str, Any]) -> dict[str, str]:
    """How the role is assumed must fit what is given for it."""
    how = (values["assume_role_method"] or "assume_role").lower()
    saml = values["assume_role_with_saml"]
    federation = values["assume_role_with_web_identity_federation"]
    if not values["role_arn"]:
        return {}
    if saml and how != "assume_role_with_saml":
        return {"assume_role_method": "With SAML settings, choose assume_role_with_saml."}
    if federation and how != "assume_role_with_web_identity":
        return {"assume_role_method": "With an identity, choose assume_role_with_web_identity."}
    if how == "assume_role_with_saml":
        return _wrong_saml(saml)
    if how == "assume_role_with_web_identity":
        return needed(values, ("assume_role_with_web_identity_federation",), method=WEB)
    return {}


def _wrong_saml(saml: dict[str, Any] | None) -> dict[str, str]:
    name = "assume_role_with_saml"
    if not saml:
        return {name: f"“{SAML}” needs this."}
    if words := saml_provider_arn(str(saml.get("principal_arn") or "")):
        return {name: f"principal_arn: {words}"}
    if words := http_url(str(saml.get("idp_url") or "").partition("?")[0]):
        return {name: f"idp_url: {words}"}
    return {}


AWS = ConnectionType(
    name="aws",
    label="Amazon Web Services",
    category="Cloud",
    description="S3, Redshift, Glue and other services of Amazon",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    hook="connections.hooks.aws:AwsHook",
    docs="docs/connection-types-cloud.md#amazon-web-services",
    check=_check,
)
