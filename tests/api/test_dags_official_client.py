"""DAGs and runs by Airflow's official Python client against a real web process and worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow_client import client as airflow
from airflow_client.client.exceptions import ApiException, NotFoundException

from access.models import AuditEvent
from tasks.models import Dag, DagImportError, DagRun
from tasks.spec import TaskSpec
from tests import processes
from tests.e2e.conftest import until
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.roles import user_of
from tests.tasks.conftest import query_task, save_dag

__all__ = ["until"]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PASSWORD = "a long password"
DAG = "example_dag"


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[processes.Process]:
    with processes.worker() as process:
        yield process


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture
def client(web: str) -> Iterator[airflow.ApiClient]:
    """Signed in as the client's own documentation shows, as somebody who may trigger."""
    user_of("Operator", "ann", password=PASSWORD)
    configuration = airflow.Configuration(host=web)
    with airflow.ApiClient(configuration) as anonymous:
        answer = anonymous.call_api(
            "POST",
            f"{web}/auth/token",
            header_params={"Content-Type": "application/json"},
            body={"username": "ann", "password": PASSWORD},
        )
    configuration.access_token = json.loads(answer.read())["access_token"]
    with airflow.ApiClient(configuration) as signed_in:
        yield signed_in


@pytest.fixture(autouse=True)
def _dag(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    end = TaskSpec("end", "EmptyOperator", upstream=("bq_task",))
    save_dag(query_task(), end, dag_id=DAG)


@pytest.fixture
def ended(client: airflow.ApiClient, until: Any) -> Any:
    """Wait as a program does, by asking; the run."""
    runs = airflow.DagRunApi(client)

    def wait(run_id: str) -> Any:
        def over() -> Any:
            found = runs.get_dag_run(DAG, run_id)
            return found if found.state in ("success", "failed") else None

        return until(over)

    return wait


def trigger(client: airflow.ApiClient, **fields: Any) -> airflow.DAGRunResponse:
    body = airflow.TriggerDAGRunPostBody.from_dict({"logical_date": None, **fields})
    assert body is not None
    made: airflow.DAGRunResponse = airflow.DagRunApi(client).trigger_dag_run(DAG, body)
    return made


def test_a_dag_is_found_shown_and_paused(client: airflow.ApiClient) -> None:
    dags = airflow.DAGApi(client)
    save_dag(query_task(), dag_id="other")
    found = dags.get_dags(dag_id_pattern="example", order_by=["-dag_id"], limit=5)
    assert ([dag.dag_id for dag in found.dags], found.total_entries) == ([DAG], 1)
    assert dags.get_dag(DAG) == found.dags[0]
    version = dags.get_dag_details(DAG).latest_dag_version
    assert version is not None
    assert version.version_number == 1
    paused = dags.patch_dag(DAG, airflow.DAGPatchBody(is_paused=True), update_mask=["is_paused"])
    assert (paused.is_paused, Dag.objects.get(dag_id=DAG).is_paused) == (True, True)
    assert [dag.dag_id for dag in dags.get_dags(paused=True).dags] == [DAG]
    assert AuditEvent.objects.get(action="paused").actor_name == "ann"


def test_the_parts_of_a_dag_are_read(client: airflow.ApiClient) -> None:
    tasks = airflow.TaskApi(client).get_tasks(DAG).tasks
    assert [task.task_id for task in tasks] == ["bq_task", "end"]
    assert airflow.TaskApi(client).get_task(DAG, "end").operator_name == "EmptyOperator"
    versions = airflow.DagVersionApi(client).get_dag_versions(DAG)
    assert versions.dag_versions[0].version_number == 1
    assert airflow.DagVersionApi(client).get_dag_version(DAG, 1) == versions.dag_versions[0]
    DagImportError.objects.create(filename="bad.py", kind="syntax", message="no", line=3)
    errors = airflow.ImportErrorApi(client).get_import_errors()
    assert errors.import_errors[0].stack_trace == "bad.py:3: no"


@pytest.mark.usefixtures("worker")
def test_a_run_is_triggered_awaited_and_read(client: airflow.ApiClient, ended: Any) -> None:
    made = trigger(client, conf={"day": "2026-01-31"}, note="by a program")
    # A quick worker may have begun before the answer is written.
    assert made.state in {"queued", "running"}
    assert (made.conf, made.triggering_user_name) == ({"day": "2026-01-31"}, "ann")
    # An ID with a plus and colons goes through addresses as the client writes them.
    assert made.dag_run_id.startswith("manual__")
    over = ended(made.dag_run_id)
    assert (over.state, over.note, over.conf) == ("success", "by a program", made.conf)

    runs = airflow.DagRunApi(client)
    listed = runs.get_dag_runs("~", state=["success"], start_date_gte=over.start_date)
    assert [run.dag_run_id for run in listed.dag_runs] == [made.dag_run_id]

    instances = airflow.TaskInstanceApi(client)
    found = instances.get_task_instances(DAG, made.dag_run_id)
    assert [(each.task_id, each.state) for each in found.task_instances] == [
        ("bq_task", "success"),
        ("end", "success"),
    ]
    assert instances.get_task_instance(DAG, made.dag_run_id, "bq_task").try_number == 1
    tries = instances.get_task_instance_tries(DAG, made.dag_run_id, "bq_task")
    assert [each.state for each in tries.task_instances] == ["success"]
    log = instances.get_log(DAG, made.dag_run_id, "bq_task", 1)
    assert log.continuation_token is None
    assert len(log.content.actual_instance or []) > 2
    left = airflow.XComApi(client)
    entries = left.get_xcom_entries(DAG, made.dag_run_id, "bq_task").xcom_entries
    assert "return_value" in [entry.key for entry in entries]
    value = left.get_xcom_entry(DAG, "bq_task", made.dag_run_id, "return_value")
    assert "patchbay_" in str(value.to_dict())


@pytest.mark.usefixtures("worker")
def test_what_failed_is_cleared_and_runs_again(
    client: airflow.ApiClient, ended: Any, google: FakeGoogle, until: Any
) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()), times=1)
    made = trigger(client, dag_run_id="night-1", logical_date=datetime(2026, 1, 31, tzinfo=UTC))
    assert ended(made.dag_run_id).state == "failed"
    instances = airflow.TaskInstanceApi(client)
    body = airflow.ClearTaskInstancesBody(dag_run_id="night-1")
    told = instances.post_clear_task_instances(DAG, body)
    assert [each.task_id for each in told.task_instances] == ["bq_task", "end"]
    body.dry_run = False
    instances.post_clear_task_instances(DAG, body)
    until(lambda: airflow.DagRunApi(client).get_dag_run(DAG, "night-1").state == "success")
    tries = instances.get_task_instance_tries(DAG, "night-1", "bq_task")
    assert [each.state for each in tries.task_instances] == ["failed", "success"]
    # The whole run once more.
    again = airflow.DAGRunClearBody(dry_run=False)
    airflow.DagRunApi(client).clear_dag_run(DAG, "night-1", again)
    assert ended("night-1").state == "success"
    assert instances.get_task_instance(DAG, "night-1", "bq_task").try_number == 3


