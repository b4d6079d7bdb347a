"""What comes back from the child is not trusted: the user's code ran there."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ImportProblem, ParsedFile, parse_file

GOOD = """
from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
with DAG("good", tags=tags):
    BigQueryInsertJobOperator(task_id="x", configuration={"query": {"query": "SELECT 1"}})
"""

Read = Callable[..., ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file of this text or these bytes."""

    def read(text: str | bytes, *, timeout: float = 10.0) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse_file(path, folder=tmp_path, timeout=timeout)

    return read


def problem_of(parsed: ParsedFile) -> ImportProblem:
    assert parsed.dags == ()
    assert parsed.problem is not None
    assert parsed.problem.filename == parsed.filename
    return parsed.problem


def test_more_than_eight_mebibytes_of_dags_is_a_problem(read: Read) -> None:
    problem = problem_of(read("tags = ['x' * 2**20] * 9\n" + GOOD))
    assert problem.kind == "argument"
    assert problem.message == "The file's DAGs take 9.0 MiB as JSON; 8 are allowed."


@pytest.mark.parametrize(
    "result",
    [
        "{}",
        "{nonsense}",
        '{"dags": 5, "problem": null}',
        '{"dags": [{"spec": {"dag_id": "x"}, "notices": [], "made_in": ""}], "problem": null}',
        '{"dags": [], "problem": {"kind": "odd", "line": 1, "message": "x"}}',
        '{"dags": [], "problem": {"kind": "exit", "line": "x", "message": "x"}}',
        '{"dags": [{"spec": {"dag_id": "x", "tasks": [{"task_id": "a", "operator": "No"}]},'
        ' "notices": [], "made_in": ""}], "problem": null}',
        *(
            f'{{"dags": [{{"spec": {{"dag_id": "x", "tasks": [{{"task_id": "a", "operator": '
            f'"EmptyOperator"{of_task}}}]{of_dag}}}, "notices": [], "made_in": ""}}], '
            '"problem": null}'
            for of_task, of_dag in (
                (', "retries": -1', ""),
                (', "retries": 1.5', ""),
                (', "retry_delay": NaN', ""),
                (', "retry_delay": "1"', ""),
                (', "retry_on": "all"', ""),
                (', "execution_timeout": 0', ""),
                (', "queue": ""', ""),
                (', "trigger_rule": "never"', ""),
                ("", ', "schedule": "* * *"'),
                ("", ', "timezone": "Nowhere/City"'),
                ("", ', "start_date": "2024-01-01"'),
                ("", ', "start_date": "9999-01-01T00:00:00+00:00"'),
                ("", ', "interval": 1e300'),
                ("", ', "max_active_runs": 0'),
                ("", ', "catchup": 1'),
                ("", ', "param_schemas": {"a": 1}'),
                ("", ', "groups": {"a": 1}'),
                ("", ', "tags": [1]'),
                ("", ', "unknown": 1'),
            )
        ),
    ],
)
def test_a_forged_result_that_makes_no_sense_is_a_problem(read: Read, result: str) -> None:
    problem = problem_of(
        read(
            "import os\n"
            "for fd in range(3, 200):\n"
            "    try:\n"
            f"        os.write(fd, {result!r}.encode() + b'\\n')\n"
            "    except OSError: pass\n"
            "os._exit(0)\n"
        )
    )
    assert problem.kind == "crash"
    assert problem.message == "What came back from reading the file makes no sense."


def test_an_endless_forged_result_is_cut_off(read: Read) -> None:
    start = time.monotonic()
    problem = problem_of(
        read(
            "import os\n"
            "while True:\n"
            "    for fd in range(3, 200):\n"
            "        try: os.write(fd, b'{' * 100_000)\n"
            "        except OSError: pass\n"
        )
    )
    assert problem.kind == "crash"
    assert time.monotonic() - start < 60


def test_a_file_that_closes_every_pipe_still_ends(read: Read) -> None:
    problem = problem_of(read("import os\nos.closerange(0, 100)\n"))
    assert problem.kind == "exit"
