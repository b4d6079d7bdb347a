"""Files whose content stands in an argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ParsedFile, parse_file

HEAD = """\
from airflow import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator as Sql
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator as Job
"""

Read = Callable[..., ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read ``team/one.py`` in a folder that has queries at several places."""
    for name, text in {
        "team/day.sql": "SELECT 'beside {{ ds }}'",
        "team/deep/day.sql": "SELECT 'deep'",
        "top.sql": "SELECT 'top'",
        "elsewhere/far.sql": "SELECT 'far'",
        "elsewhere/day.sql": "SELECT 'not this one'",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def read(task: str, *, dag: str = "") -> ParsedFile:
        path = tmp_path / "team" / "one.py"
        path.write_text(f"{HEAD}with DAG('d', {dag}):\n    {task}\n")
        return parse_file(path, folder=tmp_path)

    return read


@pytest.mark.parametrize(
    ("sql", "content"),
    [
        ("'day.sql'", "SELECT 'beside {{ ds }}'"),
        ("'deep/day.sql'", "SELECT 'deep'"),
        ("'top.sql'", "SELECT 'top'"),
        ("'far.sql'", "SELECT 'far'"),
        ("['day.sql', 'SELECT 2']", ["SELECT 'beside {{ ds }}'", "SELECT 2"]),
    ],
)
def test_a_text_that_ends_like_a_file_is_replaced_by_its_content(
    read: Read, tmp_path: Path, sql: str, content: object
) -> None:
    dag = f"template_searchpath=[{str(tmp_path / 'elsewhere')!r}]"
    parsed = read(f"Sql(task_id='a', conn_id='db', sql={sql})", dag=dag)
    assert parsed.problem is None
    assert parsed.dags[0].spec.tasks[0].arguments["sql"] == content


def test_a_change_of_the_file_is_a_new_version(read: Read, tmp_path: Path) -> None:
    task = "Sql(task_id='a', conn_id='db', sql='top.sql')"
    before = read(task).dags[0].spec.digest()
    (tmp_path / "top.sql").write_text("SELECT 'changed'")
    assert read(task).dags[0].spec.digest() != before


@pytest.mark.parametrize(
    "name", ["none.sql", "../top.sql", "/etc/none.sql", "{{ ds }}.sql", ".sql"]
)
def test_a_file_that_is_not_there_is_named(read: Read, name: str) -> None:
    problem = read(f"Sql(task_id='a', conn_id='db', sql=['SELECT 1', {name!r}])").problem
    assert problem is not None
    assert (problem.kind, problem.line) == ("argument", 5)
    assert problem.message == (
        f"sql[1] names the file {name!r}, which isn't there: beside the DAG file, in the DAG "
        "folder and in template_searchpath."
    )


def test_a_file_that_is_no_text_is_told(read: Read, tmp_path: Path) -> None:
    (tmp_path / "top.sql").write_bytes(b"\xff")
    problem = read("Sql(task_id='a', conn_id='db', sql='top.sql')").problem
    assert problem is not None
    assert problem.message == "sql: the file 'top.sql' isn't UTF-8."


def test_an_operator_whose_connection_has_no_default_says_so(read: Read) -> None:
    problem = read("Sql(task_id='a', sql='SELECT 1')").problem
    assert problem is not None
    assert problem.message == "SQLExecuteQueryOperator needs the argument 'conn_id'."