@pytest.mark.usefixtures("worker")
def test_a_task_is_marked_and_what_waited_for_it_goes_on(
    client: airflow.ApiClient, ended: Any, google: FakeGoogle
) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()), times=1)
    made = trigger(client)
    assert ended(made.dag_run_id).state == "failed"
    body = airflow.PatchTaskInstanceBody(
        new_state=airflow.TaskInstanceState.SUCCESS, note="done by hand"
    )
    instances = airflow.TaskInstanceApi(client)
    marked = instances.patch_task_instance(DAG, made.dag_run_id, "bq_task", body)
    assert marked.task_instances[0].note == "done by hand"
    assert ended(made.dag_run_id).state == "success"
    assert instances.get_task_instance(DAG, made.dag_run_id, "end").state == "success"
    note = airflow.DAGRunPatchBody(note="looked at")
    assert airflow.DagRunApi(client).patch_dag_run(DAG, made.dag_run_id, note).note == "looked at"


def test_errors_are_what_the_client_expects(client: airflow.ApiClient) -> None:
    dags, runs = airflow.DAGApi(client), airflow.DagRunApi(client)
    instances = airflow.TaskInstanceApi(client)
    trigger(client, dag_run_id="taken")
    for call in (
        lambda: dags.get_dag("nope"),
        lambda: runs.get_dag_run(DAG, "nope"),
        lambda: instances.get_task_instance(DAG, "taken", "nope"),
        lambda: instances.get_log(DAG, "taken", "bq_task", 9),
    ):
        with pytest.raises(NotFoundException):
            call()
    for bad, status in (
        (lambda: trigger(client, dag_run_id="taken"), 409),
        (lambda: trigger(client, dag_run_id="a b"), 400),
        (lambda: dags.get_dags(order_by=["nope"]), 400),
        (lambda: runs.get_dag_runs(DAG, state=["nope"]), 422),
    ):
        with pytest.raises(ApiException) as refused:
            bad()
        assert refused.value.status == status
    assert DagRun.objects.count() == 1
