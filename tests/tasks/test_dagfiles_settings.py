"""What the spec has of a DAG's and a task's settings: dates, schedules, retries, params."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.dagfiles.parser import ParsedDag, parse_file
from tasks.spec import DagSpec, TaskSpec, TriggerRule

HEAD = """\
import datetime as dt
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo
import pendulum
from airflow import DAG
from airflow.models.param import Param
from airflow.operators.empty import EmptyOperator as Empty
from airflow.utils import timezone as airflow_timezone
from airflow.utils.dates import days_ago
from airflow.utils.trigger_rule import TriggerRule
"""

Read = Callable[..., ParsedDag]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The DAG of these arguments, with one task of those."""

    def read(dag: str = "", task: str = "", after: str = "pass") -> ParsedDag:
        path = tmp_path / "one.py"
        text = f"with DAG('d', {dag}) as dag:\n    task = Empty(task_id='a', {task})\n{after}\n"
        path.write_text(HEAD + text)
        parsed = parse_file(path, folder=tmp_path)
        assert parsed.problem is None, parsed.problem
        assert parsed.dags[0].notices == ()
        return parsed.dags[0]

    return read


@pytest.mark.parametrize(
    ("dag", "expected"),
    [
        ("", {}),
        ("schedule=None", {}),
        ("schedule='@daily'", {"schedule": "@daily"}),
        ("schedule_interval=' 0 6 * * mon '", {"schedule": "0 6 * * mon"}),
        ("schedule='@once'", {"schedule": "@once"}),
        ("schedule='*/30 * * * * 15'", {"schedule": "*/30 * * * * 15"}),
        ("schedule=timedelta(hours=36)", {"interval": 129600}),
        ("schedule=pendulum.duration(minutes=5)", {"interval": 300}),
        (
            "start_date=datetime(2024, 1, 1), end_date=dt.date(2024, 2, 1)",
            {
                "start_date": "2024-01-01T00:00:00+00:00",
                "end_date": "2024-02-01T00:00:00+00:00",
            },
        ),
        (
            "start_date=datetime(2024, 7, 1, tzinfo=ZoneInfo('Europe/Vienna')), "
            "end_date=datetime(2024, 12, 1)",
            {
                "timezone": "Europe/Vienna",
                "start_date": "2024-07-01T00:00:00+02:00",
                "end_date": "2024-12-01T00:00:00+01:00",
            },
        ),
        (
            "start_date=pendulum.datetime(2021, 1, 1, tz='Asia/Kolkata')",
            {"timezone": "Asia/Kolkata", "start_date": "2021-01-01T00:00:00+05:30"},
        ),
        (
            "start_date=pendulum.datetime(2021, 1, 1)",
            {"start_date": "2021-01-01T00:00:00+00:00"},
        ),
        (
            "start_date=airflow_timezone.datetime(2021, 1, 1, 6)",
            {"start_date": "2021-01-01T06:00:00+00:00"},
        ),
        (
            "start_date=datetime(2021, 1, 1, tzinfo=timezone(timedelta(hours=2)))",
            {"timezone": "Etc/GMT-2", "start_date": "2021-01-01T00:00:00+02:00"},
        ),
        (
            "default_args={'start_date': '2021-01-01', 'end_date': '2022-01-01T00:00:00Z'}",
            {
                "start_date": "2021-01-01T00:00:00+00:00",
                "end_date": "2022-01-01T00:00:00+00:00",
            },
        ),
        ("catchup=True", {"catchup": True}),
        ("is_paused_upon_creation=False", {"is_paused_upon_creation": False}),
        (
            "max_active_runs=2, max_active_tasks=3",
            {"max_active_runs": 2, "max_active_tasks": 3},
        ),
        ("concurrency=3, max_active_runs=None", {"max_active_tasks": 3}),
        ("dagrun_timeout=timedelta(hours=1)", {"dagrun_timeout": 3600}),
        ("template_searchpath='/tmp', default_view='graph', orientation='LR'", {}),
        ("render_template_as_native_obj=False, fail_fast=False, timetable=None", {}),
    ],
)
def test_a_dag_setting_stands_in_the_spec(read: Read, dag: str, expected: dict[str, Any]) -> None:
    spec = read(dag).spec
    assert spec == DagSpec("d", (TaskSpec("a", "EmptyOperator", line=12),), **expected)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("retries=None, execution_timeout=None, trigger_rule='all_success'", {}),
        ("retries=3", {"retries": 3}),
        ("retry_delay=timedelta(minutes=1)", {"retry_delay": 60}),
        ("retry_delay=1.5", {"retry_delay": 1.5}),
        ("retry_delay=0", {"retry_delay": 0}),
        ("retry_exponential_backoff=True", {"retry_exponential_backoff": 2.0}),
        ("retry_exponential_backoff=False", {}),
        ("retry_exponential_backoff=1.5", {"retry_exponential_backoff": 1.5}),
        ("max_retry_delay=timedelta(hours=1)", {"max_retry_delay": 3600}),
        ("execution_timeout=timedelta(seconds=0.5)", {"execution_timeout": 0.5}),
        ("queue='slow'", {"queue": "slow"}),
        ("doc_md='# Text', doc='other', owner='me'", {"doc_md": "# Text"}),
        ("executor_config={'patchbay': {'retry_on': 'any'}}", {"retry_on": "any"}),
        ("executor_config={'KubernetesExecutor': {'image': print}}", {}),
        ("depends_on_past=False, weight_rule='absolute', pool=None", {}),
    ],
)
def test_a_task_setting_stands_in_the_spec(read: Read, task: str, expected: dict[str, Any]) -> None:
    by_task = read("", task).spec.tasks[0]
    assert by_task == TaskSpec("a", "EmptyOperator", line=12, **expected)
    by_default = read(f"default_args=dict({task})").spec.tasks[0]
    assert by_default == by_task


