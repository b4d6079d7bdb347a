"""The fake of Google, driven by the client library that speaks to the real one.

Tokens and the life of jobs; what goes wrong on the way is in ``google/test_faults.py``.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import RefreshError
from google.cloud import bigquery

from tests.fakes.google import FakeGoogle, JobError, JobPlan, service_account_key
from tests.fakes.google.client import (
    CLOUD_PLATFORM,
    NEVER,
    client_of,
    credentials_of,
    find,
    read,
    submit,
)

JOBS = "/bigquery/v2/projects/acme/jobs"
SELECT: dict[str, Any] = {"query": {"query": "SELECT 1"}}


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


def refusal(fake: FakeGoogle, credentials: Any) -> Any:
    """The token endpoint's answer to credentials it refuses, with which nothing gets done."""
    with client_of(fake, credentials) as client, pytest.raises(RefreshError) as caught:
        submit(client)
    assert (fake.tokens_issued, fake.jobs) == ([], {})
    return caught.value.args[1]


# The token endpoint


def test_a_key_from_the_console_opens_a_session(fake: FakeGoogle, client: bigquery.Client) -> None:
    submit(client)
    (token,) = fake.tokens_issued
    assert token.email == "patchbay@acme.iam.gserviceaccount.com"
    assert token.scopes == (CLOUD_PLATFORM,)
    (insert,) = fake.requests_of("jobs.insert")
    assert insert.headers["authorization"] == f"Bearer {token.value}"


