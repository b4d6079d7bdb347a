"""A job that runs in the cloud is cancelled there, whoever cancels it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tasks.operators.base import AlreadyDone
from tests.fakes.google import FakeGoogle, Fault, JobError, JobPlan
from tests.tasks.bigquery_world import JOB_ID, QUERY, Context, World
from tests.tasks.handmade_context import Stopped

NAME = "BigQueryInsertJobOperator"
ONCE = {"configuration": QUERY, "job_id": "once", "force_rerun": False}
LOAD = {
    "load": {
        "destinationTable": {"projectId": "acme-reports", "datasetId": "eu", "tableId": "day"},
        "sourceUris": ["gs://a/1"],
    }
}


@pytest.fixture
def world(google: FakeGoogle, key: dict[str, Any]) -> Iterator[World]:
    made = World(google, key)
    yield made
    made.close()


def start(world: World, google: FakeGoogle, **arguments: Any) -> None:
    """Execute until the job is there and waited for; then the worker is stopped."""
    world.context = Context(stop_when=lambda: bool(google.jobs))
    with pytest.raises(Stopped):
        world.execute(NAME, **arguments)
    world.context = Context()


def test_a_running_job_is_cancelled_and_waited_for(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60, cancel_after=0.2))
    start(world, google, configuration=QUERY, poll_interval=0.1)
    words = world.cancel(NAME, configuration=QUERY)
    assert words == f"BigQuery cancelled the job {JOB_ID}."
    job = google.jobs[JOB_ID]
    assert (job.state, job.stopped, job.inserts) == ("DONE", True, 1)
    assert world.context.told == [
        ("BigQuery was asked to cancel the job", {"job_id": JOB_ID}),
    ]
    assert world.context.waits


def test_where_nothing_was_started_nothing_is_said(world: World, google: FakeGoogle) -> None:
    assert world.cancel(NAME, configuration=QUERY) == ""
    assert not google.jobs
    assert not google.requests_of("jobs.cancel")


def test_a_job_that_had_ended_well_counts_as_done(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(rows=[[1], [2]], bytes_processed=5))
    world.execute(NAME, configuration=LOAD)
    with pytest.raises(AlreadyDone) as caught:
        world.cancel(NAME, configuration=LOAD)
    assert caught.value.result.value == JOB_ID
    assert not google.requests_of("jobs.cancel")


def test_a_job_that_ignores_the_cancel_and_ends_well_counts_as_done(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(running=0.6, cancel_after=None))
    start(world, google, configuration=QUERY, poll_interval=0.1)
    with pytest.raises(AlreadyDone):
        world.cancel(NAME, configuration=QUERY)
    assert google.requests_of("jobs.cancel")


def test_a_job_that_had_failed_before_says_how(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=0.05, error=JobError.table_not_found()))
    start(world, google, configuration=LOAD)
    world.context.wait(0.02)
    while google.jobs[JOB_ID].state != "DONE":
        world.context.wait(0.02)
    words = world.cancel(NAME, configuration=LOAD)
    assert words.startswith(f"The job {JOB_ID} had ended before: Not found: Table")


def test_without_cancel_on_kill_the_job_goes_on(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60))
    arguments = {"configuration": QUERY, "cancel_on_kill": False}
    start(world, google, **arguments, poll_interval=0.1)
    words = world.cancel(NAME, **arguments)
    assert words == f"The job {JOB_ID} goes on in BigQuery: cancel_on_kill is False."
    assert google.jobs[JOB_ID].cancel_requested is None


def test_the_job_of_force_rerun_false_is_found_by_its_own_id(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(running=60))
    start(world, google, **ONCE, poll_interval=0.1)
    [job] = google.jobs.values()
    assert job.id.startswith("once_")
    assert world.cancel(NAME, **ONCE) == f"BigQuery cancelled the job {job.id}."


def test_a_job_of_the_same_id_that_another_run_started_is_left_alone(
    world: World, google: FakeGoogle
) -> None:
    google.plan(JobPlan(running=60))
    start(world, google, **ONCE, poll_interval=0.1)
    world.context.job_id = "patchbay_sales_the_task_ba9876543210"
    [job] = google.jobs.values()
    words = world.cancel(NAME, **ONCE)
    assert words == f"The job {job.id} was started by another run, and goes on."
    assert job.cancel_requested is None


@pytest.mark.parametrize("configuration", [QUERY, LOAD], ids=["query", "load"])
def test_a_job_is_found_where_bigquery_runs_it_although_nobody_named_the_place(
    world: World, google: FakeGoogle, configuration: dict[str, Any]
) -> None:
    google.catalog.put_table("acme-reports.eu.day", schema=[("a", "DATE")], location="europe-west1")
    google.plan(JobPlan(running=60, location="europe-west1"))
    start(world, google, configuration=configuration, poll_interval=0.1)
    words = world.cancel(NAME, configuration=configuration)
    assert words == f"BigQuery cancelled the job {JOB_ID}."
    assert list(google.jobs) == [JOB_ID]


def test_a_fault_that_passes_does_not_stop_the_cancel(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60))
    start(world, google, configuration=QUERY, poll_interval=0.1)
    google.on("jobs.get", Fault.status(503, reason="backendError"), times=1)
    google.on("jobs.cancel", Fault.drop(), times=1)
    assert world.cancel(NAME, configuration=QUERY) == f"BigQuery cancelled the job {JOB_ID}."
    assert world.context.retries == ["cloud:unavailable", "cloud:dropped"]


def test_a_worker_that_stops_while_it_cancels_lets_go(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60, cancel_after=None))
    start(world, google, configuration=QUERY, poll_interval=0.1)
    world.context = Context(stop_when=lambda: bool(google.requests_of("jobs.cancel")))
    with pytest.raises(Stopped):
        world.cancel(NAME, configuration=QUERY)
    assert google.jobs[JOB_ID].state == "RUNNING"


def test_a_check_that_is_cancelled_cancels_its_query(world: World, google: FakeGoogle) -> None:
    google.plan(JobPlan(running=60))
    world.context = Context(stop_when=lambda: bool(google.jobs))
    arguments = {"sql": "SELECT COUNT(*) FROM sales.day", "use_legacy_sql": False}
    with pytest.raises(Stopped):
        world.execute("BigQueryCheckOperator", **arguments)
    world.context = Context()
    words = world.cancel("BigQueryCheckOperator", **arguments)
    assert words == f"BigQuery cancelled the job {JOB_ID}."
    again = world.cancel("BigQueryCheckOperator", **arguments)
    assert again.startswith(f"The job {JOB_ID} had ended before")
