"""What a DAG file can import, and the words for what it can't."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ImportProblem, ParsedFile, parse_file

BIGQUERY = "airflow.providers.google.cloud.operators.bigquery"
DAG = """
with DAG("d"):
    BigQueryInsertJobOperator(task_id="x", configuration={"query": {"query": "SELECT 1"}})
"""

Read = Callable[[str], ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file of this text, beside the files that are there already."""

    def read(text: str) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_text(text)
        return parse_file(path, folder=tmp_path)

    return read


def problem_of(parsed: ParsedFile) -> ImportProblem:
    assert parsed.dags == ()
    assert parsed.problem is not None
    return parsed.problem


@pytest.mark.parametrize(
    "head",
    [
        "from airflow import DAG",
        "from airflow.models import DAG",
        "from airflow.models.dag import DAG",
        "from airflow.sdk import DAG",
        "import airflow; DAG = airflow.DAG",
        "import airflow.models.dag; DAG = airflow.models.dag.DAG",
        "from airflow import models; DAG = models.DAG",
        "from airflow import *",
        "from airflow.sdk import DAG, TriggerRule, chain, cross_downstream",
        "from airflow import DAG\nfrom airflow.models.baseoperator import chain, cross_downstream",
        "from airflow import DAG\nfrom airflow.utils.trigger_rule import TriggerRule",
        "from airflow.sdk import DAG, dag, task, task_group, TaskGroup, Label, Param, XComArg",
        "from airflow.sdk import DAG, BaseHook, Connection, get_current_context, chain_linear",
        "from airflow import DAG\nfrom airflow.decorators import dag, task, task_group",
        "from airflow import DAG\nfrom airflow.utils.task_group import TaskGroup",
        "from airflow import DAG\nfrom airflow.utils.edgemodifier import Label",
        "from airflow import DAG\nfrom airflow.models.param import Param",
        "from airflow import DAG\nfrom airflow.models.xcom_arg import XComArg",
        "from airflow import DAG\nfrom airflow.utils.dates import days_ago\ndays_ago(2)",
        "from airflow.sdk import DAG, timezone\ntimezone.datetime(2024, 1, 1)",
        "from airflow import DAG\nfrom airflow.utils import timezone\ntimezone.utcnow()",
        "from airflow import DAG\nfrom airflow.exceptions import AirflowSkipException",
        "from airflow import DAG\nfrom airflow.hooks.base import BaseHook",
        "from airflow import DAG\nfrom airflow.operators.python import get_current_context",
        "from airflow import DAG\nfrom patchbay import get_hook",
        "from airflow import DAG\nimport pendulum",
        "from airflow.providers.common.compat.sdk import DAG, task, AirflowSkipException",
        "try:\n    from airflow.sdk.nowhere import DAG\nexcept ImportError:\n"
        "    from airflow import DAG",
    ],
)
def test_every_supported_import_gives_a_dag(read: Read, head: str) -> None:
    parsed = read(f"{head}\nfrom {BIGQUERY} import BigQueryInsertJobOperator\n{DAG}")
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["d"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "from airflow.providers.snowflake.operators.snowflake import SnowflakeOperator",
            "airflow.providers.snowflake.operators.snowflake isn't available: "
            "Patchbay has no operator there.",
        ),
        (
            f"from {BIGQUERY} import BigQueryNothingOperator",
            "BigQueryNothingOperator isn't an operator that Patchbay has "
            "(it has: BigQueryCheckOperator, ",
        ),
        (
            "import airflow.operators.bash",
            "airflow.operators.bash isn't available: Patchbay has no operator there.",
        ),
        (
            "from airflow.sdk import BaseOperator",
            "airflow.sdk.BaseOperator isn't available: an operator of your own can't run in "
            "Patchbay; @task runs a function of yours.",
        ),
        (
            "from airflow.providers.slack.hooks.slack import SlackHook",
            "airflow.providers.slack.hooks.slack isn't available: call BaseHook.get_hook(conn_id) "
            "inside a @task function.",
        ),
        (
            "from airflow.timetables.trigger import CronTriggerTimetable",
            "airflow.timetables.trigger isn't available: give schedule a cron text, a preset or "
            "a timedelta.",
        ),
        (
            "from airflow.sdk import teardown",
            "airflow.sdk.teardown isn't available: link the task, and give it the trigger_rule "
            "'all_done'.",
        ),
        (
            "from airflow.models import Variable",
            "airflow.models.Variable isn't available: keep the value in the DAG's params.",
        ),
        (
            "from airflow import Dataset",
            "airflow.Dataset isn't available: Patchbay has no assets; give the DAG a schedule, "
            "or None.",
        ),
        ("import airflow.configuration", "airflow.configuration isn't available in Patchbay."),
        ("import patchbay.settings", "patchbay.settings isn't available in Patchbay."),
        (
            "import no_such_module.part",
            "There is no module 'no_such_module', neither beside the DAG files nor installed "
            "with Patchbay.",
        ),
        ("from json import nothing", "cannot import name 'nothing' from 'json'"),
    ],
)
def test_an_import_that_cannot_be_is_a_problem_in_words(
    read: Read, statement: str, words: str
) -> None:
    problem = problem_of(read(f'"""A DAG file."""\n\n{statement}\n'))
    assert (problem.kind, problem.line) == ("import", 3)
    assert problem.message.startswith(words)


