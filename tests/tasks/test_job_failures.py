"""Failures of the cloud job and of closing: steps 4 and 5."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.db import OperationalError

from tasks.models import TaskInstance
from tasks.presentation.execution_table import run_table
from tests.fakes.google import (
    FakeGoogle,
    Fault,
    JobError,
    JobPlan,
)
from tests.tasks.conftest import query_task, states
from tests.tasks.failures import AT_STEP_4, failed_row


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operators.google_calls.FIRST_PAUSE", 0.01)


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
    assert row.explanation is not None
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


@pytest.mark.parametrize("text", ["bad \ud800 half", "bad \0 nul"])
def test_a_message_that_no_database_takes_is_stored_all_the_same(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], text: str
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.on("jobs.insert", Fault.status(400, reason="invalidQuery", message=text))
    run = run_dag()
    assert states(run) == AT_STEP_4
    assert "bad " in failed_row(run).vendor_message


def test_a_secret_that_is_an_ordinary_word_does_not_break_the_codes(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url, my_token="invalid")
    google.plan(JobPlan(error=JobError.invalid_query()))
    assert failed_row(run_dag()).explanation.code == "job:invalid-query"


def test_a_key_that_stands_in_a_file_is_masked_too(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], tmp_path: Any
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    connect(key_path=str(path), api_endpoint=google.url)
    echo = Fault.status(400, reason="invalidQuery", message=f"no: {key['private_key']}")
    google.on("jobs.insert", echo)
    run = run_dag()
    line = key["private_key"].split("\n")[3]
    assert line not in failed_row(run).vendor_message
    google.reset()
    google.on("token", Fault.token("invalid_grant", f"no: {key['private_key']}"))
    again = run_dag()
    assert again.state == "failed"
    assert line not in failed_row(again).vendor_message


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_for_a_moment_costs_no_job(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], monkeypatch: Any
) -> None:
    """Its job may be running: to call the task failed would be a guess."""
    from tasks.engine import writing

    connect(keyfile_dict=key, api_endpoint=google.url)
    write = writing.write
    calls = []

    def fragile(*arguments: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OperationalError("the connection was lost")
        write(*arguments, **more)

    monkeypatch.setattr("tasks.engine.writing.write", fragile)
    assert run_dag().state == "success"
    assert len(calls) > 3
    assert TaskInstance.objects.get().takeovers == 0
    assert len(google.jobs) == 1


def test_a_template_cannot_keep_the_worker_busy(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    task = query_task(configuration={"query": {"query": "{{ (7 ** (10 ** 8)) > 1 }}"}})
    started = time.monotonic()
    assert failed_row(run_dag(task)).explanation.code == "task:template-error"
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("interval", [0, -1])
def test_bigquery_is_not_flooded_whatever_the_interval(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any], interval: int
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=1))
    assert run_dag(query_task(poll_interval=interval)).state == "success"
    assert len(google.requests_of("jobs.getQueryResults")) < 12
