"""Failures of the connection, the session and the network: steps 2, 3 and 4."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from connections.models import Connection
from tests.fakes.google import (
    FakeGoogle,
    Fault,
    SelfSignedServer,
    SilentServer,
    unused_port,
)
from tests.tasks.conftest import states
from tests.tasks.failures import AT_STEP_2, AT_STEP_3, AT_STEP_4, failed_row

# Step 2: the connection


def test_a_connection_that_is_not_there_fails_at_step_2(run_dag: Any) -> None:
    run = run_dag()
    assert states(run) == AT_STEP_2
    row = failed_row(run)
    assert row.explanation.code == "connection:not-found"
    assert "my_gcp_conn" in row.result


def test_a_disabled_connection_fails_at_step_2(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url, disabled=True)
    run = run_dag()
    assert states(run) == AT_STEP_2
    assert failed_row(run).explanation.code == "connection:disabled"
    assert not google.requests


@pytest.mark.parametrize("tab", ["overview", "health"])
def test_its_page_says_that_a_task_could_not_use_it_until_one_can(
    run_dag: Any,
    connect: Any,
    google: FakeGoogle,
    key: dict[str, Any],
    admin_client: Client,
    *,
    tab: str,
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url, disabled=True)
    run = run_dag()
    url = f"/connections/my_gcp_conn/{tab}/"
    page = admin_client.get(url).text
    assert "A task could not use it" in page
    assert f'href="/runs/{run.pk}/tasks/bq_task/"' in page
    Connection.objects.update(is_disabled=False)
    assert run_dag().state == "success"
    assert "A task could not use it" not in admin_client.get(url).text


def test_a_connection_of_another_type_fails_at_step_2(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    Connection.objects.update(conn_type="postgres")
    run = run_dag()
    assert states(run) == AT_STEP_2
    row = failed_row(run)
    assert row.explanation.code == "connection:wrong-type"
    assert "postgres" in row.explanation.happened
    assert not google.requests


def test_a_lost_key_fails_at_step_2_and_leaves_the_ciphertext_alone(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], settings: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    before = Connection.objects.get().__dict__["extra"]
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    run = run_dag()
    assert states(run) == AT_STEP_2
    row = failed_row(run)
    assert "can't be decrypted with the configured keys" in row.result
    assert "not found" not in row.result
    assert Connection.objects.get().__dict__["extra"] == before
    assert not google.requests


# Step 3: the session


def test_a_broken_private_key_fails_at_step_3(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    cut = key["private_key"][:200] + "\n-----END PRIVATE KEY-----\n"
    connect(keyfile_dict={**key, "private_key": cut}, api_endpoint=google.url)
    run = run_dag()
    assert states(run) == AT_STEP_3
    assert failed_row(run).explanation.code == "session:key-broken"
    assert not google.requests


@pytest.mark.parametrize(("error", "status"), [("invalid_grant", 400), ("invalid_client", 401)])
def test_credentials_that_google_rejects_fail_at_step_3(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], error: str, status: int
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("token", Fault.token(error, "Invalid JWT Signature.", code=status))
    run = run_dag()
    assert states(run) == AT_STEP_3
    row = failed_row(run)
    assert row.explanation.code == "session:credentials-rejected"
    assert error in row.explanation.happened
    assert "Invalid JWT Signature." in row.vendor_message
    assert not google.jobs


def test_a_key_that_google_has_deleted_fails_at_step_3(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.revoke_key(key["private_key_id"])
    assert states(run_dag()) == AT_STEP_3


def test_a_token_endpoint_that_is_gone_fails_at_step_3(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    gone = f"http://127.0.0.1:{unused_port()}/token"
    connect(keyfile_dict={**key, "token_uri": gone}, api_endpoint=google.url)
    run = run_dag()
    assert states(run) == AT_STEP_3
    row = failed_row(run)
    assert row.explanation.code == "cloud:unreachable"
    assert "refused" in row.explanation.happened


def test_a_token_endpoint_that_never_answers_fails_within_the_timeout(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    with SilentServer() as silent:
        connect(
            keyfile_dict={**key, "token_uri": f"{silent.url}/token"},
            api_endpoint=google.url,
            read_timeout=0.3,
        )
        started = time.monotonic()
        run = run_dag()
    assert time.monotonic() - started < 30
    assert states(run) == AT_STEP_3
    assert failed_row(run).explanation.code == "cloud:timeout"


def test_a_key_file_that_is_not_there_fails_at_step_3(run_dag: Any, connect: Any) -> None:
    connect(key_path="/nowhere/key.json", project="acme-reports")
    run = run_dag()
    assert states(run) == AT_STEP_3
    assert "/nowhere/key.json" in failed_row(run).result


# Steps 3 and 4: the network


def test_a_server_that_is_not_there_fails_at_step_4(run_dag: Any, connect: Any) -> None:
    endpoint = f"http://127.0.0.1:{unused_port()}"
    connect(is_anonymous=True, project="acme-reports", api_endpoint=endpoint)
    run = run_dag()
    assert states(run) == AT_STEP_4
    assert failed_row(run).explanation.code == "cloud:unreachable"


def test_an_unknown_name_fails_at_step_4(run_dag: Any, connect: Any) -> None:
    connect(is_anonymous=True, project="acme-reports", api_endpoint="http://no-such-host.invalid")
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "cloud:name-unknown"
    assert "no-such-host.invalid" in row.result


def test_a_certificate_that_nobody_vouches_for_fails_at_step_4(run_dag: Any, connect: Any) -> None:
    with SelfSignedServer() as server:
        connect(is_anonymous=True, project="acme-reports", api_endpoint=server.url)
        run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "cloud:tls"
    assert "self-signed certificate" in row.explanation.happened


def test_a_server_that_never_answers_fails_within_the_timeout(run_dag: Any, connect: Any) -> None:
    with SilentServer() as silent:
        connect(
            is_anonymous=True, project="acme-reports", api_endpoint=silent.url, read_timeout=0.3
        )
        started = time.monotonic()
        run = run_dag()
    assert time.monotonic() - started < 30
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "cloud:timeout"
    assert "0.3 s" in row.result


def test_a_page_that_is_not_the_api_fails_at_step_4(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("jobs.insert", Fault.garbage())
    run = run_dag()
    assert states(run) == AT_STEP_4
    assert failed_row(run).explanation.code == "cloud:bad-answer"
