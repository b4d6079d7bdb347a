"""The example DAG on the local BigQuery: real SQL over real data, as ``make run`` brings it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from connections.testing import request_test, wait_for
from patchbay.local import weather
from patchbay.local.demo import PROJECT
from patchbay.local.ports import free_port
from tasks.dagfiles.sync import sync
from tasks.models import Dag, DagRun
from tasks.services import trigger_dag_run
from tests import processes
from tests.conftest import ACTOR
from tests.environment import HOME
from tests.tasks.conftest import query_task, save_dag, states

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def bigquery() -> Iterator[str]:
    """A local BigQuery with the weather of Seattle in it; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    folder = HOME / "bigquery"
    folder.mkdir()
    process = processes.Process(
        "bigquery",
        *("-m", "patchbay.local.bigquery", "--rest-port", str(port), "--grpc-port", "0"),
        *("--persistent", "--data-dir", str(folder), "--project", PROJECT),
        HOME=str(folder),
    )

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    try:
        process.wait_until(answers, seconds=120)
        assert weather.main(url) == 0
        yield url
    finally:
        process.stop()


@pytest.fixture(autouse=True)
def _connection(bigquery: str, connect: Any) -> None:
    connect(project=PROJECT, is_anonymous=True, api_endpoint=bigquery)


def run_query(sql: str) -> DagRun:
    configuration = {"query": {"query": sql, "useLegacySql": False}}
    save_dag(query_task(configuration=configuration))
    return trigger_dag_run("example_dag", actor=ACTOR)


def test_the_unmodified_example_runs(worker: Any, over: Any) -> None:
    sync(settings.DAGS_FOLDER, timeout=30)
    spec = Dag.objects.get(dag_id="example_dag").spec
    assert spec is not None
    assert spec.task("bq_task").conn_id == "my_gcp_conn"
    run = over(trigger_dag_run("example_dag", actor=ACTOR))
    assert states(run) == ["success"] * 6
    step = run.steps.get(number=4)
    # Drizzle, fog, rain, snow and sun.
    assert step.facts["rows"] == 5
    assert step.result.startswith("Cloud job done, 5 rows")


def test_a_table_that_one_run_makes_is_there_for_the_next(worker: Any, over: Any) -> None:
    run = over(
        run_query(
            "CREATE OR REPLACE TABLE seattle.wet AS "
            "SELECT * FROM seattle.weather WHERE precipitation > 0"
        )
    )
    assert run.state == "success"
    run = over(run_query("SELECT date FROM seattle.wet WHERE weather = 'snow'"))
    assert run.state == "success"
    assert run.steps.get(number=4).facts["rows"] > 10


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("SELEC 1", "job:invalid-query", "Syntax error"),
        ("SELECT * FROM seattle.nowhere", "job:not-found", "nowhere"),
        ("SELECT nothing FROM seattle.weather", "job:invalid-query", "nothing"),
    ],
)
def test_wrong_sql_fails_at_step_4_with_the_servers_message(
    worker: Any, over: Any, sql: str, code: str, words: str
) -> None:
    run = over(run_query(sql))
    assert states(run) == ["success", "success", "success", "failed", "success", "failed"]
    step = run.steps.get(number=4)
    assert step.error_code == code
    assert words in step.vendor_message


def test_the_demos_connection_passes_its_test(worker: Any) -> None:
    test, _ = request_test(None, conn_id="my_gcp_conn", actor=ACTOR)
    done = wait_for(test, seconds=90)
    assert (done.state, done.message.partition(".")[0]) == ("success", "Works, as anonymous")
