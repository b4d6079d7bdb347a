"""BigQueryInsertJobOperator: what each of its arguments does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError
from tests.fakes.google import FakeGoogle, Fault, JobError, JobPlan
from tests.tasks.bigquery_world import JOB_ID, QUERY, Context, World
from tests.tasks.handmade_context import Stopped

NAME = "BigQueryInsertJobOperator"
OPERATOR = OPERATORS[NAME]
TARGET = "reports@acme-reports.iam.gserviceaccount.com"
DELEGATE = "step@acme-reports.iam.gserviceaccount.com"
LOAD = {"load": {"destinationTable": {"datasetId": "sales", "tableId": "day"}}}


@pytest.fixture
def world(google: FakeGoogle, key: dict[str, Any]) -> Iterator[World]:
    made = World(google, key)
    yield made
    made.close()


@pytest.fixture
def iam(google: FakeGoogle, monkeypatch: pytest.MonkeyPatch) -> FakeGoogle:
    path = "/v1/projects/-/serviceAccounts/{}:generateAccessToken"
    monkeypatch.setattr("google.auth.iam._IAM_ENDPOINT", google.url + path)
    return google


# What it leaves


def test_the_value_is_the_jobs_id_and_its_path_is_another_xcom(world: World) -> None:
    result = world.execute(NAME, configuration=QUERY)
    assert result.value == JOB_ID
    assert result.xcoms == {"job_id_path": f"acme-reports:US:{JOB_ID}"}
    assert result.facts["rows"] == 1
    assert (result.facts["project"], result.facts["location"]) == ("acme-reports", "US")


def test_the_console_is_linked_only_for_jobs_that_run_at_google() -> None:
    from tasks.operators.bigquery_jobs import is_googles
    from tasks.operators.bigquery_outcome import result_of

    class Job:
        job_id, project, location = "j_1", "acme-reports", "EU"

    class Session:
        api_endpoint = ""

    result = result_of(Job(), {}, is_googles=is_googles(Session()))
    assert result.facts["console_url"] == (
        "https://console.cloud.google.com/bigquery"
        "?project=acme-reports&j=bq:EU:j_1&page=queryresults"
    )
    Session.api_endpoint = "https://eu-bigquery.googleapis.com"
    assert is_googles(Session())
    Session.api_endpoint = "http://127.0.0.1:9050"
    assert not is_googles(Session())
    assert "console_url" not in result_of(Job(), {}, is_googles=False).facts


@pytest.mark.parametrize(
    ("configuration", "facts", "summary"),
    [
        (LOAD, {"rows": 7, "bytes": 900}, "Cloud job done, 7 rows, 900 B read"),
        ({"copy": {}}, {"rows": 7}, "Cloud job done, 7 rows"),
        (
            {"extract": {"destinationUris": ["gs://a/1", "gs://a/2"]}},
            {"files": 6},
            "Cloud job done, 6 files",
        ),
        (
            {"query": {"query": "DELETE FROM a.b WHERE true"}},
            {"changed_rows": 4, "bytes": 20},
            "Cloud job done, 4 rows changed, 20 B read",
        ),
    ],
    ids=["load", "copy", "extract", "dml"],
)
def test_every_kind_of_job_tells_what_it_did(
    world: World,
    google: FakeGoogle,
    configuration: dict[str, Any],
    facts: dict[str, Any],
    summary: str,
) -> None:
    google.plan(
        JobPlan(output_rows=7, output_bytes=900, files=3, affected_rows=4, bytes_processed=20)
    )
    result = world.execute(NAME, configuration=configuration)
    names = ("rows", "changed_rows", "files", "bytes")
    told = {name: result.facts[name] for name in names if name in result.facts}
    assert told == facts
    assert result.summary == summary


# Its arguments


def test_project_and_location_of_the_task_count_more_than_the_connections(
    google: FakeGoogle, key: dict[str, Any]
) -> None:
    world = World(google, key, location="europe-west1")
    world.execute(NAME, configuration=QUERY, project_id="acme-two", location="asia-east1")
    world.context.job_id += "2"
    world.execute(NAME, configuration=QUERY)
    world.close()
    assert [(job.project, job.location) for job in google.jobs.values()] == [
        ("acme-two", "asia-east1"),
        ("acme-reports", "europe-west1"),
    ]


def test_a_job_id_stands_before_the_trys_own(world: World, google: FakeGoogle) -> None:
    result = world.execute(NAME, configuration=QUERY, job_id="nightly load")
    assert result.value == f"nightly_load_{JOB_ID}"
    assert list(google.jobs) == [result.value]


def test_without_force_rerun_another_run_does_not_start_the_job_again(
    world: World, google: FakeGoogle
) -> None:
    arguments = {"configuration": QUERY, "job_id": "once", "force_rerun": False}
    first = world.execute(NAME, **arguments)
    again = world.execute(NAME, **arguments)  # a takeover of the same try
    assert again.value == first.value
    world.context.job_id = "patchbay_sales_the_task_ba9876543210"
    with pytest.raises(Failure) as caught:
        world.execute(NAME, **arguments)
    assert caught.value.code == "job:id-taken"
    assert caught.value.facts["state"] == "DONE"
    reattached = world.execute(NAME, **arguments, reattach_states=["DONE"])
    assert reattached.value == first.value
    other = {"query": {"query": "SELECT 2"}}
    world.execute(NAME, **{**arguments, "configuration": other})
    assert [job.inserts for job in google.jobs.values()] == [4, 1]


def test_a_job_whose_id_is_shared_tells_which_try_inserted_it(
    world: World, google: FakeGoogle
) -> None:
    world.execute(NAME, configuration=QUERY, job_id="once", force_rerun=False)
    world.execute(NAME, configuration=QUERY)
    labels = [job.configuration["labels"].get("patchbay-try") for job in google.jobs.values()]
    assert labels == ["0123456789ab", None]


def test_the_dags_own_labels_stay(world: World, google: FakeGoogle) -> None:
    world.execute(NAME, configuration={**QUERY, "labels": {"team": "sales", "airflow-dag": "x"}})
    [job] = google.jobs.values()
    assert job.configuration["labels"] == {
        "airflow-dag": "x",
        "airflow-task": "the_task",
        "team": "sales",
    }


def test_result_timeout_ends_the_wait_and_the_job(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60))
    with pytest.raises(Failure) as caught:
        world.execute(NAME, configuration=QUERY, result_timeout=0.1, poll_interval=0.1)
    assert caught.value.code == "job:timeout"
    assert google.jobs[JOB_ID].cancel_requested is not None


def test_without_cancel_on_kill_a_timeout_leaves_the_job_alone(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(running=60))
    with pytest.raises(Failure) as caught:
        world.execute(NAME, configuration=QUERY, result_timeout=0.1, cancel_on_kill=False)
    assert caught.value.code == "job:timeout"
    assert google.jobs[JOB_ID].cancel_requested is None


def test_looks_come_soon_at_first_and_never_further_apart_than_poll_interval(
    world: World, google: FakeGoogle
) -> None:
    """A load: its job is asked for, and BigQuery doesn't hold that question."""
    looks = 20
    world.context = Context(stop_when=lambda: len(world.context.waits) >= looks)
    google.plan(JobPlan(running=60))
    with pytest.raises(Stopped):
        world.execute(NAME, configuration=LOAD, poll_interval=3)
    waits = world.context.waits
    assert waits == sorted(waits)
    assert waits[1] <= 0.1
    assert waits[-1] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"configuration": {}}, "exactly one of query, load, extract and copy"),
        ({"configuration": {**QUERY, **LOAD}}, "it holds query, load"),
        ({"configuration": QUERY, "result_retry": 3}, "stands in the connection"),
        ({"configuration": QUERY, "impersonation_chain": 5}, "a text or a list of texts"),
        ({"configuration": QUERY, "impersonation_chain": [5]}, "a text or a list of texts"),
        ({"configuration": QUERY, "job_retry": None}, "has no argument 'job_retry'"),
    ],
)
def test_what_can_not_act_is_refused_in_words(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        OPERATOR.check(arguments)


@pytest.mark.parametrize(
    "arguments", [{"deferrable": True}, {"impersonation_chain": [TARGET]}, {"result_retry": None}]
)
def test_what_means_nothing_here_is_accepted(arguments: dict[str, Any]) -> None:
    OPERATOR.check({"configuration": QUERY, **arguments})


def test_what_another_task_left_may_be_the_configuration() -> None:
    OPERATOR.check({"configuration": {"__xcom__": "plan", "key": "return_value"}})


# Impersonation


@pytest.mark.parametrize("chain", [[DELEGATE, TARGET], f"{DELEGATE}, {TARGET}"])
def test_the_job_runs_as_the_last_of_the_tasks_chain(
    world: World, iam: FakeGoogle, chain: Any
) -> None:
    world.execute(NAME, configuration=QUERY, impersonation_chain=chain)
    [job] = iam.jobs.values()
    assert job.user_email == TARGET
    [asked] = iam.requests_of("iam.generateAccessToken")
    assert asked.body["delegates"] == [DELEGATE]
    assert f"calls are made as {TARGET}" in world.context.logs
    assert iam.tokens_issued[-1].value in world.session.secrets


def test_the_tasks_chain_stands_for_the_connections(iam: FakeGoogle, key: dict[str, Any]) -> None:
    world = World(iam, key, impersonation_chain=DELEGATE, quota_project_id="acme-quota")
    world.execute(NAME, configuration=QUERY, impersonation_chain=TARGET)
    world.close()
    assert [job.user_email for job in iam.jobs.values()] == [TARGET]
    last = iam.requests_of("iam.generateAccessToken")[-1]
    issued = {token.value: token.email for token in iam.tokens_issued}
    [insert] = iam.requests_of("jobs.insert")
    assert insert.headers["x-goog-user-project"] == "acme-quota"
    asked_as = issued[last.headers["authorization"].removeprefix("Bearer ")]
    assert asked_as == key["client_email"]


def test_an_account_that_may_not_be_impersonated_is_named(world: World, iam: FakeGoogle) -> None:
    iam.on("iam.generateAccessToken", Fault.status(403, reason="forbidden", message="denied"))
    with pytest.raises(Failure) as caught:
        world.execute(NAME, configuration=QUERY, impersonation_chain=TARGET)
    assert caught.value.code == "session:impersonation-refused"
    assert caught.value.facts["account"] == TARGET
    assert not iam.jobs


# Failures


def test_a_job_that_fails_names_its_id(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(error=JobError.table_not_found()))
    with pytest.raises(Failure) as caught:
        world.execute(NAME, configuration=LOAD)
    assert caught.value.code == "job:not-found"
    assert caught.value.facts["job_id"] == JOB_ID
