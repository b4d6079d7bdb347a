"""What a DAG file asks for and doesn't get is said in notices."""

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
            "DAG('d', schedule='@daily', start_date=datetime(2024, 1, 1), catchup=True, "
            "max_active_runs=1, dagrun_timeout=timedelta(hours=1))",
            "start_date=datetime(2024, 1, 1), retries=2, queue='slow', owner='data'",
            (),
        ),
        ("DAG('d')", "pool='default_pool', pool_slots=1, priority_weight=1, email=[]", ()),
        ("DAG('d')", "on_failure_callback=None, do_xcom_push=True, sla=None", ()),
        (
            "DAG('d', on_failure_callback=[print, lambda context: 1], deadline=object())",
            "",
            (
                "Accepted, but nothing here acts on it: "
                "on_failure_callback=[print, <lambda>], deadline=object.",
            ),
        ),
        (
            "DAG('d')",
            "pool='p', sla=timedelta(hours=1), email='a@example.com', do_xcom_push=False",
            (
                "Accepted, but nothing here acts on it, of task 'x': sla=1:00:00, "
                "email='a@example.com', pool='p', do_xcom_push=False.",
            ),
        ),
        (
            "DAG('d', default_args={'owner': 'airflow', 'on_failure_callback': print})",
            "",
            ("Accepted, but nothing here acts on it, of task 'x': on_failure_callback=print.",),
        ),
        (
            "DAG('d', start_date=datetime(2024, 1, 1))",
            "start_date=datetime(2025, 1, 1)",
            (
                "Accepted, but nothing here acts on it, of task 'x': "
                "start_date=2025-01-01 00:00:00.",
            ),
        ),
        (
            "DAG('d', default_args={'colour': 'red', 'location': 'EU'})",
            "",
            ("default_args: no task here takes 'colour'.",),
        ),
    ],
)
def test_what_airflow_acts_on_and_patchbay_does_not_is_said_and_nothing_else(
    read: Read, dag: str, arguments: str, notices: tuple[str, ...]
) -> None:
    parsed = read(task(arguments, dag=dag))
    assert parsed.problem is None
    assert parsed.dags[0].notices == notices


def test_tasks_that_ask_for_the_same_share_one_notice(read: Read) -> None:
    parsed = read(
        "with DAG('d', default_args={'pool': 'p'}):\n"
        "    for name in 'abcdef':\n"
        "        Job(task_id=name, configuration=JOB)\n"
        "with DAG('e', default_args={'pool': 'p'}):\n"
        "    for name in 'abcdef':\n"
        "        Job(task_id=name, configuration=JOB, pool=None if name == 'a' else 'p')\n"
    )
    assert [dag.notices for dag in parsed.dags] == [
        ("Accepted, but nothing here acts on it, of every task: pool='p'.",),
        ("Accepted, but nothing here acts on it, of task 'b', 'c', 'd' and 2 more: pool='p'.",),
    ]


def test_the_text_of_a_task_can_be_set_after_it_is_made(read: Read) -> None:
    text = "with DAG('d') as dag:\n    a = Job(task_id='a', configuration=JOB)\na.doc_md = 'Text'\n"
    (dag,) = read(text).dags
    assert (dag.spec.tasks[0].doc_md, dag.notices) == ("Text", ())