def test_a_real_airflow_beside_the_file_is_not_used(read: Read, tmp_path: Path) -> None:
    (tmp_path / "airflow").mkdir()
    (tmp_path / "airflow" / "__init__.py").write_text("raise RuntimeError('the real one')")
    parsed = read(f"from airflow import DAG\nfrom {BIGQUERY} import *\n{DAG}")
    assert parsed.problem is None
    assert len(parsed.dags) == 1


@pytest.mark.parametrize("module", ["tasks", "tasks.spec", "access", "connections.models"])
def test_the_products_own_modules_are_out_of_reach(read: Read, module: str) -> None:
    problem = problem_of(read(f"import {module}\n"))
    assert problem.kind == "import"
    assert f"There is no module {module.partition('.')[0]!r}" in problem.message


def test_a_module_of_the_users_may_be_called_tasks(read: Read, tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "spec.py").write_text("DAG_ID = 'from_their_tasks'\n")
    parsed = read(
        f"from airflow import DAG\nfrom {BIGQUERY} import *\nfrom tasks.spec import DAG_ID\n"
        + DAG.replace('"d"', "DAG_ID")
    )
    assert parsed.problem is None
    assert parsed.dags[0].spec.dag_id == "from_their_tasks"


def test_a_module_of_the_users_does_not_stand_in_for_the_standard_librarys(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "email.py").write_text("raise RuntimeError('not this one')")
    assert read("import email\n").problem is None


def test_reading_a_file_imports_no_django_and_leaves_no_bytecode(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("X = 1\n")
    parsed = read(
        "import beside, sys\n"
        "heavy = {'django', 'celery', 'google', 'jinja2', 'cronsim', 'zoneinfo', 'logging'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    assert parsed.problem is None
    assert not (tmp_path / "__pycache__").exists()


def test_installed_packages_are_looked_through_only_for_names_that_may_be_theirs(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("X = 1\n")
    parsed = read(
        "import beside, pendulum, sys, zoneinfo\n"
        "from airflow.sdk import DAG, BaseHook, task\n"
        "assert 'importlib.metadata' not in sys.modules\n"
        "import yaml\n"
        "assert 'importlib.metadata' in sys.modules\n"
    )
    assert parsed.problem is None


def test_the_file_knows_its_own_path_and_not_how_it_was_started(read: Read, tmp_path: Path) -> None:
    parsed = read(
        "import sys\n"
        f"assert __file__ == {str(tmp_path / 'one.py')!r}, __file__\n"
        "assert __name__ != '__main__'\n"
        "assert sys.argv == [__file__], sys.argv\n"
    )
    assert parsed.problem is None


def test_a_fault_in_a_module_beside_it_is_shown_at_the_files_import(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "deep.py").write_text("x = 1\n\ny = x / 0\n")
    problem = problem_of(read("# a file\nimport lib.deep\n"))
    assert (problem.kind, problem.filename, problem.line) == ("exception", "one.py", 2)
    assert problem.message == "ZeroDivisionError: division by zero (in lib/deep.py, line 3)"


def test_a_syntax_error_in_a_module_beside_it_names_that_module(read: Read, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("x = 1\ny = = 2\n")
    problem = problem_of(read("import beside\n"))
    assert (problem.kind, problem.line) == ("syntax", 1)
    assert problem.message == "invalid syntax: y = = 2 (in beside.py, line 2)"
