"""Arguments that a DAG file may not give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.dagfiles.parser import ImportProblem, ParsedFile, parse_file

HEAD = """\
from datetime import datetime, timedelta
from airflow import DAG
from airflow.models.baseoperator import chain
from airflow.utils.trigger_rule import TriggerRule
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator as Job
JOB = {"query": {"query": "SELECT 1"}}
"""

Read = Callable[[str], ParsedFile]
Refuse = Callable[[str], ImportProblem]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file; its text follows ``HEAD``, which takes the first six lines."""

    def read(text: str) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_text(HEAD + text)
        return parse_file(path, folder=tmp_path)

    return read


@pytest.fixture
def refuse(read: Read) -> Refuse:
    """The argument problem of a file that gives no DAG."""

    def refuse(text: str) -> ImportProblem:
        parsed = read(text)
        assert parsed.dags == ()
        assert parsed.problem is not None
        assert (parsed.problem.kind, parsed.problem.filename) == ("argument", "one.py")
        return parsed.problem

    return refuse


def task(arguments: str, *, dag: str = "DAG('d')") -> str:
    return f"with {dag}:\n    Job(\n        task_id='x', configuration=JOB, {arguments}\n    )\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("colour='red'", "BigQueryInsertJobOperator has no argument 'colour'."),
        ("result_retry='other'", "result_retry='other' is not supported"),
        ("location=5", "location must be a text, not int."),
        ("gcp_conn_id='my conn'", "gcp_conn_id='my conn' can't be a connection"),
        ("gcp_conn_id=''", "BigQueryInsertJobOperator needs the argument 'gcp_conn_id'."),
        ("gcp_conn_id=5", "must be a text, not int."),
        ("gcp_conn_id='c' * 201", "at most 200 letters"),
        ("trigger_rule='al_done'", "Task 'x': there is no trigger_rule 'al_done'; there are "),
        ("trigger_rule=TriggerRule.DUMMY", "there is no trigger_rule 'dummy'"),
        ("wait_for_downstream=True", "wait_for_downstream=True isn't supported, only False."),
        ("params={'a': 1}", "Task 'x': params={'a': 1} isn't supported, only None."),
        ("retries=-1", "Task 'x': retries=-1 can't be; it must be from 0 to 1,000."),
        ("retry_delay=timedelta(-1)", "retry_delay=-1 day, 0:00:00 can't be; it must be from 0 to"),
        ("retry_delay=float('nan')", "retry_delay=nan can't be"),
        ("execution_timeout=timedelta(0)", "execution_timeout=0:00:00 can't be"),
        ("retry_exponential_backoff='yes'", "must be bool or int or float, not str."),
        ("executor_config={'patchbay': {'retry_on': 'all'}}", "retry_on must be transient or any"),
        ("executor_config={'patchbay': {'retryon': 1}}", "may hold only 'retry_on'."),
        ("executor_config=5", "executor_config must be dict, not int."),
        ("queue=chr(0)", "queue holds a character that can't be stored."),
        ("task_group=5", "Task 'x': task_group must be a TaskGroup."),
        ("depends_on_past=True", "depends_on_past=True isn't supported, only False."),
        ("retries='two'", "Task 'x': retries must be int, not str."),
        ("retries=True", "Task 'x': retries must be int, not bool."),
        ("execution_timeout=30", "execution_timeout must be timedelta, not int."),
        ("dag=5", "Task 'x' has no DAG"),
    ],
)
def test_an_argument_of_a_task_is_refused_by_its_name(
    refuse: Refuse, arguments: str, words: str
) -> None:
    problem = refuse(task(arguments))
    assert words in problem.message
    assert problem.line == 8


