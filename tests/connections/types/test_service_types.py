"""The service types: their methods of authentication, and what of Airflow's they take."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connections.exceptions import InvalidConnection
from connections.types import TYPES
from connections.types.catalogue import DATA
from connections.validation import Draft, check
from tests.connections.types import service_examples as examples

SERVICES = (
    "http",
    "ssh",
    "sftp",
    "slack",
    "slackwebhook",
    "smtp",
    "redis",
    "mongo",
    "kafka",
    "elasticsearch",
    "docker",
    "kubernetes",
    "github",
)
PAGE = Path(__file__).parents[3] / "docs" / "connection-types-services.md"
BROKER = {"bootstrap.servers": "broker:9092"}
WEBHOOK = "https://hooks.slack.com/services/T00/B00/tulip"
OIDC = {
    "sasl.oauthbearer.method": "oidc",
    "sasl.oauthbearer.client.id": "patchbay",
    "sasl.oauthbearer.token.endpoint.url": "https://login.example.com/token",
}
APP = {"app_id": "123456", "installation_id": 12345678}
FACTS = {entry["conn_type"]: entry for entry in json.loads(DATA.read_text(encoding="utf-8"))}

#: Where a field is secret here and not in Airflow's declaration, and why.
MORE_SECRET = {
    ("slack", "proxy"): "the URL of a proxy may hold its password",
    ("slackwebhook", "proxy"): "the URL of a proxy may hold its password",
    ("http", "proxies"): "the URLs of proxies may hold their passwords",
}

every_service = pytest.mark.parametrize("name", SERVICES)


def errors_of(conn_type: str, **values: Any) -> dict[str, str]:
    """What is wrong with a connection of these columns and extras."""
    columns = ("host", "schema", "login", "password", "port")
    draft = Draft(
        "my_conn", conn_type, extra={name: values[name] for name in values if name not in columns}
    )
    try:
        check(replace(draft, **{name: values[name] for name in columns if name in values}))
    except InvalidConnection as error:
        return error.errors
    return {}


def method_of(conn_type: str, **values: Any) -> str:
    declared = TYPES[conn_type]
    return declared.method_of({field.name: values.get(field.name) for field in declared.fields})


# Against Airflow's declarations


@every_service
def test_every_extra_and_every_shown_column_of_airflow_has_a_field(name: str) -> None:
    declared = TYPES[name]
    extras = {entry["name"] for entry in FACTS[name]["extra"]}
    columns = set(FACTS[name]["fields"])
    assert extras <= {field.name for field in declared.fields if not field.column}
    assert columns == {field.name for field in declared.fields if field.column}


@every_service
def test_what_is_secret_in_airflow_is_secret_here(name: str) -> None:
    secret = {entry["name"] for entry in FACTS[name]["extra"] if entry.get("secret")}
    here = {
        entry["name"]
        for entry in FACTS[name]["extra"]
        if (field := TYPES[name].field(entry["name"])) and field.secret
    }
    assert here - secret == {field for service, field in MORE_SECRET if service == name}
    assert secret <= here


@every_service
def test_each_type_has_a_heading_on_its_page_with_every_field_and_method(name: str) -> None:
    declared = TYPES[name]
    page, _, heading = declared.docs.partition("#")
    assert page == f"docs/{PAGE.name}"
    parts = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts = [part for part in parts if part.split("\n")[0].lower().replace(" ", "-") == heading]
    assert len(parts) == 1
    told = set(re.findall(r"^\| `([^`]+)` \|", parts[0], re.MULTILINE))
    assert told == {field.name for field in declared.fields}
    assert all(f"| {method.label} |" in parts[0] for method in declared.methods)


# What passes

DEFAULTS: dict[str, dict[str, Any]] = {
    "dingding_default": {"conn_type": "http", "host": "", "password": ""},
    "elasticsearch_default": {
        "conn_type": "elasticsearch",
        "host": "localhost",
        "schema": "http",
        "port": 9200,
    },
    "http_default": {"conn_type": "http", "host": "https://www.httpbin.org/"},
    "kafka_default": {
        "conn_type": "kafka",
        "bootstrap.servers": "broker:29092",
        "group.id": "my-group",
    },
    "kubernetes_default": {"conn_type": "kubernetes"},
    "mongo_default": {"conn_type": "mongo", "host": "mongo", "port": 27017},
    "redis_default": {"conn_type": "redis", "host": "redis", "port": 6379, "db": 0},
    "sftp_default": {
        "conn_type": "sftp",
        "host": "localhost",
        "port": 22,
        "login": "airflow",
        "key_file": "~/.ssh/id_rsa",
        "no_host_key_check": True,
    },
    "ssh_default": {"conn_type": "ssh", "host": "localhost"},
}


@pytest.mark.parametrize("conn_id", DEFAULTS)
def test_airflows_default_connections_are_right(conn_id: str) -> None:
    assert errors_of(**DEFAULTS[conn_id]) == {}


@every_service
def test_an_empty_one_is_right_but_for_kafka_which_needs_brokers(name: str) -> None:
    needed = {"bootstrap.servers": "This is needed."} if name == "kafka" else {}
    assert errors_of(name) == needed


METHODS: list[tuple[str, str, dict[str, Any]]] = [
    ("http", "basic", {"login": "ann", "password": "tulip"}),
    ("http", "basic", {"login": "ann"}),
    ("http", "header", {"Authorization": "Bearer tulip"}),
    ("http", "token", {"password": "tulip"}),
    ("http", "none", {"X-Api-Key": "tulip", "host": "api.example.com"}),
    ("ssh", "private_key", {"private_key": examples.private_key()}),
    ("ssh", "key_file", {"key_file": "/run/secrets/id"}),
    ("ssh", "password", {"login": "ann", "password": "tulip"}),
    ("ssh", "agent", {"login": "ann"}),
    ("sftp", "private_key", {"private_key": examples.private_key(is_openssh=True)}),
    ("sftp", "key_file", {"key_file": "/run/secrets/id", "password": "tulip"}),
    ("sftp", "password", {"password": "tulip"}),
    ("sftp", "agent", {"known_hosts": "none"}),
    ("slack", "", {"password": "xoxb-1-2-tulip"}),
    ("slackwebhook", "", {"password": "T00/B00/tulip"}),
    ("slackwebhook", "", {"password": WEBHOOK}),
    ("smtp", "password", {"login": "ann", "password": "tulip"}),
    ("smtp", "token", {"login": "a@b.c", "auth_type": "oauth2", "access_token": "tulip"}),
    ("smtp", "client", {"auth_type": "OAuth2", "client_id": "a", "client_secret": "tulip"}),
    ("smtp", "none", {"host": "relay"}),
    ("redis", "user", {"login": "ann", "password": "tulip"}),
    ("redis", "password", {"password": "tulip"}),
    ("redis", "none", {"host": "redis"}),
    ("mongo", "password", {"login": "ann", "password": "tulip", "authSource": "admin"}),
    ("mongo", "x509", {"authMechanism": "MONGODB-X509", "tlsCertificateKeyFile": "/run/c.pem"}),
    ("mongo", "none", {"host": "a:1,b:2", "authMechanism": "MONGODB-AWS"}),
    ("kafka", "sasl", {**BROKER, "sasl.username": "ann", "sasl.password": "tulip"}),
    ("kafka", "oauth", {**BROKER, **OIDC, "sasl.oauthbearer.client.secret": "tulip"}),
    ("kafka", "kerberos", {**BROKER, "sasl.kerberos.keytab": "/etc/patchbay/a.keytab"}),
    ("kafka", "certificate", {**BROKER, "ssl.certificate.location": "/run/a.pem"}),
    ("kafka", "pem", {**BROKER, "ssl.certificate.pem": examples.certificate()}),
    ("kafka", "keystore", {**BROKER, "ssl.keystore.location": "/run/a.p12"}),
    ("kafka", "none", {**BROKER, "sasl.kerberos.service.name": "kafka"}),
    ("elasticsearch", "basic", {"login": "elastic", "password": "tulip"}),
    ("elasticsearch", "api_key", {"api_key": "tulip=="}),
    ("elasticsearch", "none", {"host": "elastic"}),
    ("docker", "login", {"login": "ann", "password": "tulip"}),
    ("docker", "none", {"host": "localhost:5000"}),
    ("kubernetes", "kube_config", {"kube_config": json.dumps(examples.kubeconfig())}),
    ("kubernetes", "path", {"kube_config_path": "~/.kube/config"}),
    ("kubernetes", "in_cluster", {"in_cluster": True}),
    ("kubernetes", "default", {"in_cluster": False, "namespace": "team-1"}),
    ("github", "token", {"password": "ghp_" + "a" * 36}),
    ("github", "app", {**APP, "private_key": examples.private_key()}),
    ("github", "app_file", {**APP, "key_path": "FAKE_KEY.pem", "app_id": 123456}),
    ("github", "none", {"host": "https://github.example.com/api/v3"}),
]


@pytest.mark.parametrize(("name", "method", "values"), METHODS)
def test_each_method_is_right_with_the_least_that_it_needs(
    name: str, method: str, values: dict[str, Any]
) -> None:
    assert errors_of(name, **values) == {}
    assert method_of(name, **values) == method


def test_every_method_is_tried_above() -> None:
    declared = {(name, each.name) for name in SERVICES for each in TYPES[name].methods}
    assert declared <= {(name, method) for name, method, _ in METHODS}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        # As Airflow's own pages on connections give them: numbers and booleans are texts.
        ("http", {"host": "service.com", "port": 80, "schema": "https", "login": "a"}),
        ("http", {"host": "_http._tcp.example.com", "srv_lookup": "true", "headers": "header"}),
        ("http", {"verify": "/etc/ssl/ca.pem", "timeout": "30", "cert": ["/run/a", "/run/b"]}),
        ("http", {"verify": False, "proxies": '{"https": "http://u:p@proxy:3128"}'}),
        (
            "ssh",
            {
                "key_file": "/home/airflow/.ssh/id_rsa",
                "conn_timeout": "10",
                "compress": "false",
                "allow_host_key_change": "false",
                "disabled_algorithms": {"pubkeys": ["rsa-sha2-256"]},
                "ciphers": ["aes128-ctr", "aes192-ctr"],
                "timeout": "10",
            },
        ),
        ("ssh", {"cmd_timeout": None, "no_host_key_check": "false", "port": 2222}),
        ("sftp", {"key_file": "path/to/private_key", "no_host_key_check": "true"}),
        ("slack", {"password": "xoxb-1-2-abc", "timeout": "42", "proxy": "http://u:p@proxy:80"}),
        ("slackwebhook", {"host": "https://hooks.slack.com/services", "password": "/T0/B0/x"}),
        ("slackwebhook", {"host": "https://chat.example.com/hooks", "password": "n3bu-x"}),
        ("smtp", {"host": "smtp.gmail.com", "port": 587, "disable_ssl": "True", "timeout": "30"}),
        ("smtp", {"from_email": "airflow@localhost", "login": "ann", "retry_limit": "5"}),
        ("redis", {"db": "3", "ssl": "true", "ssl_cert_reqs": "none", "login": "", "host": "r"}),
        ("redis", {"cluster": True, "db": "0", "startup_nodes": "node-2:6379, node-3"}),
        ("mongo", {"srv": "true", "ssl": "true", "host": "c.mongodb.net", "login": "a"}),
        ("mongo", {"login": "a", "password": "b", "tlsCertificateKeyFile": "/a", "maxPoolSize": 5}),
        (
            "kafka",
            {
                **BROKER,
                "security.protocol": "sasl_ssl",
                "sasl.mechanisms": "PLAIN",
                "sasl.username": "$ConnectionString",
                "sasl.password": "Endpoint=sb://tulip",
                "ssl.certificate.location": "/run/a.pem",
                "socket.timeout.ms": "10000",
                "auto.offset.reset": "EARLIEST",
            },
        ),
        (
            "kafka",
            {**BROKER, "ssl.key.pem": examples.private_key(), "ssl.key.password": "p"}
            | {"ssl.certificate.pem": examples.certificate()},
        ),
        ("elasticsearch", {"host": "elastic.co", "port": 80, "schema": "http", "timeout": "60"}),
        (
            "docker",
            {
                "host": "https://index.docker.io/v1",
                "port": 80,
                "login": "username",
                "email": "myemail@my.com",
                "reauth": "False",
            },
        ),
        ("kubernetes", {"extra__kubernetes__in_cluster": True}),
        ("kubernetes", {"kube_config": examples.kubeconfig(), "cluster_context": "eu"}),
        ("github", {**APP, "key_path": "a.pem", "token_permissions": {"issues": "write"}}),
    ],
)
def test_what_people_have_in_airflow_is_right(name: str, values: dict[str, Any]) -> None:
    assert errors_of(name, **values) == {}
