"""Connections of environment variables: they come before what is stored."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from connections.exceptions import ConnectionFailure
from connections.from_environment import all_from_environment, find_in_environment, look_up
from connections.models import Connection
from connections.services import get_connection, secrets_of
from patchbay.environment import Environment

SECRET = "tulip-7"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AIRFLOW_CONN_", "PATCHBAY_CONN_")):
            monkeypatch.delenv(name)


def test_a_uri_and_the_json_form_are_found_by_the_id_in_capitals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", f"postgresql://u:{SECRET}@h")
    data = {"conn_type": "google-cloud-platform", "extra": {"project": "acme"}}
    monkeypatch.setenv("PATCHBAY_CONN_MY.CLOUD-2", json.dumps(data))
    database, cloud = find_in_environment("my_db"), find_in_environment("my.cloud-2")
    assert database
    assert cloud
    assert (database.conn_id, database.conn_type) == ("my_db", "postgres")
    assert database.password == SECRET
    assert (database.version, database.origin) == (0, "AIRFLOW_CONN_MY_DB")
    assert (cloud.conn_type, cloud.extra) == ("google_cloud_platform", {"project": "acme"})
    assert cloud.origin == "PATCHBAY_CONN_MY.CLOUD-2"
    assert SECRET not in repr(database)


def test_patchbays_variable_counts_before_airflows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A", "http://airflow")
    monkeypatch.setenv("PATCHBAY_CONN_A", "http://patchbay")
    found = find_in_environment("a")
    assert found
    assert found.host == "patchbay"
    assert [(each.conn_id, each.variable) for each in all_from_environment()] == [
        ("a", "PATCHBAY_CONN_A")
    ]


def test_an_empty_variable_and_other_names_count_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A", "")
    monkeypatch.setenv("AIRFLOW_CONN_", "http://h")
    monkeypatch.setenv("airflow_conn_a", "http://h")
    monkeypatch.setenv("AIRFLOW_CONN_my_db", "http://h")
    assert find_in_environment("a") is None
    assert find_in_environment("my-db") is None
    assert all_from_environment() == []


def test_all_are_listed_in_order_with_those_that_cant_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_B", "http://h")
    monkeypatch.setenv("AIRFLOW_CONN_A", f"http://u:{SECRET}@h#")
    broken, good = all_from_environment()
    assert (broken.conn_id, broken.connection) == ("a", None)
    assert "%23" in broken.problem
    assert SECRET not in repr(broken)
    assert (good.conn_id, good.problem) == ("b", "")
    assert good.connection
    assert look_up("A") == type(broken)("A", broken.variable, None, broken.problem)


@pytest.mark.django_db
def test_the_environment_comes_before_what_is_stored_also_if_that_is_disabled(
    monkeypatch: pytest.MonkeyPatch, decryptions: list[str]
) -> None:
    Connection.objects.create(
        conn_id="my_db", conn_type="http", host="stored", password="x", is_disabled=True
    )
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", f"http://u:{SECRET}@env/?api_token={SECRET}2")
    found = get_connection("my_db")
    assert (found.host, found.origin) == ("env", "AIRFLOW_CONN_MY_DB")
    assert {SECRET, f"{SECRET}2"} <= secrets_of(found)
    assert not decryptions


@pytest.mark.django_db
def test_a_variable_that_cant_be_read_never_gives_way_to_what_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Connection.objects.create(conn_id="my_db", conn_type="http", host="stored")
    monkeypatch.setenv("AIRFLOW_CONN_MY_DB", f"http://u:{SECRET}@h#")
    with pytest.raises(ConnectionFailure) as error:
        get_connection("my_db")
    assert error.value.code == "connection:environment-invalid"
    assert error.value.facts["variable"] == "AIRFLOW_CONN_MY_DB"
    assert SECRET not in str(error.value.facts)


@pytest.mark.django_db
def test_legacy_names_of_extras_are_read_from_a_variable_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uri = "google-cloud-platform://?extra__google_cloud_platform__project=old-reports"
    monkeypatch.setenv("AIRFLOW_CONN_G", uri)
    assert get_connection("g").extra["project"] == "old-reports"


def test_a_variable_with_a_connection_does_not_stop_the_start(tmp_path: Path) -> None:
    Environment({"PATCHBAY_CONN_MY_DB": "http://h"}, base=tmp_path)


def test_a_connection_in_the_file_of_make_run_does_because_nobody_would_read_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "local.env").write_text(f"PATCHBAY_CONN_MY_DB=http://u:{SECRET}@h\n")
    with pytest.raises(ImproperlyConfigured, match="PATCHBAY_CONN_MY_DB") as error:
        Environment({"PATCHBAY_HOME": str(tmp_path)}, base=tmp_path)
    assert SECRET not in str(error.value)
