"""What holds for each of the cloud and database types, against the facts of Airflow."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from connections.masking import MASK
from connections.models import Connection
from connections.redaction import redacted_extra
from connections.types import TYPES
from connections.types.catalogue import catalogue
from connections.types.google_cloud_platform import GOOGLE_CLOUD_PLATFORM
from tasks.operators import OPERATORS
from tests.connections.pages import assert_unseen, errors_on, form_on, send
from tests.connections.types.cloud_examples import (
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    errors_of,
)
from tests.connections.types.service_examples import PASSPHRASE, private_key

NAMES = (
    "aws",
    "azure",
    "wasb",
    "postgres",
    "mysql",
    "mssql",
    "sqlite",
    "redshift",
    "snowflake",
    "databricks",
    "trino",
    "gcpbigquery",
)
FACTS = {declared.name: declared for declared in catalogue()}
DOCS = Path(__file__).parents[3] / "docs" / "connection-types-cloud.md"

#: Extras of the facts that have no field here, with the reason. The secret flags all agree.
NO_FIELD = {
    ("databricks", "host"): "the name of a column; it stays an extra without a field",
}

each_type = pytest.mark.parametrize("name", NAMES)


@each_type
def test_every_extra_that_airflow_reads_has_a_field(name: str) -> None:
    declared = TYPES[name]
    for fact in FACTS[name].fields:
        if fact.column:
            continue
        field = declared.field(fact.name)
        if (name, fact.name) in NO_FIELD:
            assert field is None or field.column
            continue
        assert field, fact.name
        assert not field.column
        assert field.secret == fact.secret, fact.name


def test_the_differences_from_airflow_are_real_ones() -> None:
    for name, field in NO_FIELD:
        assert FACTS[name].field(field)


@each_type
def test_an_empty_one_is_right(name: str) -> None:
    assert errors_of(name) == {}


@each_type
def test_null_and_empty_extras_are_right(name: str) -> None:
    fields = [field for field in TYPES[name].fields if not field.column]
    assert errors_of(name, {field.name: None for field in fields}) == {}
    assert errors_of(name, {field.name: "" for field in fields}) == {}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("aws", {}),
        ("azure", {}),
        ("databricks", {"host": "localhost"}),
        ("mssql", {"host": "localhost", "port": 1433}),
        ("mysql", {"host": "mysql", "login": "root", "password": "", "schema": "airflow"}),
        (
            "mysql",
            {"host": "localhost", "login": "airflow", "password": "airflow", "schema": "airflow"},
        ),
        (
            "postgres",
            {"host": "postgres", "login": "postgres", "password": "airflow", "schema": "airflow"},
        ),
        (
            "redshift",
            {
                "iam": True,
                "cluster_identifier": "<REDSHIFT_CLUSTER_IDENTIFIER>",
                "port": 5439,
                "profile": "default",
                "db_user": "awsuser",
                "database": "dev",
                "region": "",
            },
        ),
        ("sqlite", {"host": "/tmp/sqlite_default.db"}),
        ("trino", {"host": "localhost", "schema": "hive", "port": 3400}),
        ("wasb", {"sas_token": None}),
    ],
)
def test_airflows_own_default_connections_are_right(name: str, values: dict[str, Any]) -> None:
    assert errors_of(name, values) == {}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("postgres", {"host": "db", "password": "p", "iam": "false", "connect_timeout": "10"}),
        ("postgres", {"host": "db", "iam": "true", "aws_conn_id": None}),
        ("postgres", {"host": "db", "login": "reports", "sslmode": "REQUIRE"}),
        ("mysql", {"ssl": '{"ca": "/ca.pem"}', "cursor": "SSCursor", "charset": "utf8"}),
        ("snowflake", {"insecure_mode": "True", "proxy_port": "8080", "password": "p"}),
        ("snowflake", {"extra__snowflake__account": "acme", "password": "p"}),
        ("snowflake", {"host": "x.snowflakecomputing.com", "private_key_file": "/k.p8"}),
        ("databricks", {"host": "https://adb-1.2.azuredatabricks.net/?o=12", "password": "p"}),
        ("databricks", {"login": "token", "password": "p", "http_path": "sql/protocolv1/o/0/1"}),
        ("databricks", {"login": "federated_k8s", "client_id": None}),
        ("trino", {"verify": False, "client_tags": ["a", "b"], "protocol": "https"}),
        ("trino", {"host": "https://trino.example.com", "verify": "False", "roles": {}}),
        ("aws", {"login": ACCESS_KEY_ID, "password": SECRET_ACCESS_KEY, "verify": False}),
        ("aws", {"aws_access_key_id": "x", "aws_secret_access_key": "y", "host": "http://m"}),
        ("wasb", {"login": "acme", "extra__wasb__sas_token": "?sv=1&sig=2"}),
        ("azure", {"tenantId": "acme.com", "use_azure_identity_object": True}),
        ("redshift", {"host": "h", "password": "p", "cluster_identifier": "c", "ssl": True}),
        ("gcpbigquery", {"extra__google_cloud_platform__num_retries": "5", "labels": "{}"}),
    ],
)
def test_what_people_have_in_airflow_is_right(name: str, values: dict[str, Any]) -> None:
    assert errors_of(name, values) == {}


@each_type
def test_secrets_are_masked_and_the_rest_is_seen(name: str) -> None:
    declared = TYPES[name]
    extra = {field.name: f"value of {field.name}" for field in declared.fields if not field.column}
    shown = redacted_extra(declared, extra)
    secrets = {field.name for field in declared.fields if field.secret}
    assert {found for found, value in shown.items() if value == MASK} >= secrets - {"password"}
    for field in declared.fields:
        if not field.secret and not field.column and field.kind not in ("json", "json_value"):
            assert shown[field.name] == extra[field.name]
    if declared.legacy_prefix:
        legacy = {declared.legacy_prefix + found: "tulip" for found in secrets}
        assert "tulip" not in redacted_extra(declared, legacy).values()


def test_secrets_whose_names_do_not_say_so_are_declared() -> None:
    assert "account_key" in TYPES["wasb"].secret_names
    assert "extra_credential" in TYPES["trino"].secret_names
    assert "key_json" in TYPES["azure"].secret_names


@each_type
def test_every_number_and_boolean_is_right_as_a_text_too(name: str) -> None:
    for field in TYPES[name].fields:
        if field.kind == "boolean":
            for value in (False, "false", "False", "0"):
                assert errors_of(name, {field.name: value}) == {}
            assert errors_of(name, {field.name: "tulip"})[field.name] == "True or false."
        if field.kind == "integer" and not field.column:
            words = errors_of(name, {field.name: "tulip"})[field.name]
            assert words == "A whole number."


@each_type
def test_every_field_of_json_refuses_what_is_none(name: str) -> None:
    for field in TYPES[name].fields:
        if field.kind in ("json", "json_value"):
            words = errors_of(name, {field.name: "{tulip"})[field.name]
            assert words.startswith("A JSON object")


@each_type
def test_values_outside_the_choices_are_refused_with_the_choices(name: str) -> None:
    for field in TYPES[name].fields:
        if field.choices and not field.is_open:
            words = errors_of(name, {field.name: "tulip"})[field.name]
            assert words == f"One of: {', '.join(field.choices)}."


@each_type
def test_no_words_quote_a_secret(name: str) -> None:
    values = (
        "tulip",
        "tulip\n",
        "-----BEGIN tulip",
        "{tulip",
        "https://tulip:tulip@tulip",
        "=tulip;",
        "AccountName=a;AccountKey=tulip",
    )
    for field in TYPES[name].fields:
        for value in values:
            if field.column != "port":
                assert "tulip" not in str(errors_of(name, {field.name: value}).values())


@each_type
def test_every_field_and_method_is_documented_under_its_heading(name: str) -> None:
    declared = TYPES[name]
    page, _, wanted = declared.docs.partition("#")
    assert page == f"docs/{DOCS.name}"
    sections = {
        re.sub(r"[^\w\- ]", "", part.partition("\n")[0].lower()).replace(" ", "-"): part
        for part in DOCS.read_text(encoding="utf-8").split("\n## ")
    }
    section = sections[wanted]
    assert f"`{name}`" in section
    rows = {
        cells[0].replace("`", ""): line
        for line in section.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split(" | ")]) > 2
    }
    shared = GOOGLE_CLOUD_PLATFORM if name == "gcpbigquery" else None
    for field in declared.fields:
        if shared is None or shared.field(field.name) is None:
            assert field.secret == ("**yes**" in rows[field.name]), field.name
            assert declared.is_card(field) or f"| {field.label} |" in rows[field.name]
    for method in declared.methods if shared is None else ():
        needs = ", ".join(f"`{need}`" for need in method.needs) or "nothing"
        assert rows[method.label].endswith(f"| {needs} |")


def test_bigquery_runs_with_its_own_type_too() -> None:
    declared = TYPES["gcpbigquery"]
    assert declared.hook == GOOGLE_CLOUD_PLATFORM.hook
    assert "gcpbigquery" in OPERATORS["BigQueryInsertJobOperator"].connection_types
    assert errors_of("gcpbigquery", location="europe-west3", labels={"team": "reports"}) == {}
    assert list(errors_of("gcpbigquery", location="Frankfurt!")) == ["location"]
    assert list(errors_of("gcpbigquery", project="No")) == ["project"]


# On the form


@pytest.mark.django_db
def test_an_access_key_is_created_in_the_browser(admin_client: Client) -> None:
    url = "/connections/new/?type=aws"
    page = admin_client.get(url)
    form = form_on(page)
    assert {"login", "password", "role_arn", "region_name"} <= set(form)
    assert b"Secret access key" in page.content
    values = {"conn_id": "mine", "method": "key", "login": ACCESS_KEY_ID}
    answer = send(admin_client, url, **values, password="tulip-too-short")
    assert list(errors_on(answer)) == ["password"]
    assert_unseen(answer, "tulip-too-short")
    assert not Connection.objects.exists()
    answer = send(admin_client, url, **values, password=SECRET_ACCESS_KEY, region_name="eu-west-1")
    assert answer.status_code == 302
    loaded = Connection.objects.get().load()
    assert (loaded.login, loaded.password) == (ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    assert loaded.extra == {"region_name": "eu-west-1"}


@pytest.mark.django_db
def test_a_locked_key_of_snowflake_is_kept_byte_for_byte(admin_client: Client) -> None:
    url, key = "/connections/new/?type=snowflake", private_key(PASSPHRASE)
    values = {
        "conn_id": "mine",
        "method": "key",
        "account": "acme-reports",
        "private_key_content": key.replace("\n", "\r\n"),
    }
    answer = send(admin_client, url, **values, password="tulip-wrong")
    assert "The passphrase doesn't open this key." in errors_on(answer)["password"]
    assert_unseen(answer, "tulip-wrong", key)
    assert not Connection.objects.exists()
    assert send(admin_client, url, **values, password=PASSPHRASE).status_code == 302
    loaded = Connection.objects.get().load()
    assert loaded.extra == {"account": "acme-reports", "private_key_content": key}
    assert json.dumps(loaded.password) == json.dumps(PASSPHRASE)


@pytest.mark.django_db
def test_the_cards_of_postgres_set_what_airflow_looks_at(admin_client: Client) -> None:
    url = "/connections/new/?type=postgres"
    assert form_on(admin_client.get(url))["method"] == "password"
    values = {"conn_id": "mine", "host": "db.example.com", "method": "redshift"}
    changes = {**values, "cluster-identifier": "reports"}
    assert send(admin_client, url, **changes).status_code == 302
    loaded = Connection.objects.get().load()
    assert loaded.extra == {"iam": True, "redshift": True, "cluster-identifier": "reports"}
    answer = send(admin_client, "/connections/mine/edit/", method="password", password="tulip")
    assert answer.status_code == 302
    loaded = Connection.objects.get().load()
    assert (loaded.password, loaded.extra) == ("tulip", {})
