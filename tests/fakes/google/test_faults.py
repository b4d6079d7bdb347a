"""What the fake does wrong on purpose, and the fake in a process of its own."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError, TransportError
from google.cloud import bigquery

from tests.fakes.google import (
    FakeGoogle,
    FakeProcess,
    Fault,
    JobError,
    JobPlan,
    service_account_key,
)
from tests.fakes.google.client import client_of, credentials_of, find, submit

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGoogle]:
    with FakeGoogle() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def client(fake: FakeGoogle) -> Iterator[bigquery.Client]:
    with client_of(fake, credentials_of(service_account_key(fake))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("code", "reason", "raised"),
    [
        (400, "invalidQuery", exceptions.BadRequest),
        (403, "accessDenied", exceptions.Forbidden),
        (403, "quotaExceeded", exceptions.Forbidden),
        (403, "rateLimitExceeded", exceptions.Forbidden),
        (429, "rateLimitExceeded", exceptions.TooManyRequests),
        (500, "backendError", exceptions.InternalServerError),
        (503, "backendError", exceptions.ServiceUnavailable),
    ],
)
def test_a_call_can_be_refused_with_a_status(
    fake: FakeGoogle,
    client: bigquery.Client,
    code: int,
    reason: str,
    raised: type[exceptions.GoogleAPICallError],
) -> None:
    fake.on("jobs.insert", Fault.status(code, reason=reason), times=1)
    with pytest.raises(raised) as caught:
        submit(client)
    assert caught.value.errors[0]["reason"] == reason
    assert fake.jobs == {}
    assert submit(client).state == "RUNNING"


def test_the_message_of_a_refusal_names_the_project(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.on("jobs.insert", Fault.status(403, reason="accessDenied"))
    with pytest.raises(exceptions.Forbidden, match=r"bigquery\.jobs\.create .* in project acme\."):
        submit(client)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.token("invalid_client", "The OAuth client was not found."), 401),
        (Fault.token("invalid_grant", "Invalid JWT Signature."), 400),
    ],
)
def test_the_token_endpoint_can_refuse(
    fake: FakeGoogle, client: bigquery.Client, fault: Fault, code: int
) -> None:
    fake.on("token", fault)
    with pytest.raises(RefreshError, match=f"{fault.reason}: {fault.message}"):
        submit(client)
    assert requests.post(fake.token_uri, timeout=2).status_code == code
    assert fake.tokens_issued == []


@pytest.mark.parametrize(
    ("call", "fault", "raised", "jobs"),
    [
        ("jobs.insert", Fault.hang(), requests.ReadTimeout, 0),
        ("jobs.insert", Fault.drop(), requests.ConnectionError, 0),
        ("jobs.insert", Fault.drop_after(), requests.ConnectionError, 1),
        ("jobs.insert", Fault.garbage(), requests.JSONDecodeError, 0),
        ("jobs.insert", Fault.slow(2), requests.ReadTimeout, 1),
        ("token", Fault.drop(), TransportError, 0),
        ("token", Fault.hang(), TransportError, 0),
    ],
)
def test_the_connection_itself_can_fail(
    fake: FakeGoogle,
    client: bigquery.Client,
    call: str,
    fault: Fault,
    raised: type[Exception],
    jobs: int,
) -> None:
    fake.on(call, fault)
    with pytest.raises(raised):
        submit(client, timeout=0.25)
    assert len(fake.jobs) == jobs


def test_after_a_lost_answer_the_retry_finds_the_job(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.on("jobs.insert", Fault.drop_after(), times=1)
    with pytest.raises(requests.ConnectionError):
        submit(client)
    with pytest.raises(exceptions.Conflict):
        submit(client)
    assert find(client).state == "DONE"
    assert list(fake.jobs) == ["run_1"]


def test_a_slow_answer_comes_in_the_end(fake: FakeGoogle, client: bigquery.Client) -> None:
    fake.on("jobs.insert", Fault.slow(0.15))
    before = time.monotonic()
    assert submit(client).state == "RUNNING"
    assert time.monotonic() - before >= 0.15


def test_counted_faults_come_in_order_before_the_newest_standing_one(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.on("jobs.get", Fault.status(500, reason="backendError"))
    fake.on("jobs.get", Fault.status(503, reason="backendError"), times=1)
    fake.on("jobs.get", Fault.status(403, reason="accessDenied"), times=1, matching="run_2")
    fake.on("jobs.get", Fault.status(429, reason="rateLimitExceeded"))
    codes = []
    for job_id in ("run_1", "run_1", "run_2", "run_2"):
        with pytest.raises(exceptions.GoogleAPICallError) as caught:
            find(client, job_id)
        codes.append(caught.value.code)
    assert codes == [503, 429, 403, 429]


def test_a_fault_with_a_typo_is_refused(fake: FakeGoogle) -> None:
    with pytest.raises(ValueError, match=r"no such call: jobs\.isnert"):
        fake.on("jobs.isnert", Fault.drop())
    with pytest.raises(ValueError, match="at least 1"):
        fake.on("jobs.insert", Fault.drop(), times=0)


def test_closing_ends_hanging_calls_and_every_thread() -> None:
    before = set(threading.enumerate())
    with FakeGoogle(allow_anonymous=True) as fake:
        fake.plan(JobPlan(running=60))
        fake.on("jobs.get", Fault.hang())
        base = f"{fake.url}/bigquery/v2/projects/acme"
        query = {"query": "SELECT 1", "timeoutMs": 50}
        job = requests.post(f"{base}/queries", json=query, timeout=2).json()["jobReference"]
        for kind in ("jobs", "queries"):
            with pytest.raises(requests.ReadTimeout):
                requests.get(f"{base}/{kind}/{job['jobId']}", timeout=0.1)
    assert set(threading.enumerate()) <= before


def test_nothing_leaves_the_machine(fake: FakeGoogle, client: bigquery.Client) -> None:
    submit(client)
    end = time.monotonic() + 5
    while not (elsewhere := {seen.path for seen in fake.requests if seen.method == "CONNECT"}):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert elsewhere == {"iamcredentials.googleapis.com:443"}


# A process of its own


def test_a_fake_in_its_own_process_is_programmed_and_questioned_from_here(fake: FakeGoogle) -> None:
    with FakeProcess() as far:
        with client_of(far, credentials_of(service_account_key(far))) as client:
            far.on("jobs.insert", Fault.status(503, reason="backendError"), times=1)
            far.plan(JobPlan(error=JobError.table_denied(), schema=[("a", "STRING")], rows=[]))
            with pytest.raises(exceptions.ServiceUnavailable):
                submit(client)
            submit(client)
            assert find(client).error_result["reason"] == "accessDenied"
        (job,) = far.jobs.values()
        assert (job["id"], job["state"], job["inserts"]) == ("run_1", "DONE", 1)
        calls = [request["call"] for request in far.requests]
        assert calls == ["token", "jobs.insert", "jobs.insert", "jobs.get"]
        assert len(far.tokens_issued) == 1
        far.reset()
        assert (far.jobs, far.requests, far.tokens_issued) == ({}, [], [])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"call": "jobs.insert", "kind": "explode"}, 400),
        ("faults", {"call": "jobs.explode", "kind": "drop"}, 400),
        ("faults", {"kind": "drop"}, 400),
        ("faults", {"call": "token", "kind": "token", "reason": "invalid_grant"}, 200),
        ("plan", {"runing": 1}, 400),
        ("plan", {"running": 1, "times": 2, "matching": "nightly"}, 200),
        ("keys", {"email": "a@b"}, 400),
        ("explode", {}, 404),
    ],
)
def test_a_control_request_with_a_typo_is_refused(
    fake: FakeGoogle, path: str, body: dict[str, Any], status: int
) -> None:
    answer = requests.post(f"{fake.url}/control/{path}", json=body, timeout=2)
    assert answer.status_code == status


def test_started_by_hand_it_prints_its_url_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "tests.fakes.google", "--port", "0", "--allow-anonymous"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/control/jobs", timeout=2).json() == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