@pytest.mark.parametrize(
    ("dag", "words"),
    [
        ("DAG('d', colour='red')", "DAG 'd': the argument 'colour' isn't supported."),
        ("DAG('d', user_defined_macros={'f': print})", "user_defined_macros={'f': <built-in"),
        ("DAG('d', user_defined_filters={'f': 1})", "user_defined_filters={'f': 1} isn't"),
        ("DAG('d', render_template_as_native_obj=True)", "isn't supported, only False."),
        ("DAG('d', timetable=object())", "timetable=object isn't supported, only None."),
        ("DAG('d', fail_fast=True)", "fail_fast=True isn't supported, only False."),
        (
            "DAG('d', max_active_runs=0)",
            "max_active_runs=0 can't be; it must be from 1 to 100,000.",
        ),
        ("DAG('d', max_active_tasks='5')", "max_active_tasks must be int, not str."),
        ("DAG('d', dagrun_timeout=60)", "dagrun_timeout must be timedelta, not int."),
        ("DAG('a b')", "dag_id 'a b' may have only letters"),
        ("DAG()", "dag_id must be a text"),
        ("DAG('d' * 251)", "dag_id has 251 characters; 250 are allowed."),
        ("DAG('d', schedule='@dialy')", "schedule '@dialy' isn't one of Airflow's presets: @once"),
        ("DAG('d', schedule='* * *')", "schedule '* * *' can't be: a cron text has 5 fields"),
        ("DAG('d', schedule='0 25 * * *')", "hour '25': must be from 0 to 23."),
        ("DAG('d', schedule='0 0 31 2 *')", "can't be: no month has such a day."),
        ("DAG('d', schedule=timedelta(0))", "schedule: runs can't be 0:00:00 apart"),
        ("DAG('d', schedule=['x'])", "not a list: Patchbay has no assets."),
        ("DAG('d', start_date='soon')", "start_date: 'soon' is no date, such as 2024-01-31T06"),
        ("DAG('d', start_date=5)", "start_date must be date or str, not int."),
        ("DAG('d', start_date=datetime(1, 1, 1))", "start_date: the year 1 can't be right."),
        ("DAG('d', default_args={'start_date': 5})", "start_date must be a datetime, not int."),
        ("DAG('d', schedule=5)", "schedule must be None, a preset"),
        ("DAG('d', schedule='\\0 * * * *')", "schedule holds a character"),
        ("DAG('d', schedule=None, schedule_interval=None)", "not both"),
        ("DAG('d', tags='weather')", "tags must be a list of texts."),
        ("DAG('d', tags=[1])", "tags must be a list of texts."),
        ("DAG('d', params=[])", "params must be a dict, not list."),
        ("DAG('d', default_args=5)", "default_args must be a dict, not int."),
        ("DAG('d', catchup='no')", "DAG 'd': catchup must be bool, not str."),
        ("DAG('d', description=5)", "description must be a text, not int."),
        ("DAG('d', params={'at': datetime(2024, 1, 1)})", "params['at'] holds a datetime."),
    ],
)
def test_an_argument_of_a_dag_is_refused_by_its_name(refuse: Refuse, dag: str, words: str) -> None:
    problem = refuse(task("", dag=dag))
    assert words in problem.message
    assert problem.line == 7


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("datetime(2024, 1, 1)", "configuration['query']['x'][1] holds a datetime."),
        ("lambda: 1", "configuration['query']['x'][1] holds a function."),
        ("b'bytes'", "configuration['query']['x'][1] holds a bytes."),
        ("float('nan')", "configuration['query']['x'][1] is nan"),
        ("'\\0'", "configuration['query']['x'][1] holds a character that can't be stored."),
        ("'\\ud800'", "configuration['query']['x'][1] holds a character that can't be stored."),
        ("{3: 'x'}", "configuration['query']['x'][1] has the key 3, which isn't a text."),
        ("{1, 'x'}", "configuration['query']['x'][1] is a set of values that can't be sorted"),
    ],
)
def test_a_value_that_json_cannot_keep_is_named_with_its_place(
    refuse: Refuse, value: str, words: str
) -> None:
    problem = refuse(
        f"with DAG('d'):\n    Job(task_id='x', configuration={{'query': {{'x': (0, {value})}}}})\n"
    )
    assert words in problem.message
    assert problem.line == 8


def test_a_value_that_holds_itself_is_refused(refuse: Refuse) -> None:
    problem = refuse("JOB['query']['again'] = JOB\n" + task(""))
    assert "is nested more than 64 deep." in problem.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("Job(task_id='x', configuration=JOB)", 7, "Task 'x' has no DAG"),
        ("with DAG('d'):\n  Job(configuration=JOB)", 8, "task_id of BigQueryInsertJobOperator"),
        ("with DAG('d'):\n  Job('x', configuration=JOB)", 8, "give every argument by its name"),
        ("with DAG('d'):\n  Job(task_id='x')", 8, "needs the argument 'configuration'."),
        ("with DAG('d'):\n  Job(task_id='x', configuration={})", 8, "exactly one of query"),
        ("with DAG('d'): pass", 7, "DAG 'd' has no tasks."),
        ("class Mine(Job): pass", 7, "Mine: an operator of your own can't run in Patchbay."),
    ],
)
def test_a_task_or_dag_that_lacks_something_is_refused(
    refuse: Refuse, text: str, line: int, words: str
) -> None:
    problem = refuse(text)
    assert words in problem.message
    assert problem.line == line


@pytest.mark.parametrize(
    ("relation", "words"),
    [
        ("a >> 5", "Only a task, a task group or a list of them can stand before or after"),
        ("[a, None] >> b", "can stand before or after a task, not None."),
        ("a >> print", "not the function print: call it with print()."),
        ("chain([a, b], [a, b, a])", "a list of 2 tasks to a list of 3."),
        ("a >> other", "they are of different DAGs."),
        ("Job(task_id='a', configuration=JOB)", "has two tasks 'a' (the first in line 10)."),
    ],
)
def test_a_relation_that_cannot_be_is_refused_at_its_line(
    refuse: Refuse, relation: str, words: str
) -> None:
    problem = refuse(
        "with DAG('e'):\n"
        "    other = Job(task_id='other', configuration=JOB)\n"
        "with DAG('d'):\n"
        "    a = Job(task_id='a', configuration=JOB)\n"
        "    b = Job(task_id='b', configuration=JOB)\n"
        f"    {relation}\n"
    )
    assert words in problem.message
    assert problem.line == 12


def test_a_loop_is_refused_and_the_other_dag_of_the_file_is_there(read: Read) -> None:
    parsed = read(
        "with DAG('good'):\n"
        "    Job(task_id='a', configuration=JOB)\n"
        "with DAG('bad'):\n"
        "    a, b = (Job(task_id=name, configuration=JOB) for name in 'ab')\n"
        "    a >> b >> a\n"
    )
    assert [dag.spec.dag_id for dag in parsed.dags] == ["good"]
    assert parsed.problem is not None
    assert (parsed.problem.kind, parsed.problem.line) == ("argument", 9)
    assert "has a loop: " in parsed.problem.message
    assert "a → b" in parsed.problem.message


def test_an_attribute_that_nothing_reads_cannot_be_set(read: Read) -> None:
    problem = read(task("") + "JOB.clear\nDAG('e').catchup = True\n").problem
    assert problem is not None
    assert (problem.kind, problem.line) == ("exception", 12)
    assert problem.message == "AttributeError: 'DAG' object has no attribute 'catchup'"