@pytest.mark.parametrize("rule", TriggerRule)
def test_every_trigger_rule_can_be_given_as_text_or_by_name(read: Read, rule: TriggerRule) -> None:
    assert read("", f"trigger_rule={rule.value!r}").spec.tasks[0].trigger_rule == rule
    assert read("", f"trigger_rule=TriggerRule.{rule.name}").spec.tasks[0].trigger_rule == rule


def test_the_first_date_of_a_task_stands_in_for_the_dags(read: Read) -> None:
    spec = read("", "start_date=datetime(2024, 1, 1)", "").spec
    assert spec.start_date == "2024-01-01T00:00:00+00:00"


def test_params_are_plain_or_have_a_schema(read: Read) -> None:
    spec = read(
        "params={'plain': (1, 2), 'n': Param(5, type='integer', minimum=3, description='How many'),"
        " 'needed': Param(type='string', values_display={1: 'one'}),"
        " 'given': Param(None, schema={'type': ['null']})},"
        " default_args={'params': {'more': 1}}"
    ).spec
    assert spec.params == {"plain": [1, 2], "n": 5, "given": None, "more": 1}
    assert spec.param_schemas == {
        "n": {"type": "integer", "minimum": 3, "description": "How many"},
        "needed": {"type": "string", "values_display": {"1": "one"}},
        "given": {"type": ["null"]},
    }


def test_words_about_a_dag_may_stand_in_a_file_beside_it(read: Read, tmp_path: Path) -> None:
    (tmp_path / "about.md").write_text("# About\n")
    assert read("doc_md='about.md'").spec.doc_md == "# About\n"
    assert read("doc_md='missing.md'").spec.doc_md == "missing.md"


def test_days_ago_and_pendulums_today_are_midnights(read: Read) -> None:
    for text in ("days_ago(2)", "pendulum.today('UTC').add(days=-2)", "pendulum.yesterday()"):
        start = read(f"start_date={text}").spec.start_date
        assert start is not None
        assert start.endswith("T00:00:00+00:00")


def test_a_dag_that_says_so_is_not_there_by_its_with_alone(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        f"{HEAD}with DAG('kept'):\n    Empty(task_id='a')\n"
        "with DAG('dropped', auto_register=False):\n    Empty(task_id='a')\n"
    )
    parsed = parse_file(tmp_path / "one.py", folder=tmp_path)
    assert parsed.problem is None
    assert [dag.spec.dag_id for dag in parsed.dags] == ["kept"]


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("pendulum.datetime(2024, 1, 31).add(months=1)", "2024-02-29T00:00:00+00:00"),
        ("pendulum.datetime(2024, 2, 29).subtract(years=1)", "2023-02-28T00:00:00+00:00"),
        (
            "pendulum.datetime(2024, 3, 31, 0, tz='Europe/Vienna').add(days=1, hours=1)",
            "2024-04-01T01:00:00+02:00",
        ),
        (
            "pendulum.datetime(2024, 3, 31, 1, tz='Europe/Vienna').add(hours=1)",
            "2024-03-31T03:00:00+02:00",
        ),
        ("pendulum.datetime(2024, 5, 16, 5, 6).start_of('week')", "2024-05-13T00:00:00+00:00"),
        ("pendulum.datetime(2024, 5, 16).end_of('month')", "2024-05-31T23:59:59.999999+00:00"),
        ("pendulum.parse('2024-05-16', tz='Europe/Vienna')", "2024-05-16T00:00:00+02:00"),
        ("pendulum.parse('2024-05-16T01:00:00Z')", "2024-05-16T01:00:00+00:00"),
        ("pendulum.instance(datetime(2024, 1, 1))", "2024-01-01T00:00:00+00:00"),
        ("pendulum.from_timestamp(0)", "1970-01-01T00:00:00+00:00"),
        ("pendulum.datetime(2024, 1, 1).in_timezone('Asia/Tokyo')", "2024-01-01T09:00:00+09:00"),
        ("pendulum.datetime(2024, 1, 1) - timedelta(1)", "2023-12-31T00:00:00+00:00"),
    ],
)
def test_the_stand_in_for_pendulum_counts_as_pendulum_does(
    read: Read, expression: str, result: str
) -> None:
    assert read(f"start_date={expression}").spec.start_date == result


def test_a_real_pendulum_comes_before_the_stand_in(read: Read, tmp_path: Path) -> None:
    (tmp_path / "pendulum.py").write_text("REAL = '2024-01-01'\n")
    assert read("start_date=pendulum.REAL").spec.start_date == "2024-01-01T00:00:00+00:00"
