"""Airflow's official Python client against a real web process and a real worker, unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow_client import client as airflow
from airflow_client.client.exceptions import ApiException, NotFoundException

from connections.defaults import default_entries
from connections.models import Connection
from tests import processes
from tests.api.calls import stored
from tests.e2e.conftest import until
from tests.fakes.google import FakeGoogle
from tests.roles import user_of

__all__ = ["until"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[processes.Process]:
    with processes.worker() as process:
        yield process


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture
def configuration(web: str) -> airflow.Configuration:
    """Signed in as the client's own documentation shows."""
    user_of("Editor", "ann", password=PASSWORD)
    found = airflow.Configuration(host=web)
    with airflow.ApiClient(found) as client:
        answer = client.call_api(
            "POST",
            f"{web}/auth/token",
            header_params={"Content-Type": "application/json"},
            body={"username": "ann", "password": PASSWORD},
        )
    found.access_token = json.loads(answer.read())["access_token"]
    return found


@pytest.fixture
def api(configuration: airflow.Configuration) -> Iterator[airflow.ConnectionApi]:
    with airflow.ApiClient(configuration) as client:
        yield airflow.ConnectionApi(client)


def body(conn_id: str = "pg", **fields: Any) -> airflow.ConnectionBody:
    return airflow.ConnectionBody(
        **{"connection_id": conn_id, "conn_type": "postgres", "host": "h.example.com", **fields}
    )


def ids(answer: airflow.ConnectionCollectionResponse) -> list[str]:
    return [connection.connection_id for connection in answer.connections]


def test_a_connection_is_created_read_changed_and_deleted(api: airflow.ConnectionApi) -> None:
    made = api.post_connection(
        body(password="s3cret", port=5432, login="l", extra='{"sslmode": "require"}', schema="s")
    )
    assert (made.connection_id, made.password, made.var_schema) == ("pg", "***", "s")
    assert api.get_connection("pg") == made
    loaded = Connection.objects.get().load()
    assert (loaded.password, loaded.schema, loaded.extra) == ("s3cret", "s", {"sslmode": "require"})

    changed = api.patch_connection("pg", body(host="new.example.com", login="bob"), ["host"])
    assert (changed.host, changed.login, changed.password) == ("new.example.com", "l", "***")
    assert Connection.objects.get().load().password == "s3cret"

    again = airflow.ConnectionBody.from_dict({**changed.to_dict(), "description": "told"})
    assert again is not None
    assert api.patch_connection("pg", again).description == "told"
    assert Connection.objects.get().load().password == "s3cret"

    api.delete_connection("pg")
    with pytest.raises(NotFoundException):
        api.get_connection("pg")


def test_a_list_takes_every_parameter(api: airflow.ConnectionApi) -> None:
    for conn_id, host in (("a_1", "z.example.com"), ("a_2", "y.example.com"), ("b_1", "")):
        stored(conn_id, host=host)
    assert ids(api.get_connections()) == ["a_1", "a_2", "b_1"]
    found = api.get_connections(
        limit=1, offset=1, order_by=["conn_type", "-connection_id"], connection_id_pattern="a\\_|a_"
    )
    assert (ids(found), found.total_entries) == (["a_1"], 2)
    assert ids(api.get_connections(connection_id_prefix_pattern="b")) == ["b_1"]
    with pytest.raises(ApiException) as refused:
        api.get_connections(order_by=["password"])
    assert refused.value.status == 400


