"""Python tasks on a real worker: cancel, time limits, and a worker that dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tasks.acts import cancel_run
from tasks.models import DagRun, XCom
from tasks.services import trigger_dag_run
from tests import processes
from tests.conftest import ACTOR
from tests.tasks.python_dags import save_dag_file

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

HEAD = """
import os, subprocess, sys, time
from datetime import timedelta
from pathlib import Path
from airflow.sdk import dag, task

FOLDER = Path(__file__).parent

def note(name):
    FOLDER.joinpath(name).write_text(str(os.getpid()))

@dag(dag_id="sales")
def sales():
"""
#: Begins, and ends only when it is ended; on its second try it returns at once.
LONG = """
    @task(retries=1, retry_delay=timedelta(seconds=0){more})
    def work(ti=None):
        if ti.try_number > 1:
            return "second try"
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        FOLDER.joinpath("other").write_text(str(other.pid))
        FOLDER.joinpath("nursery").write_text(str(os.getppid()))
        try:
            note("begun")
            time.sleep(600)
        finally:
            note("tidied")
    work()
"""


@pytest.fixture
def trigger_file(tmp_path: Path) -> Callable[[str], DagRun]:
    def trigger(lines: str) -> DagRun:
        dag = save_dag_file(tmp_path, f"{HEAD}{lines}\nsales()\n")
        return trigger_dag_run(dag.dag_id, actor=ACTOR)

    return trigger


def pid_in(path: Path) -> int:
    return int(path.read_text()) if path.exists() and path.read_text() else 0


def is_gone(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
    return True


def test_a_worker_runs_python_tasks_one_after_the_other(
    trigger_file: Callable[[str], DagRun], tmp_path: Path, over: Any
) -> None:
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)):
        run = over(
            trigger_file("""
    @task
    def number():
        print("on a worker")
        return 20

    @task
    def double(given):
        return given * 2

    double(number())
    """)
        )
    assert run.state == "success"
    values = XCom.objects.filter(task_instance__run=run).order_by("task_instance__position")
    assert list(values.values_list("value", flat=True)) == [20, 40]
    assert run.log_lines.filter(text="on a worker").exists()


def test_a_cancel_reaches_the_code_and_all_that_it_started(
    trigger_file: Callable[[str], DagRun], tmp_path: Path, over: Any, until: Any
) -> None:
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)):
        run = trigger_file(LONG.format(more=""))
        pids = [until(lambda name=name: pid_in(tmp_path / name)) for name in ("begun", "other")]
        cancel_run(run, actor=ACTOR)
        run = over(run)
    assert run.state == "cancelled"
    assert (tmp_path / "tidied").exists()
    assert all(is_gone(pid) for pid in pids)


def test_code_that_takes_too_long_is_ended_and_fails(
    trigger_file: Callable[[str], DagRun], tmp_path: Path, over: Any
) -> None:
    limit = ", execution_timeout=timedelta(seconds=1)"
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)):
        run = over(trigger_file(LONG.format(more=limit)), seconds=90)
    codes = run.steps.filter(number=4).order_by("position").values_list("error_code", flat=True)
    assert codes[0] == "task:execution-timeout"
    assert (tmp_path / "tidied").exists()
    assert is_gone(pid_in(tmp_path / "other"))


def test_a_killed_worker_takes_its_code_along_and_the_try_is_made_again(
    trigger_file: Callable[[str], DagRun], tmp_path: Path, over: Any, until: Any
) -> None:
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)) as first:
        run = trigger_file(LONG.format(more=""))
        names = ("begun", "other", "nursery")
        pids = [until(lambda name=name: pid_in(tmp_path / name)) for name in names]
        assert not any(is_gone(pid) for pid in pids)
        first.popen.kill()
        until(lambda: all(is_gone(pid) for pid in pids))
    assert not (tmp_path / "tidied").exists()
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)):
        run = over(run, seconds=90)
    assert run.state == "success"
    assert XCom.objects.get(task_instance__run=run).value == "second try"
    assert run.steps.filter(error_code="task:worker-lost").count() == 1


def test_a_worker_that_is_asked_to_stop_lets_its_code_end(
    trigger_file: Callable[[str], DagRun], tmp_path: Path, over: Any, until: Any
) -> None:
    with processes.worker(PATCHBAY_DAGS_FOLDER=str(tmp_path)) as first:
        run = trigger_file("""
    @task
    def work():
        note("begun")
        time.sleep(2)
        return "whole"
    work()
    """)
        until(lambda: pid_in(tmp_path / "begun"))
        first.stop()
        assert first.popen.returncode == 0
    assert over(run, seconds=5).state == "success"
    assert XCom.objects.get(task_instance__run=run).value == "whole"
