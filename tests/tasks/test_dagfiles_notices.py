"""What a DAG file asks for and doesn't get yet is said in notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ParsedFile, parse_file

HEAD = """\
from datetime import datetime, timedelta
from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator as Job
JOB = {"query": {"query": "SELECT 1"}}
"""

Read = Callable[[str], ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file; its text follows ``HEAD``."""

    def read(text: str) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_text(HEAD + text)
        return parse_file(path, folder=tmp_path)

    return read


def task(arguments: str, *, dag: str = "DAG('d')") -> str:
    return f"with {dag}:\n    Job(\n        task_id='x', configuration=JOB, {arguments}\n    )\n"


@pytest.mark.parametrize(
    ("dag", "arguments", "notices"),
    [
        (
            "DAG('d', schedule='@daily', start_date=datetime(2024, 1, 1), catchup=True)",
            "",
            ("schedule '@daily' is shown but not run yet: trigger the DAG by hand.",),
        ),
        ("DAG('d', start_date=datetime(2024, 1, 1))", "start_date=datetime(2024, 1, 1)", ()),
        ("DAG('d', max_active_runs=1)", "", ("Not used yet: max_active_runs=1.",)),
        (
            "DAG('d', dagrun_timeout=timedelta(hours=1))",
            "",
            ("Not used yet: dagrun_timeout=1:00:00.",),
        ),
        (
            "DAG('d')",
            "retries=2, retry_delay=timedelta(minutes=5), owner='data'",
            ("Not used yet, of task 'x': retries=2, retry_delay=0:05:00, owner='data'.",),
        ),
        ("DAG('d')", "retries=0, retry_delay=timedelta(minutes=5), owner='airflow'", ()),
        ("DAG('d')", "email=[], email_on_failure=True, queue='default'", ()),
        (
            "DAG('d', default_args={'owner': 'airflow', 'on_failure_callback': print})",
            "",
            ("default_args: no task here takes 'on_failure_callback'.",),
        ),
    ],
)
def test_what_is_not_used_yet_is_said_and_what_changes_nothing_is_not(
    read: Read, dag: str, arguments: str, notices: tuple[str, ...]
) -> None:
    parsed = read(task(arguments, dag=dag))
    assert parsed.problem is None
    assert parsed.dags[0].notices == notices


def test_tasks_that_ask_for_the_same_share_one_notice(read: Read) -> None:
    parsed = read(
        "with DAG('d', default_args={'retries': 1}):\n"
        "    for name in 'abcdef':\n"
        "        Job(task_id=name, configuration=JOB)\n"
        "with DAG('e', default_args={'retries': 1}):\n"
        "    for name in 'abcdef':\n"
        "        Job(task_id=name, configuration=JOB, retries=0 if name == 'a' else 1)\n"
    )
    assert [dag.notices for dag in parsed.dags] == [
        ("Not used yet, of every task: retries=1.",),
        ("Not used yet, of task 'b', 'c', 'd' and 2 more: retries=1.",),
    ]


def test_the_text_of_a_task_can_be_set_after_it_is_made(read: Read) -> None:
    text = "with DAG('d') as dag:\n    a = Job(task_id='a', configuration=JOB)\na.doc_md = 'Text'\n"
    assert read(text).dags[0].notices == ("Not used yet, of task 'a': doc_md='Text'.",)
