"""What the service types refuse: two methods at once, half of one, values that don't fit."""

from __future__ import annotations

from typing import Any

import pytest

from connections.masking import MASK
from connections.redaction import redacted_extra
from connections.types import TYPES
from connections.types.key_material import CUT_OFF, ENCRYPTED, NOT_OPENED, NOT_PEM
from connections.types.kubernetes import NO_CONTEXT
from connections.types.service_validators import NO_PORT, NOT_A_HOST, PORT_TWICE
from connections.validation import Draft, values_of
from tests.connections.types import service_examples as examples
from tests.connections.types.test_service_types import (
    APP,
    BROKER,
    METHODS,
    OIDC,
    SERVICES,
    WEBHOOK,
    errors_of,
)

KEY, ENCRYPTED_KEY = examples.private_key(), examples.private_key(examples.PASSPHRASE)


def twice(owner: str, chosen: str) -> str:
    return f"This belongs to “{owner}”, but “{chosen}” is set too. Keep one of them."


@pytest.mark.parametrize(
    ("name", "values", "errors"),
    [
        (
            "http",
            {"login": "ann", "Authorization": "Bearer tulip"},
            {"Authorization": twice("Authorization header", "User and password")},
        ),
        (
            "ssh",
            {"private_key": KEY, "key_file": "/run/id"},
            {"key_file": twice("Key file", "Private key")},
        ),
        (
            "sftp",
            {"private_key": KEY, "key_file": "/run/id"},
            {"key_file": twice("Key file", "Private key")},
        ),
        (
            "smtp",
            {"password": "tulip", "access_token": "tulip", "auth_type": "oauth2"},
            {"access_token": twice("Access token", "User and password")},
        ),
        (
            "smtp",
            {"client_id": "a", "client_secret": "tulip", "auth_type": "oauth2"}
            | {"access_token": "tulip"},
            {
                "client_id": twice("OAuth client", "Access token"),
                "client_secret": twice("OAuth client", "Access token"),
            },
        ),
        (
            "mongo",
            {"authMechanism": "MONGODB-X509", "tlsCertificateKeyFile": "/a", "password": "tulip"},
            {"password": twice("User and password", "Client certificate")},
        ),
        (
            "mongo",
            {"login": "ann", "authMechanism": "mongodb-x509", "password": "tulip"},
            {"password": "MONGODB-X509 signs in without a password. Clear it."},
        ),
        (
            "kafka",
            {**BROKER, **OIDC, "sasl.username": "ann"},
            dict.fromkeys(OIDC, twice("OAuth client", "User and password")),
        ),
        (
            "kafka",
            {**BROKER, "ssl.certificate.location": "/a", "ssl.keystore.location": "/b"},
            {"ssl.keystore.location": twice("Keystore", "Certificate files")},
        ),
        (
            "elasticsearch",
            {"login": "elastic", "api_key": "tulip"},
            {"api_key": twice("API key", "User and password")},
        ),
        (
            "kubernetes",
            {"kube_config": examples.kubeconfig(), "kube_config_path": "/a", "in_cluster": "true"},
            {
                "kube_config_path": twice("Kubeconfig file", "Kubeconfig"),
                "in_cluster": twice("In the cluster", "Kubeconfig"),
            },
        ),
        (
            "github",
            {**APP, "private_key": KEY, "key_path": "/run/key", "password": "ghp_" + "a" * 36},
            {
                "app_id": twice("GitHub App", "Access token"),
                "installation_id": twice("GitHub App", "Access token"),
                "private_key": twice("GitHub App", "Access token"),
                "key_path": twice("GitHub App, key file", "Access token"),
            },
        ),
        (
            "github",
            {**APP, "private_key": KEY, "key_path": "/run/key"},
            {"key_path": twice("GitHub App, key file", "GitHub App")},
        ),
    ],
)
def test_two_methods_at_once_are_refused(
    name: str, values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of(name, **values) == errors


@pytest.mark.parametrize(
    ("name", "values", "errors"),
    [
        ("ssh", {"private_key_passphrase": "tulip"}, {"private_key": "“Private key” needs this."}),
        ("smtp", {"client_id": "a"}, {"client_secret": "“OAuth client” needs this."}),
        ("mongo", {"password": "tulip"}, {"login": "“User and password” needs this."}),
        (
            "kafka",
            {**BROKER, "sasl.password": "t"},
            {"sasl.username": "“User and password” needs this."},
        ),
        ("elasticsearch", {"password": "tulip"}, {"login": "“User and password” needs this."}),
        ("docker", {"email": "a@b.c"}, {"login": "“User and password” needs this."}),
        (
            "github",
            {"private_key": KEY},
            {"app_id": "“GitHub App” needs this.", "installation_id": "“GitHub App” needs this."},
        ),
    ],
)
def test_half_of_a_method_is_refused_at_what_is_missing(
    name: str, values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of(name, **values) == errors


@pytest.mark.parametrize(
    ("name", "values", "errors"),
    [
        ("http", {"host": "https://a:8443", "port": 443}, {"port": PORT_TWICE}),
        ("docker", {"host": "localhost:5000", "port": 5000}, {"port": PORT_TWICE}),
        ("mongo", {"host": "a,b:27017", "port": 27017}, {"port": PORT_TWICE}),
        (
            "mongo",
            {"srv": "true", "host": "a", "port": 27017},
            {"port": "With srv, DNS tells the port. Empty this."},
        ),
        (
            "mongo",
            {"srv": True, "host": "a,b"},
            {"host": "With srv, one name without a port: DNS tells the servers."},
        ),
        (
            "redis",
            {"cluster": True, "db": 3},
            {"db": "A cluster has the database 0 only. Empty this."},
        ),
        (
            "ssh",
            {"host_key": examples.host_key(), "no_host_key_check": "true"},
            {"no_host_key_check": "A host key is given, so it is checked. Turn this off."},
        ),
        ("ssh", {"private_key": ENCRYPTED_KEY}, {"private_key_passphrase": ENCRYPTED}),
        (
            "sftp",
            {"private_key": ENCRYPTED_KEY, "private_key_passphrase": "tulip"},
            {"private_key_passphrase": NOT_OPENED},
        ),
        ("ssh", {"private_key": KEY[:200]}, {"private_key": CUT_OFF}),
        ("github", {**APP, "private_key": "tulip"}, {"private_key": NOT_PEM}),
        ("github", {**APP, "private_key": ENCRYPTED_KEY}, {"private_key": ENCRYPTED}),
        (
            "kafka",
            {**BROKER, "ssl.certificate.pem": examples.certificate(), "ssl.key.pem": ENCRYPTED_KEY},
            {"ssl.key.password": ENCRYPTED},
        ),
        (
            "kafka",
            {**BROKER, "ssl.certificate.pem": examples.certificate(), "ssl.key.pem": "tulip"},
            {"ssl.key.pem": NOT_PEM},
        ),
        (
            "kafka",
            {**BROKER, **OIDC, "sasl.oauthbearer.method": "default"},
            {"sasl.oauthbearer.method": "Set this to oidc: else the client is not used."},
        ),
        (
            "smtp",
            {"access_token": "tulip"},
            {"auth_type": "Set this to oauth2: without it, the token is not used."},
        ),
        (
            "smtp",
            {"client_id": "a", "client_secret": "tulip", "auth_type": "basic"},
            {"auth_type": "Set this to oauth2: without it, the token is not used."},
        ),
        (
            "kubernetes",
            {"kube_config": examples.kubeconfig(), "cluster_context": "us"},
            {"cluster_context": NO_CONTEXT},
        ),
        (
            "slackwebhook",
            {"password": "tulip"},
            {"password": "A token of a webhook is T…/B…/…, or give the whole URL."},
        ),
        (
            "slackwebhook",
            {"host": "https://hooks.slack.com/services/", "password": "T0/B0"},
            {"password": "A token of a webhook is T…/B…/…, or give the whole URL."},
        ),
        (
            "slackwebhook",
            {"password": "xoxb-1-tulip"},
            {"password": "This is a token of Slack's API. Choose the type Slack for it."},
        ),
        (
            "slackwebhook",
            {"host": WEBHOOK},
            {
                "host": "This holds the token, and it is shown. "
                "Move the whole URL to the webhook token."
            },
        ),
    ],
)
def test_values_that_cannot_go_together_are_refused(
    name: str, values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of(name, **values) == errors


@pytest.mark.parametrize(
    ("name", "values", "errors"),
    [
        ("http", {"schema": "ftp"}, {"schema": "One of: https, http."}),
        ("http", {"timeout": "soon"}, {"timeout": "A number."}),
        ("http", {"allow_redirects": "maybe"}, {"allow_redirects": "True or false."}),
        ("ssh", {"host": "files.example.com:22"}, {"host": NO_PORT}),
        ("ssh", {"conn_timeout": 1.5}, {"conn_timeout": "A whole number."}),
        (
            "ssh",
            {"disabled_algorithms": ["a"]},
            {"disabled_algorithms": "A JSON object, for example {}."},
        ),
        ("redis", {"host": "a_b..c"}, {"host": NOT_A_HOST}),
        (
            "redis",
            {"ssl_cert_reqs": "require"},
            {"ssl_cert_reqs": "One of: required, optional, none."},
        ),
        ("smtp", {"auth_type": "ntlm"}, {"auth_type": "One of: basic, oauth2."}),
        ("kafka", {}, {"bootstrap.servers": "This is needed."}),
        (
            "kafka",
            {**BROKER, "security.protocol": "TLS"},
            {"security.protocol": "One of: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL."},
        ),
        (
            "github",
            {"host": "github.example.com"},
            {"host": "A URL that begins with https:// or http://."},
        ),
        (
            "github",
            {**APP, "key_path": "a", "installation_id": 0},
            {"installation_id": "A whole number, more than 0: the end of the installation's URL."},
        ),
        (
            "kubernetes",
            {"kube_config": "tulip"},
            {
                "kube_config": "This is not a kubeconfig: "
                "an object with clusters, users and contexts is expected."
            },
        ),
        (
            "kubernetes",
            {"xcom_sidecar_container_resources": "{"},
            {
                "xcom_sidecar_container_resources": "This is not JSON: "
                "Expecting property name enclosed in double quotes, line 1, column 2."
            },
        ),
    ],
)
def test_a_malformed_value_is_refused_at_its_field(
    name: str, values: dict[str, Any], errors: dict[str, str]
) -> None:
    assert errors_of(name, **values) == errors


# Secrets


@pytest.mark.parametrize(("name", "method", "values"), METHODS)
def test_no_secret_of_a_method_is_shown(name: str, method: str, values: dict[str, Any]) -> None:
    declared = TYPES[name]
    columns = {field.name for field in declared.fields if field.column}
    extra = {key: value for key, value in values.items() if key not in columns}
    shown = redacted_extra(declared, extra)
    assert "tulip" not in str(shown)
    assert "BEGIN PRIVATE KEY" not in str(shown)


@pytest.mark.parametrize("name", SERVICES)
def test_passwords_are_secret_in_every_type(name: str) -> None:
    declared = TYPES[name]
    if declared.field("password"):
        assert "password" in declared.secret_names


def test_the_proxys_password_is_never_shown() -> None:
    extra = {"proxies": {"https": "http://u:tulip@proxy:3128"}}
    declared = TYPES["http"]
    shown = redacted_extra(declared, extra)
    assert shown == {"proxies": MASK}


@pytest.mark.parametrize("name", ["kubernetes", "slack", "slackwebhook"])
def test_an_extra_that_an_old_airflow_stored_counts_and_is_as_secret(name: str) -> None:
    declared = TYPES[name]
    secret = "kube_config" if name == "kubernetes" else "proxy"
    legacy = f"extra__{name}__{secret}"
    assert legacy in declared.secret_names
    draft = Draft("my_conn", name, extra={legacy: "tulip.example.com"})
    assert values_of(draft, declared)[secret] == "tulip.example.com"
