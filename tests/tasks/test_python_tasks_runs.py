"""Runs of DAG files with Python tasks, by the engine: steps, results, logs, retries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connections.services import create_connection
from connections.validation import Draft
from tasks.engine import runner
from tasks.models import DagRun, TaskInstance, XCom
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.tasks.python_dags import save_dag_file

HEAD = """
from airflow.sdk import BaseHook, dag, task
from airflow.exceptions import AirflowFailException, AirflowSkipException

@dag(dag_id="sales")
def sales():
"""


@pytest.fixture
def run_file(
    db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DagRun]:
    """Run a DAG of these lines in this process."""
    # The thread that renews leases doesn't see the rows of the test's open transaction.
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)

    def run(lines: str, *, conf: dict[str, Any] | None = None) -> DagRun:
        dag = save_dag_file(tmp_path, f"{HEAD}{lines}\nsales()\n", settings=settings)
        made = trigger_dag_run(dag.dag_id, actor=ACTOR, conf=conf)
        ready = list(made.task_instances.filter(state="queued").values_list("pk", flat=True))
        while ready:
            ready += [each.task_instance_id for each in runner.run(ready.pop(0))]
        made.refresh_from_db()
        return made

    return run


def state_of(run: DagRun) -> dict[str, str]:
    return dict(run.task_instances.values_list("task_id", "state"))


def steps_of(run: DagRun, task_id: str) -> list[tuple[int, str]]:
    rows = run.steps.filter(task_instance__task_id=task_id).order_by("position")
    return list(rows.values_list("number", "state"))


def test_results_go_from_task_to_task(run_file: Callable[..., DagRun]) -> None:
    run = run_file(
        """
    @task
    def numbers() -> list:
        return [1, 2, 3]

    @task
    def total(given, factor, params=None, ti=None):
        ti.xcom_push("count", len(given))
        print("factor", factor)
        return sum(given) * int(factor) + params["more"]

    @task
    def told(given, ti=None):
        return [given, ti.xcom_pull(task_ids="total", key="count")]

    told(total(numbers(), "{{ params.factor }}"))
    """,
        conf={"factor": 10, "more": 1},
    )
    assert run.state == "success"
    values = XCom.objects.filter(task_instance__run=run, key="return_value")
    left = dict(values.values_list("task_instance__task_id", "value"))
    assert left == {"numbers": [1, 2, 3], "total": 61, "told": [61, 3]}
    assert run.log_lines.filter(text="factor 10", task_instance__task_id="total").exists()
    expected = [(2, "skipped"), (3, "skipped"), (4, "success"), (5, "skipped")]
    assert steps_of(run, "numbers") == expected


def test_branches_and_short_circuits_skip_what_follows(run_file: Callable[..., DagRun]) -> None:
    run = run_file("""
    @task.branch
    def choose():
        return "left"

    @task
    def left():
        pass

    @task
    def right():
        pass

    @task.short_circuit
    def stop():
        return False

    @task
    def after():
        pass

    @task
    def nothing_new():
        raise AirflowSkipException("nothing new")

    choose() >> [left(), right()]
    stop() >> after()
    nothing_new()
    """)
    assert run.state == "success"
    assert state_of(run) == {
        "choose": "success",
        "left": "success",
        "right": "skipped",
        "stop": "success",
        "after": "skipped",
        "nothing_new": "skipped",
    }


def test_a_connection_in_the_code_is_recorded_as_steps_and_its_secrets_are_masked(
    run_file: Callable[..., DagRun], tmp_path: Path
) -> None:
    (tmp_path / "lite.sqlite3").touch()
    lite = Draft("lite", "sqlite", host=str(tmp_path / "lite.sqlite3"))
    api = Draft("api", "http", host="http://127.0.0.1:9", login="me", password="the-pass-word")
    for draft in (lite, api):
        create_connection(draft, actor=ACTOR)
    run = run_file("""
    @task
    def work():
        print(BaseHook.get_hook("lite").get_first("SELECT 40 + 2"))
        password = BaseHook.get_connection("api").password
        print("the password is", password)
        return {"mine": password, "length": len(password)}

    work()
    """)
    assert run.state == "success"
    expected = [(2, "success"), (3, "success"), (4, "success"), (5, "success")]
    assert steps_of(run, "work") == expected
    assert run.log_lines.filter(text="(42,)").exists()
    assert run.log_lines.filter(text="the password is ***").exists()
    assert XCom.objects.get(task_instance__run=run).value == {"mine": "***", "length": 13}
    texts = [*run.log_lines.values_list("text", flat=True), str(run.steps.values())]
    assert "the-pass-word" not in "".join(texts)


def test_a_secret_in_an_exception_is_masked(run_file: Callable[..., DagRun]) -> None:
    draft = Draft("api", "http", host="http://127.0.0.1:9", login="me", password="the-pass-word")
    create_connection(draft, actor=ACTOR)
    run = run_file("""
    @task
    def work():
        raise ValueError("refused: " + BaseHook.get_connection("api").password)

    work()
    """)
    step = run.steps.get(number=4)
    assert (step.state, step.error_code) == ("failed", "task:python-failed")
    assert step.vendor_message.endswith("ValueError: refused: ***")
    assert "the-pass-word" not in str(list(run.steps.values())) + str(list(run.log_lines.values()))


def test_a_failure_is_tried_again_unless_the_code_gives_up(run_file: Callable[..., DagRun]) -> None:
    run = run_file("""
    @task(retries=1)
    def fails():
        raise ValueError("may pass")

    @task(retries=1)
    def gives_up():
        raise AirflowFailException("never")

    @task(retries=1)
    def not_json():
        return object()

    fails()
    gives_up()
    not_json()
    """)
    assert state_of(run) == {
        "fails": "up_for_retry",
        "gives_up": "failed",
        "not_json": "failed",
    }


def test_a_connection_that_is_not_there_fails_the_task_with_its_code(
    run_file: Callable[..., DagRun],
) -> None:
    run = run_file("""
    @task
    def work():
        BaseHook.get_hook("nowhere").get_conn()

    work()
    """)
    assert run.state == "failed"
    assert run.steps.get(number=4).error_code == "connection:not-found"
    assert TaskInstance.objects.get(run=run).conn_id == ""


def test_a_new_text_of_the_file_is_a_new_version_and_a_run_keeps_its_own(
    run_file: Callable[..., DagRun],
) -> None:
    first = run_file("\n    @task\n    def work():\n        return 1\n    work()\n")
    second = run_file("\n    @task\n    def work():\n        return 2\n    work()\n")
    assert first.version != second.version
    assert first.version.digest != second.version.digest
    values = XCom.objects.order_by("pk").values_list("value", flat=True)
    assert list(values) == [1, 2]
