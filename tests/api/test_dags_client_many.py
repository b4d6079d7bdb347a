"""Calls about many runs and tasks, and deletes, by Airflow's official Python client."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from airflow_client import client as airflow
from airflow_client.client.exceptions import ConflictException, NotFoundException

from access.tokens import password_token
from tasks.models import Dag, DagRun, DagVersion
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.conftest import save_dag

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture
def client(web: str) -> Iterator[airflow.ApiClient]:
    token = password_token(user_of("Editor", "ann"))
    with airflow.ApiClient(airflow.Configuration(host=web, access_token=token)) as signed_in:
        yield signed_in


@pytest.fixture(autouse=True)
def _runs(transactional_db: None) -> None:
    """Two that are over, and one that waits."""
    first = TaskSpec("first", "EmptyOperator")
    save_dag(first, TaskSpec("second", "EmptyOperator", upstream=("first",)), dag_id="etl")
    for run_id in ("one", "two"):
        trigger_dag_run("etl", actor=ACTOR, run_id=run_id)
    save_dag(TaskSpec("a", "PythonOperator", queue="nobody"), dag_id="slow")
    trigger_dag_run("slow", actor=ACTOR, run_id="waits")


def test_runs_and_tasks_are_listed_by_a_body(client: airflow.ApiClient) -> None:
    wanted = airflow.DAGRunsBatchBody(dag_ids=["etl"], order_by="-run_id", page_limit=5)
    found = airflow.DagRunApi(client).get_list_dag_runs_batch("~", wanted)
    assert [run.dag_run_id for run in found.dag_runs] == ["two", "one"]
    tasks = airflow.TaskInstancesBatchBody(
        dag_run_ids=["one"], state=[airflow.TaskInstanceState.SUCCESS]
    )
    rows = airflow.TaskInstanceApi(client).get_task_instances_batch("~", "~", tasks)
    assert [row.task_id for row in rows.task_instances] == ["first", "second"]


def test_runs_are_changed_and_deleted_together(client: airflow.ApiClient) -> None:
    runs = airflow.DagRunApi(client)
    body = airflow.BulkBodyBulkDAGRunBody.from_dict(
        {
            "actions": [
                {"action": "update", "entities": [{"dag_run_id": "one", "note": "seen"}]},
                {"action": "delete", "entities": ["two", "nope"]},
                {"action": "delete", "entities": ["two"]},
            ]
        }
    )
    assert body is not None
    done = runs.bulk_dag_runs("etl", body)
    assert done.update is not None
    assert done.delete is not None
    assert (done.update.success, done.delete.success) == (["etl.one"], ["etl.two"])
    assert (done.delete.errors or [])[0]["status_code"] == 404
    assert list(DagRun.objects.filter(dag__dag_id="etl").values_list("run_id", "note")) == [
        ("one", "seen")
    ]


def test_a_run_is_deleted_once_and_not_while_it_goes_on(client: airflow.ApiClient) -> None:
    runs = airflow.DagRunApi(client)
    runs.delete_dag_run("etl", "one")
    with pytest.raises(NotFoundException):
        runs.delete_dag_run("etl", "one")
    DagRun.objects.filter(run_id="waits").update(state="running")
    with pytest.raises(ConflictException):
        runs.delete_dag_run("slow", "waits")
    assert set(DagRun.objects.values_list("run_id", flat=True)) == {"two", "waits"}


def test_runs_are_cleared_together(client: airflow.ApiClient) -> None:
    """What a dry run would clear the client of Airflow can't read, neither Airflow's own answer:
    each of the tasks fits two of its types. Its plain answer can be had."""
    runs = airflow.DagRunApi(client)
    tried = runs.clear_dag_run_without_preload_content("etl", "one", airflow.DAGRunClearBody())
    told = json.loads(tried.data)
    assert [each["task_id"] for each in told["task_instances"]] == ["first", "second"]
    with pytest.raises(ValueError, match="Multiple matches found"):
        runs.clear_dag_run("etl", "one", airflow.DAGRunClearBody())
    named = [airflow.BulkDAGRunBody(dag_run_id=name) for name in ("one", "two")]
    body = airflow.BulkDAGRunClearBody(dry_run=False, dag_runs=named)
    cleared = runs.clear_dag_runs_without_preload_content("etl", body)
    assert cleared.status == 200
    again = json.loads(cleared.data)["dag_runs"]
    assert [run["dag_run_id"] for run in again] == ["one", "two"]


def test_a_task_is_read_in_its_parts(client: airflow.ApiClient) -> None:
    tasks = airflow.TaskInstanceApi(client)
    place = ("etl", "one", "first")
    assert tasks.get_mapped_task_instance(*place, -1).task_id == "first"
    assert tasks.get_mapped_task_instance_tries(*place, -1).total_entries == 1
    waits = tasks.get_task_instance_dependencies("slow", "waits", "a").dependencies
    assert ["worker" in each.reason for each in waits] == [True]
    assert tasks.get_extra_links(*place).total_entries == 0
    body = airflow.PatchTaskInstanceBody(new_state=airflow.TaskInstanceState.FAILED)
    tried = tasks.patch_task_instance_dry_run(*place, body)
    assert [row.task_id for row in tried.task_instances] == ["first"]
    with pytest.raises(NotFoundException):
        tasks.get_mapped_task_instances(*place)


def test_dags_are_paused_together_and_one_is_deleted(client: airflow.ApiClient) -> None:
    dags = airflow.DAGApi(client)
    found = dags.patch_dags(airflow.DAGPatchBody(is_paused=True), dag_id_pattern="%")
    assert sorted(dag.dag_id for dag in found.dags) == ["etl", "slow"]
    assert Dag.objects.filter(is_paused=True).count() == 2
    with pytest.raises(ConflictException):
        dags.delete_dag("etl")
    mine = Dag.objects.create(dag_id="mine", origin="browser")
    spec = DagSpec("mine", (TaskSpec("a", "EmptyOperator"),))
    version = DagVersion.objects.create(
        dag=mine, number=1, spec=spec.to_json(), digest=spec.digest(), conn_ids=[]
    )
    Dag.objects.filter(pk=mine.pk).update(current_version=version)
    dags.delete_dag("mine")
    assert not Dag.objects.filter(dag_id="mine").exists()
