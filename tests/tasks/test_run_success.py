"""A run that goes well, with the real client against a fake of Google."""

from __future__ import annotations

from typing import Any

from tasks.presentation.execution_table import run_table
from tests.fakes.google import FakeGoogle, JobPlan
from tests.tasks.conftest import QUERY, query_task, states


def test_every_step_is_pending_when_the_run_is_made(run_dag: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("tasks.engine.runner.run", lambda _: [])
    run = run_dag()
    rows = run_table(run).rows
    assert [(row.number, row.state) for row in rows] == [(n, "pending") for n in range(1, 7)]
    assert [row.conn_id for row in rows] == ["", *["my_gcp_conn"] * 4, ""]


def test_the_execution_table_says_what_the_design_says(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(rows=[["a", "1"], ["b", "2"]], bytes_processed=1_234_567))
    run = run_dag()
    assert run.state == "success"
    rows = [
        (row.number, row.action, row.conn_id or "N/A", row.internal_state, row.result)
        for row in run_table(run).rows
    ]
    conn_id = "my_gcp_conn"
    assert rows == [
        (1, "DAG starts execution", "N/A", "DAG loaded, task ready", "Ready to run task"),
        (
            2,
            "Task requests connection",
            conn_id,
            "Fetch connection details from the metadata database",
            "Connection details retrieved",
        ),
        (
            3,
            "Client session is created",
            conn_id,
            "Session object created with credentials",
            "Session ready for API calls",
        ),
        (
            4,
            "Task executes cloud API call",
            conn_id,
            "Session used to send request",
            "Cloud job done, 2 rows, 1.2 MB read",
        ),
        (5, "Task completes", conn_id, "Session closed", "Resources freed"),
        (6, "DAG run ends", "N/A", "All tasks finished", "DAG run successful"),
    ]


def test_the_job_runs_as_the_service_account_with_airflows_labels(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    run_dag(query_task("Load.Day"))
    [job] = google.jobs.values()
    assert job.user_email == key["client_email"]
    assert job.configuration["query"]["query"] == QUERY["query"]["query"]
    assert job.configuration["labels"] == {
        "airflow-dag": "example_dag",
        "airflow-task": "load_day",
    }


def test_the_run_waits_while_the_job_is_pending_and_running(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(pending=0.3, running=0.4))
    run = run_dag()
    assert run.state == "success"
    step = run.steps.get(number=4)
    assert (step.ended_at - step.started_at).total_seconds() >= 0.7
    assert [job.inserts for job in google.jobs.values()] == [1]


def test_the_version_of_the_connection_is_pinned_on_the_run(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    assert run_dag().task_instances.get().conn_version == 1


def test_templates_see_the_conf_of_the_run(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect("eu", keyfile_dict=key, api_endpoint=google.url)
    configuration = {"query": {"query": "SELECT '{{ dag_run.conf.day }}', '{{ ds }}'"}}
    task = query_task(configuration=configuration, gcp_conn_id="{{ params.where }}")
    run = run_dag(task, conf={"day": "2026-01-31", "where": "eu"})
    assert run.state == "success"
    [job] = google.jobs.values()
    assert (
        job.configuration["query"]["query"] == f"SELECT '2026-01-31', '{run.logical_date:%Y-%m-%d}'"
    )
    assert set(run.steps.filter(number__in=(2, 3, 4, 5)).values_list("conn_id", flat=True)) == {
        "eu"
    }


def test_a_second_task_runs_after_the_first(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    run = run_dag(query_task("first"), query_task("second", upstream=("first",)))
    assert states(run) == ["success"] * 10
    first, second = run.task_instances.order_by("position")
    assert first.ended_at <= second.started_at


def test_every_write_takes_the_next_number_of_the_sequence(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    run = run_dag()
    numbers = [*run.steps.values_list("sequence", flat=True)]
    numbers += run.log_lines.values_list("sequence", flat=True)
    assert len(set(numbers)) > 3
    assert max(numbers) == run.sequence


def test_a_task_that_is_done_is_not_run_again_by_a_second_message(
    run_dag: Any, connect: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    from tasks.engine import runner

    connect(keyfile_dict=key, api_endpoint=google.url)
    run = run_dag()
    assert runner.run(run.task_instances.get().pk) == []
    assert [job.inserts for job in google.jobs.values()] == [1]
    assert run.sequence == type(run).objects.get(pk=run.pk).sequence
