"""Connections as people have them in Airflow: each comes in without an edit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connections.exceptions import InvalidConnection
from connections.types import type_of
from connections.validation import Draft, check
from tests.connections.conftest import key_file

LOGIN: dict[str, Any] = {"login": "ann", "password": "tulip"}
UUID = "72f988bf-86f1-41af-91ab-2d7cd011db47"
KUBE = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "c"}],
    "contexts": [{"name": "c"}],
}
AWS_KEY: dict[str, Any] = {"login": "AKIAIOSFODNN7EXAMPLE", "password": "tulip/7+" * 5}
HOST: dict[str, Any] = {"host": "db.example.com"}

STORED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("aws", {}, {}),
    ("aws", AWS_KEY, {"region_name": "eu-west-1"}),
    ("aws", AWS_KEY, {"role_arn": "arn:aws:iam::123456789012:role/r", "region_name": "eu-west-1"}),
    ("aws", {}, {"profile_name": "reports", "config_kwargs": {"signature_version": "unsigned"}}),
    ("aws", AWS_KEY, {"aws_session_token": "t", "endpoint_url": "http://minio:9000"}),
    ("aws", AWS_KEY, {"host": "http://minio:9000", "verify": False}),
    ("azure", {**LOGIN, "login": UUID}, {"tenantId": UUID, "subscriptionId": UUID}),
    ("azure", {}, {"managed_identity_client_id": UUID, "workload_identity_tenant_id": UUID}),
    ("azure", {}, {"key_path": "/run/azure.json", "tenantId": "", "subscriptionId": ""}),
    ("wasb", {"login": "acct", "password": "a2V5" * 22}, {}),
    ("wasb", {"login": "acct"}, {"sas_token": "?sv=2020&sig=tulip"}),
    ("wasb", {**LOGIN, "host": "https://a.blob.core.windows.net"}, {"tenant_id": UUID}),
    ("wasb", {}, {"extra__wasb__connection_string": "AccountName=a;AccountKey=" + "a2V5" * 22}),
    ("postgres", {**HOST, **LOGIN, "schema": "db", "port": 5432}, {"sslmode": "verify-ca"}),
    ("postgres", {**HOST, **LOGIN}, {"keepalives_idle": "30", "options": "-c x=1", "iam": False}),
    ("postgres", {"host": "postgres", "login": "airflow", "password": "airflow"}, {}),
    ("mysql", {**HOST, **LOGIN}, {"charset": "utf8", "cursor": "sscursor", "local_infile": True}),
    ("mysql", {**HOST, **LOGIN}, {"ssl": {"ca": "/etc/ca.pem"}}),
    ("mysql", {**HOST, **LOGIN}, {"ssl": '{"ca": "/etc/ca.pem"}'}),
    ("mssql", {**HOST, **LOGIN, "port": 1433}, {"tds_version": "7.4", "charset": "UTF-8"}),
    ("redshift", {**HOST, **LOGIN, "schema": "dev", "port": 5439}, {"sslmode": "require"}),
    (
        "redshift",
        {"login": "awsuser", "schema": "dev"},
        {"iam": True, "cluster_identifier": "c", "region": "eu-west-1", "profile": "default"},
    ),
    ("snowflake", LOGIN, {"account": "ab123", "warehouse": "wh", "database": "db", "role": "r"}),
    (
        "snowflake",
        {**LOGIN, "host": "ab123.snowflakecomputing.com"},
        {"extra__snowflake__account": "ab123", "extra__snowflake__insecure_mode": False},
    ),
    ("snowflake", LOGIN, {"account": "a", "authenticator": "https://acme.okta.com"}),
    ("snowflake", LOGIN, {"account": "a", "private_key_file": "/run/key.p8"}),
    ("databricks", {"host": "https://dbc-1.cloud.databricks.com", "password": "dapi1"}, {}),
    ("databricks", {"host": "dbc-1.cloud.databricks.com"}, {"token": "dapi1"}),
    ("databricks", {"host": "dbc-1.cloud.databricks.com", "login": "token"}, {"token": "dapi1"}),
    ("databricks", {"host": "h.example.com", **LOGIN}, {"service_principal_oauth": "true"}),
    ("trino", {**HOST, "login": "ann", "port": 443}, {"protocol": "https", "verify": "false"}),
    ("trino", {**HOST, "login": "ann"}, {"auth": "jwt", "jwt__token": "tulip"}),
    ("sqlite", {"host": "/tmp/sqlite_default.db"}, {}),
    ("sqlite", {"host": ":memory:"}, {}),
    ("google_cloud_platform", {}, {"keyfile_dict": key_file(), "num_retries": "5"}),
    ("google_cloud_platform", {}, {"keyfile_dict": key_file(), "is_anonymous": "false"}),
    ("google_cloud_platform", {}, {"project": "", "key_path": "", "num_retries": 5, "scope": ""}),
    ("gcpbigquery", {}, {"use_legacy_sql": "false", "location": "EU", "priority": "BATCH"}),
    ("http", {"host": "https://api.example.com"}, {"X-Api-Key": "k", "timeout": "30"}),
    ("http", {"host": "api.example.com", "schema": "https", **LOGIN}, {"verify": False}),
    ("http", {"host": "api", "login": "u"}, {"headers": {"a": "b"}, "max_redirects": "3"}),
    ("ssh", {**HOST, **LOGIN, "port": 22}, {"no_host_key_check": "true", "compress": "false"}),
    ("ssh", {**HOST, "login": "u"}, {"key_file": "~/.ssh/id_rsa", "conn_timeout": "10"}),
    ("ssh", {"host": "localhost"}, {"key_file": "/k", "timeout": "10", "look_for_keys": "false"}),
    ("sftp", {**HOST, **LOGIN}, {"key_file": "~/.ssh/id_rsa", "no_host_key_check": True}),
    ("slack", {"password": "xoxb-1-2-abc"}, {"timeout": "42"}),
    ("slackwebhook", {"host": "hooks.slack.com/services", "password": "T00/B00/XX"}, {}),
    ("slackwebhook", {"password": "https://hooks.slack.com/services/T00/B00/XX"}, {}),
    ("smtp", {"host": "smtp.example.com", "port": 587, **LOGIN}, {"disable_ssl": "true"}),
    ("smtp", {"host": "localhost", "port": 25}, {"from_email": "a@example.com", "timeout": 30}),
    ("redis", {"host": "redis", "port": 6379}, {"db": "0"}),
    (
        "redis",
        {"host": "redis", "password": "tulip"},
        {"db": 0, "ssl": "false", "ssl_cert_reqs": ""},
    ),
    ("mongo", {**HOST, **LOGIN}, {"srv": "true", "ssl": True, "retryWrites": "true"}),
    ("mongo", {"host": "mongo", "port": 27017}, {}),
    ("kafka", {}, {"bootstrap.servers": "broker:29092", "group.id": "g", "any.other": 5}),
    ("elasticsearch", {**HOST, "port": 9200, "schema": "http"}, {"http_compress": "true"}),
    ("docker", {"host": "registry.example.com", **LOGIN, "port": 5000}, {"reauth": "no"}),
    ("docker", {"host": "https://index.docker.io/v1", **LOGIN}, {"email": "", "reauth": False}),
    ("kubernetes", {}, {"in_cluster": "true", "kube_config_path": "", "namespace": "default"}),
    ("kubernetes", {}, {"extra__kubernetes__in_cluster": False, "kube_config": json.dumps(KUBE)}),
    ("kubernetes", {}, {"kube_config": KUBE, "cluster_context": "c"}),
    (
        "github",
        {"password": "ghp_" + "a1B2c3" * 6, "host": "https://github.example.com/api/v3"},
        {},
    ),
    ("jira", {"host": "https://acme.atlassian.net", **LOGIN}, {"verify": "/etc/ca.pem"}),
    ("msgraph", {**LOGIN}, {"tenant_id": "t", "proxies": {"https": "http://p:1"}, "verify": True}),
    ("yandexcloud", {}, {"service_account_json": {"id": "a", "private_key": "tulip"}}),
    (
        "facebook_social",
        {},
        {"account_id": ["a", "b"], "app_id": 1, "app_secret": "s", "access_token": "t"},
    ),
    ("spark", {"host": "k8s://https://h:443", "port": None}, {"queue": "q", "rest-port": 6066}),
    ("hdfs", {"host": "localhost", "port": 8020}, {"autoconfig": "true"}),
]


@pytest.mark.parametrize(
    ("conn_type", "columns", "extra"),
    STORED,
    ids=[f"{n}-{each[0]}" for n, each in enumerate(STORED)],
)
def test_a_connection_of_airflow_is_right_as_it_is(
    conn_type: str, columns: dict[str, Any], extra: dict[str, Any]
) -> None:
    draft = replace(Draft("c", conn_type), **columns, extra=extra)
    try:
        check(draft)
    except InvalidConnection as error:
        pytest.fail(f"{error.errors}, read as the method {type_of(conn_type).method_of(extra)!r}")
