"""The function of a task, found again in the text of its file by the process that runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
SCRIPT = """
import json, sys
sys.path.insert(0, {project!r})
from tasks.dagfiles.callables import NotLoaded, load
sys.path.remove({project!r})
folder, task_id = sys.argv[1:]
source = open(folder + "/one.py").read()
try:
    found = load(source, "one.py", folder, "d", task_id)
except NotLoaded as error:
    print(json.dumps({{"error": str(error)}}))
else:
    value = found.function(*(["x"] if found.takes else []))
    print(json.dumps([found.takes, found.takes_any_name, found.multiple_outputs, value]))
"""
SOURCE = """
from airflow.decorators import dag, task, task_group
from airflow.operators.python import PythonOperator
from airflow.operators.empty import EmptyOperator
from beside import double

@task(multiple_outputs=True)
def outer(x, ds=None, **context):
    import tasks  # the user's own module of that name
    return {"doubled": double(x), "theirs": tasks.THEIRS}

@dag(dag_id="d")
def made():
    @task_group
    def grouped():
        @task
        def inner() -> dict:
            return {"inner": True}
        return inner()

    outer("y") >> grouped()
    PythonOperator(task_id="p", python_callable=lambda: 5)
    PythonOperator(task_id="c", python_callable=len)
    EmptyOperator(task_id="e")

made()
"""


def run(folder: Path, task_id: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT.format(project=str(PROJECT)), str(folder), task_id],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.py").write_text(SOURCE)
    (tmp_path / "beside.py").write_text("def double(x):\n    return x * 2\n")
    (tmp_path / "tasks.py").write_text("THEIRS = 7\n")
    return tmp_path


@pytest.mark.parametrize(
    ("task_id", "found"),
    [
        ("outer", [["x", "ds", "context"][:2], True, True, {"doubled": "xx", "theirs": 7}]),
        ("grouped.inner", [[], False, True, {"inner": True}]),
        ("p", [[], False, False, 5]),
        ("c", [["obj"], False, False, 1]),
    ],
)
def test_the_function_is_found_and_runs(folder: Path, task_id: str, found: Any) -> None:
    assert run(folder, task_id) == found


@pytest.mark.parametrize("task_id", ["e", "gone"])
def test_a_task_without_code_is_told(folder: Path, task_id: str) -> None:
    assert run(folder, task_id) == {
        "error": f"DAG 'd' has no task {task_id!r} with code now, in the process that runs the "
        "task."
    }


def test_a_file_that_no_longer_makes_the_dag_is_told(folder: Path) -> None:
    (folder / "one.py").write_text("# no airflow DAG any more\n")
    assert run(folder, "outer") == {
        "error": "The file makes no DAG 'd' now, in the process that runs the task."
    }