@pytest.mark.parametrize(
    ("claims", "error", "description"),
    [
        ({"aud": "https://example.com"}, "invalid_grant", "Failed audience check"),
        ({"scope": ""}, "invalid_scope", "Invalid OAuth scope"),
        ({"iss": "nobody@acme.test"}, "invalid_grant", "account not found"),
        ({"exp": time.time() - 86_400}, "invalid_grant", "short-lived token"),
        ({"exp": time.time() + 86_400}, "invalid_grant", "short-lived token"),
        ({"iat": time.time() + 86_400}, "invalid_grant", "short-lived token"),
        ({"iat": "now"}, "invalid_grant", "short-lived token"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(
    fake: FakeGoogle, claims: dict[str, Any], error: str, description: str
) -> None:
    credentials = credentials_of(service_account_key(fake)).with_claims(claims)
    answer = refusal(fake, credentials)
    assert answer["error"] == error
    assert description in answer["error_description"]


def test_an_assertion_signed_with_another_key_is_refused(fake: FakeGoogle) -> None:
    key = service_account_key(fake)
    stolen = service_account_key(fake, email="other@acme.test", fresh=True)
    answer = refusal(fake, credentials_of(key | {"private_key": stolen["private_key"]}))
    assert answer == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


def test_a_key_deleted_in_the_console_is_refused(fake: FakeGoogle) -> None:
    key = service_account_key(fake)
    fake.revoke_key(key["private_key_id"])
    answer = refusal(fake, credentials_of(key))
    assert answer == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


def test_a_request_for_another_grant_is_refused(fake: FakeGoogle) -> None:
    answer = requests.post(fake.token_uri, data={"grant_type": "password"}, timeout=2)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_what_is_not_an_assertion_is_refused(fake: FakeGoogle) -> None:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"}
    answer = requests.post(fake.token_uri, data=form, timeout=2)
    assert answer.json() == {"error": "invalid_grant", "error_description": "Bad Request"}


# Who may call BigQuery


@pytest.mark.parametrize(
    ("headers", "reason", "message"),
    [
        ({}, "required", "Request is missing required authentication credential."),
        (
            {"Authorization": "Bearer ya29.unknown"},
            "authError",
            "Request had invalid authentication credentials.",
        ),
    ],
)
def test_a_call_without_a_known_token_is_401(
    fake: FakeGoogle, headers: dict[str, str], reason: str, message: str
) -> None:
    answer = requests.post(fake.url + JOBS, json=SELECT, headers=headers, timeout=2)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (401, 401, "UNAUTHENTICATED")
    assert error["message"].startswith(message)
    assert error["errors"][0]["reason"] == reason
    assert fake.jobs == {}


def test_an_expired_token_is_renewed_by_the_client(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    submit(client)
    fake.expire_tokens()
    assert find(client).state == "DONE"
    assert len(fake.requests_of("token")) == 2


def test_a_token_that_outlived_its_life_is_401(fake: FakeGoogle) -> None:
    with FakeGoogle(token_lifetime=0) as strict:
        credentials = credentials_of(service_account_key(strict))
        with client_of(strict, credentials) as client, pytest.raises(exceptions.Unauthorized):
            submit(client)
        assert strict.tokens_issued
        assert strict.jobs == {}


def test_a_token_for_another_service_is_403(fake: FakeGoogle) -> None:
    scope = "https://www.googleapis.com/auth/devstorage.read_only"
    credentials = credentials_of(service_account_key(fake), scope=scope)
    denied = pytest.raises(exceptions.Forbidden, match="insufficient authentication scopes")
    with client_of(fake, credentials) as client, denied:
        submit(client)
    assert fake.jobs == {}


def test_a_fake_that_allows_it_needs_no_token() -> None:
    with FakeGoogle(allow_anonymous=True) as fake:
        body = {"configuration": SELECT}
        answer = requests.post(fake.url + JOBS, json=body, timeout=2)
        assert answer.json()["status"]["state"] == "RUNNING"


# The life of a job


def test_a_query_goes_from_pending_to_running_to_done(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.plan(JobPlan(pending=0.15, running=0.15, bytes_processed=20_000_000, slot_ms=7))
    job = submit(client)
    seen = [job.state]
    while job.state != "DONE":
        time.sleep(0.01)
        job.reload(retry=NEVER, timeout=2)
        seen.append(job.state)
    assert list(dict.fromkeys(seen)) == ["PENDING", "RUNNING", "DONE"]
    assert abs(job.ended - job.created - dt.timedelta(seconds=0.3)).total_seconds() < 0.002
    assert (job.total_bytes_processed, job.total_bytes_billed) == (20_000_000, 20 * 1024**2)
    assert (job.slot_millis, job.cache_hit, job.statement_type) == (7, False, "SELECT")


def test_insert_says_running_even_if_the_job_takes_no_time(client: bigquery.Client) -> None:
    assert submit(client).state == "RUNNING"
    assert find(client).state == "DONE"


def test_insert_says_done_if_so_planned(fake: FakeGoogle, client: bigquery.Client) -> None:
    fake.plan(JobPlan(done_on_insert=True))
    assert submit(client).state == "DONE"


def test_rows_of_many_types_are_read_page_by_page(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    noon = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)
    row = (1, "a", 1.5, True, None, noon, noon.date(), b"x", ["p", "q"], {"n": 1})
    names = ("INTEGER", "STRING", "FLOAT", "BOOLEAN", "STRING", "TIMESTAMP", "DATE", "BYTES")
    scalars = [(f"c{number}", kind) for number, kind in enumerate(names)]
    record = {"name": "c9", "type": "RECORD", "fields": [{"name": "n", "type": "INTEGER"}]}
    schema: list[Any] = [*scalars, ("c8", "STRING", "REPEATED"), record]
    fake.plan(JobPlan(running=0.1, schema=schema, rows=[row] * 5))
    assert read(submit(client), page_size=2) == [row] * 5
    asked = [request.query.get("pageToken") for request in fake.requests]
    assert [token for token in asked if token] == ["2", "4"]


def test_a_wait_that_is_too_short_finds_the_job_unfinished(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.plan(JobPlan(running=30))
    submit(client)
    url = f"{fake.url}/bigquery/v2/projects/acme/queries/run_1?timeoutMs=100"
    before = time.monotonic()
    assert client._http.get(url, timeout=2).json()["jobComplete"] is False
    assert 0.1 <= time.monotonic() - before < 1


def test_dml_counts_rows_and_returns_none(fake: FakeGoogle, client: bigquery.Client) -> None:
    fake.plan(JobPlan(affected_rows=12))
    job = submit(client, "-- nightly\nUPDATE sales.orders SET open = FALSE WHERE TRUE")
    assert read(job) == []
    assert (job.num_dml_affected_rows, job.statement_type) == (12, "UPDATE")


def test_a_short_query_needs_one_call(fake: FakeGoogle, client: bigquery.Client) -> None:
    rows = client.query_and_wait("SELECT 1", retry=NEVER, job_retry=NEVER, api_timeout=2)
    assert [row.values() for row in rows] == [(1,)]
    assert len(fake.requests_of("jobs.query")) == 1


def test_a_dry_run_says_its_cost_and_leaves_no_job(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.plan(JobPlan(bytes_processed=123))
    job = submit(client, job_config=bigquery.QueryJobConfig(dry_run=True))
    assert (job.total_bytes_processed, job.state, fake.jobs) == (123, "DONE", {})


@pytest.mark.parametrize(
    ("kind", "configuration", "statistics"),
    [
        ("load", {"sourceUris": ["gs://b/1"]}, {"outputRows": "7", "inputFiles": "3"}),
        ("extract", {"destinationUris": ["gs://b/*"]}, {"destinationUriFileCounts": ["3"]}),
        ("copy", {"sourceTable": {}}, {"copiedRows": "7", "copiedLogicalBytes": "70"}),
    ],
)
def test_other_kinds_of_job_report_what_they_did(
    fake: FakeGoogle,
    client: bigquery.Client,
    kind: str,
    configuration: dict[str, Any],
    statistics: dict[str, Any],
) -> None:
    fake.plan(JobPlan(output_rows=7, output_bytes=70, files=3))
    insert(fake, client, jobReference={"jobId": "run_1"}, configuration={kind: configuration})
    found = find(client)
    assert (found.job_type, found.state) == (kind, "DONE")
    assert statistics.items() <= found._properties["statistics"][kind].items()


def insert(fake: FakeGoogle, client: bigquery.Client, **body: Any) -> Any:
    """jobs.insert with any body, on the client's authorized session."""
    return client._http.post(fake.url + JOBS, json=body, timeout=2).json()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"configuration": {}}, "exactly one job-specific configuration object"),
        ({"configuration": {"query": {}}}, "Required parameter is missing: query"),
        ({"jobReference": {"jobId": "a.b"}}, 'Invalid job ID "a.b"'),
    ],
)
def test_a_request_that_names_no_proper_job_is_400(
    fake: FakeGoogle, client: bigquery.Client, change: dict[str, Any], message: str
) -> None:
    error = insert(fake, client, **({"configuration": SELECT} | change))["error"]
    assert (error["code"], error["errors"][0]["reason"]) == (400, "invalid")
    assert message in error["message"]
    assert fake.jobs == {}


@pytest.mark.parametrize("label", ["Nightly", "a.b", "x" * 64])
def test_a_label_google_would_refuse_is_refused(
    fake: FakeGoogle, client: bigquery.Client, label: str
) -> None:
    config = bigquery.QueryJobConfig(labels={"airflow-task": label})
    with pytest.raises(exceptions.BadRequest, match="has invalid characters"):
        submit(client, job_config=config)
    assert fake.jobs == {}


# One id, one job


def test_an_id_used_twice_is_409_and_the_first_job_can_be_taken_over(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    submit(client, "SELECT 1")
    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Job acme:US\.run_1"):
        submit(client, "SELECT 2")
    found = find(client)
    assert (found.query, found.state, fake.jobs["run_1"].inserts) == ("SELECT 1", "DONE", 2)


@pytest.mark.parametrize("location", ["EU", None])
def test_a_job_is_only_found_in_its_location(client: bigquery.Client, location: str | None) -> None:
    submit(client, job_id="far", location="asia-northeast1")
    assert find(client, "far", "asia-northeast1").location == "asia-northeast1"
    with pytest.raises(exceptions.NotFound, match="Not found: Job acme:"):
        find(client, "far", location)


def test_a_cancelled_job_ends_as_stopped(fake: FakeGoogle, client: bigquery.Client) -> None:
    fake.plan(JobPlan(running=30))
    job = submit(client)
    assert job.cancel(retry=NEVER, timeout=2)
    assert job.state == "RUNNING"
    job.reload(retry=NEVER, timeout=2)
    assert (job.state, job.error_result["reason"]) == ("DONE", "stopped")
    assert job.error_result["message"].endswith("User requested cancellation")


def test_a_cancel_that_is_ignored_or_comes_too_late_changes_nothing(
    fake: FakeGoogle, client: bigquery.Client
) -> None:
    fake.plan(JobPlan(running=0.1, cancel_after=None), matching="deaf")
    for job_id in ("deaf", "quick"):
        job = submit(client, job_id=job_id)
        job.cancel(retry=NEVER, timeout=2)
        assert read(job) == [(1,)]
        assert fake.jobs[job_id].error is None


@pytest.mark.parametrize(
    ("error", "raised", "location"),
    [
        (JobError.invalid_query(), exceptions.BadRequest, "query"),
        (JobError.table_not_found(), exceptions.NotFound, "acme:sales.orders"),
        (JobError.table_denied(), exceptions.Forbidden, "acme:sales.orders"),
    ],
)
def test_a_job_can_end_in_an_error(
    fake: FakeGoogle,
    client: bigquery.Client,
    error: JobError,
    raised: type[Exception],
    location: str,
) -> None:
    fake.plan(JobPlan(running=0.05, error=error))
    with pytest.raises(raised):
        read(submit(client))
    found = find(client)
    wanted = {"reason": error.reason, "message": error.message, "location": location}
    assert (found.error_result, found.errors) == (wanted, [wanted])
