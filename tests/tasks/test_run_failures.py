"""What must fail well: the right step fails, the rest is skipped, and words say why."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.fernet import Fernet

from connections.models import Connection
from tasks.models import DagRun
from tasks.presentation import StepRow, run_table
from tests.fakes.google import (
    FakeGoogle,
    Fault,
    JobError,
    JobPlan,
    SelfSignedServer,
    SilentServer,
    unused_port,
)
from tests.tasks.conftest import query_task, states

AT_STEP_2 = ["success", "failed", "skipped", "skipped", "skipped", "failed"]
AT_STEP_3 = ["success", "success", "failed", "skipped", "skipped", "failed"]
AT_STEP_4 = ["success", "success", "success", "failed", "success", "failed"]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.bigquery_jobs.FIRST_PAUSE", 0.01)


def failed_row(run: DagRun) -> StepRow:
    """The row that failed, which must explain itself."""
    assert run.state == "failed"
    row = next(row for row in run_table(run).rows if row.state == "failed")
    assert row.explanation is not None
    words = row.explanation
    for text in (words.short, words.happened, words.cause, words.remedy):
        assert text
        assert "{" not in text
        assert "?" not in text
    assert run.steps.get(number=6).result == (
        f"DAG run failed: bq_task failed at step {row.number}"
    )
    return row


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
    assert time.monotonic() - started < 5
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
    assert time.monotonic() - started < 5
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


# Step 4: the job


def test_an_sql_error_shows_bigquerys_message_and_its_place(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.invalid_query()))
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "job:invalid-query"
    assert "Syntax error" in row.vendor_message
    assert "[1:1]" in row.vendor_message


def test_a_table_that_is_not_there_is_named(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.table_not_found()))
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "job:not-found"
    assert "was not found" in row.vendor_message


def test_access_denied_says_whom_to_grant_what(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    denied = Fault.status(403, reason="accessDenied", message="Access Denied: Project acme-reports")
    google.on("jobs.insert", denied)
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "job:permission-denied"
    assert row.retries == 0
    assert f"serviceAccount:{key['client_email']}" in row.explanation.command
    assert "acme-reports" in row.explanation.command


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(429, reason="rateLimitExceeded"),
        Fault.status(403, reason="rateLimitExceeded"),
        Fault.status(500, reason="backendError"),
        Fault.status(503, reason="backendError"),
        Fault.drop(),
    ],
)
def test_what_passes_is_retried_inside_the_step_and_counted(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], fault: Fault
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("jobs.insert", fault, times=2)
    run = run_dag()
    assert run.state == "success"
    assert run.steps.get(number=4).retries == 2
    assert len(google.jobs) == 1


def test_a_rate_limit_that_stays_fails_after_the_connections_retries(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url, num_retries=2)
    google.on("jobs.insert", Fault.status(429, reason="rateLimitExceeded"))
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "cloud:rate-limited"
    assert row.retries == 2
    assert "3 times" in row.explanation.happened


def test_a_used_up_quota_is_not_retried(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("jobs.insert", Fault.status(403, reason="quotaExceeded"))
    run = run_dag()
    row = failed_row(run)
    assert row.explanation.code == "job:quota-exceeded"
    assert row.retries == 0


def test_a_lost_answer_to_an_insert_does_not_run_the_job_twice(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("jobs.insert", Fault.drop_after(), times=1)
    run = run_dag()
    assert run.state == "success"
    assert len(google.jobs) == 1


def test_a_fault_while_waiting_does_not_fail_the_job(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=0.4))
    google.on("jobs.getQueryResults", Fault.status(503, reason="backendError"), times=2)
    run = run_dag()
    assert run.state == "success"
    assert run.steps.get(number=4).retries == 2


def test_an_anonymous_session_that_needs_credentials_says_so(
    run_dag: Any, connect: Any, google: FakeGoogle
) -> None:
    connect(is_anonymous=True, project="acme-reports", api_endpoint=google.url)
    run = run_dag()
    assert states(run) == AT_STEP_4
    assert failed_row(run).explanation.code == "cloud:unauthenticated"


def test_a_job_that_takes_too_long_is_cancelled_in_the_cloud(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=60))
    run = run_dag(query_task(result_timeout=0.3))
    assert failed_row(run).explanation.code == "job:timeout"
    assert google.requests_of("jobs.cancel")


def test_a_template_that_cannot_be_filled_fails_at_step_4(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    task = query_task(configuration={"query": {"query": "SELECT '{{ dag_run.conf.day }}'"}})
    run = run_dag(task)
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "task:template-error"
    assert "configuration.query.query" in row.explanation.happened
    assert not google.jobs


# Step 5: closing


def test_a_session_that_does_not_close_does_not_hide_the_result(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], monkeypatch: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    monkeypatch.setattr(
        "google.cloud.bigquery.Client.close",
        lambda _: (_ for _ in ()).throw(OSError("bad file descriptor")),
    )
    run = run_dag()
    assert run.state == "success"
    assert states(run) == ["success"] * 4 + ["failed", "success"]
    row = run_table(run).tasks[0].rows[3]
    assert row.explanation.code == "session:close-failed"
    assert "bad file descriptor" in row.vendor_message


# A failure and the tasks after it


def test_what_stands_after_a_failure_is_not_run(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.invalid_query()))
    run = run_dag(
        query_task(),
        query_task("second", upstream=("bq_task",)),
        query_task("third", upstream=("second",)),
    )
    assert run.state == "failed"
    assert list(run.task_instances.order_by("position").values_list("state", flat=True)) == [
        "failed",
        "upstream_failed",
        "upstream_failed",
    ]
    assert states(run)[5:-1] == ["skipped"] * 8
    assert len(google.jobs) == 1


def test_a_defect_is_told_as_one(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], monkeypatch: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)

    def stumble(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("tasks.operators.bigquery_jobs.run_job", stumble)
    run = run_dag()
    assert states(run) == AT_STEP_4
    row = failed_row(run)
    assert row.explanation.code == "task:internal-error"
    assert row.explanation.type == "internal"