def test_many_are_created_changed_and_deleted_in_one_call(api: airflow.ConnectionApi) -> None:
    stored("old", password="kept")
    actions = [
        {"action": "create", "entities": [body("a").to_dict(), body("old").to_dict()]},
        {
            "action": "create",
            "entities": [body("b").to_dict(), body("old").to_dict()],
            "action_on_existence": "skip",
        },
        {
            "action": "update",
            "entities": [body("old", description="told", login="l").to_dict()],
            "update_mask": ["description"],
        },
        {"action": "delete", "entities": ["b", "nope"], "action_on_non_existence": "skip"},
    ]
    request = airflow.BulkBodyConnectionBody.from_dict({"actions": actions})
    assert request is not None
    answer = api.bulk_connections(request)
    assert answer.create is not None
    assert answer.create.success == ["b"]
    assert answer.create.errors is not None
    assert [error["status_code"] for error in answer.create.errors] == [409]
    assert answer.update is not None
    assert answer.update.success == ["old"]
    assert answer.delete is not None
    assert answer.delete.success == ["b"]
    old = Connection.objects.get().load()
    assert (old.description, old.login, old.password) == ("told", "", "kept")


def test_the_default_connections_are_made_once(api: airflow.ConnectionApi) -> None:
    stored("http_default", "http", host="mine.example.com")
    api.create_default_connections()
    count = len(default_entries())
    assert api.get_connections(limit=1).total_entries == count
    api.create_default_connections()
    assert Connection.objects.count() == count
    assert Connection.objects.get(conn_id="http_default").host == "mine.example.com"


def google_body(key: dict[str, Any], google: FakeGoogle) -> airflow.ConnectionBody:
    extra = {"project": "acme-reports", "api_endpoint": google.url, "keyfile_dict": key}
    return airflow.ConnectionBody(
        connection_id="gcp", conn_type="google_cloud_platform", extra=json.dumps(extra)
    )


@pytest.mark.usefixtures("worker")
def test_a_test_is_made_on_a_worker_also_of_what_is_not_saved(
    api: airflow.ConnectionApi, google: FakeGoogle, key: dict[str, Any]
) -> None:
    answer = api.test_connection(google_body(key, google))
    assert answer.status is True, answer.message
    assert key["client_email"] in answer.message
    assert not Connection.objects.exists()
    api.post_connection(google_body(key, google))
    shown = airflow.ConnectionBody.from_dict(api.get_connection("gcp").to_dict())
    assert shown is not None
    assert "***" in (shown.extra or "")
    assert api.test_connection(shown).status is True


@pytest.mark.usefixtures("worker")
def test_a_test_that_is_begun_is_asked_for_by_its_token(
    api: airflow.ConnectionApi, google: FakeGoogle, key: dict[str, Any], until: Any
) -> None:
    request = airflow.ConnectionTestRequestBody.from_dict(google_body(key, google).to_dict())
    assert request is not None
    begun = api.enqueue_connection_test(request)
    assert (begun.connection_id, begun.state) == ("gcp", "pending")

    def over() -> Any:
        found = api.get_connection_test(begun.token)
        return found if found.state in ("success", "failed") else None

    found = until(over)
    assert found.state == "success", found.result_message
    assert key["client_email"] in found.result_message
    with pytest.raises(NotFoundException):
        api.get_connection_test("nonsense")


def test_errors_are_what_the_client_expects(
    api: airflow.ConnectionApi, configuration: airflow.Configuration
) -> None:
    stored("pg")
    for call, status in (
        (lambda: api.post_connection(body("pg")), 409),
        (lambda: api.post_connection(body("x", extra="{")), 422),
        (lambda: api.patch_connection("pg", body("other")), 400),
        (lambda: api.delete_connection("nope"), 404),
    ):
        with pytest.raises(ApiException) as refused:
            call()
        assert refused.value.status == status
    configuration.access_token = "nonsense"
    with airflow.ApiClient(configuration) as client, pytest.raises(ApiException) as refused:
        airflow.ConnectionApi(client).get_connections()
    assert refused.value.status == 403


def test_the_version_and_the_health_are_read(configuration: airflow.Configuration) -> None:
    with airflow.ApiClient(configuration) as client:
        assert airflow.VersionApi(client).get_version().version
        health = airflow.MonitorApi(client).get_health()
    assert health.metadatabase.status == "healthy"
