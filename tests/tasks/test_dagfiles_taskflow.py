"""``@dag``, ``@task`` and what tasks hand to each other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tasks.dagfiles.parser import ImportProblem, ParsedFile, parse_file
from tasks.spec import DagSpec

HEAD = """\
from airflow.decorators import dag, task, task_group
from airflow.sdk import DAG, TaskGroup
from airflow.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator as Job
JOB = {"query": {"query": "SELECT 1"}}
"""

Read = Callable[[str], ParsedFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file; ``HEAD`` takes its first five lines."""

    def read(text: str) -> ParsedFile:
        path = tmp_path / "one.py"
        path.write_text(HEAD + dedent(text).lstrip("\n"))
        return parse_file(path, folder=tmp_path)

    return read


def spec_of(parsed: ParsedFile) -> DagSpec:
    assert parsed.problem is None, parsed.problem
    (dag,) = parsed.dags
    return dag.spec


def problem_of(parsed: ParsedFile) -> ImportProblem:
    assert parsed.problem is not None
    assert parsed.problem.kind == "argument", parsed.problem
    return parsed.problem


def left(task_id: str, key: str = "return_value") -> dict[str, str]:
    return {"__xcom__": task_id, "key": key}


def test_a_dag_function_makes_a_dag_when_it_is_called(read: Read) -> None:
    spec = spec_of(
        read('''
        @dag(schedule="@daily", tags=["x"], default_args={"retries": 2})
        def weather():
            """Reads the weather.

            Each day."""
            Job(task_id="a", configuration=JOB)

        weather()
        ''')
    )
    assert (spec.dag_id, spec.schedule, spec.tags) == ("weather", "@daily", ("x",))
    assert spec.doc_md == "Reads the weather.\n\nEach day."
    assert spec.tasks[0].retries == 2
    assert spec.source_digest == ""


def test_an_argument_of_a_dag_function_is_a_param_that_a_run_may_change(read: Read) -> None:
    spec = spec_of(
        read("""
        @dag("named", params={"other": 1})
        def made(city="Vienna", table="t"):
            Job(task_id="a", configuration={"query": {"query": f"SELECT '{city}'", "t": table}})

        made(table="u")
        """)
    )
    assert spec.dag_id == "named"
    assert spec.params == {"other": 1, "city": "Vienna", "table": "u"}
    assert spec.tasks[0].arguments["configuration"] == {
        "query": {"query": "SELECT '{{ params.city }}'", "t": "{{ params.table }}"}
    }


def test_what_a_task_function_returns_can_be_handed_to_another(read: Read) -> None:
    parsed = read('''
        with DAG("flow"):
            @task
            def one():
                """The first"""

            @task(retries=3, queue="slow")
            def two(x, *, y=1, ds=None, **context):
                ...

            first = one()
            second = two(first, y=[first["part"], {"deep": first}])
            second >> Job(task_id="last", configuration=JOB)
        ''')
    spec = spec_of(parsed)
    one, two, last = spec.tasks
    assert (one.task_id, one.operator, one.arguments) == ("one", "PythonOperator", {})
    assert one.doc_md == "The first"
    assert (two.upstream, two.retries, two.queue) == (("one",), 3, "slow")
    assert two.arguments == {
        "op_args": [left("one")],
        "op_kwargs": {"y": [left("one", "part"), {"deep": left("one")}]},
    }
    assert last.upstream == ("two",)
    assert parsed.dags[0].source_used


def test_the_digest_of_the_file_is_in_the_spec_so_that_new_code_is_a_new_version(
    read: Read, tmp_path: Path
) -> None:
    text = """
        with DAG("flow"):
            @task
            def one():
                return {}
            one()
    """
    first = spec_of(read(text.format(1)))
    assert first.source_digest == hashlib.sha256((tmp_path / "one.py").read_bytes()).hexdigest()
    assert first.digest() != spec_of(read(text.format(2))).digest()


def test_a_function_that_is_called_again_makes_another_task(read: Read) -> None:
    spec = spec_of(
        read("""
        with DAG("flow"):
            @task
            def f(x=0): ...

            f(f(f()))
            f.override(task_id="named", retries=1)(1)
            with TaskGroup("g"):
                f()
                f()
        """)
    )
    assert [task.task_id for task in spec.tasks] == ["f", "f__1", "f__2", "named", "g.f", "g.f__1"]
    assert spec.task("f__2").upstream == ("f__1",)
    assert spec.task("named").retries == 1


def test_the_kinds_of_task_functions_are_the_kinds_of_operators(read: Read) -> None:
    spec = spec_of(
        read("""
        with DAG("flow"):
            @task.branch
            def choose(): return "a"

            @task.short_circuit(ignore_downstream_trigger_rules=False)
            def stop(): return True

            @task.python(task_id="plain")
            def run(): ...

            choose() >> stop() >> run()
            PythonOperator(task_id="p", python_callable=print, op_args=["{{ ds }}"])
            BranchPythonOperator(task_id="b", python_callable=lambda: "p", op_kwargs={"x": 1})
            ShortCircuitOperator(task_id="s", python_callable=run.function)
        """)
    )
    assert [(task.task_id, task.operator, task.arguments) for task in spec.tasks] == [
        ("choose", "BranchPythonOperator", {}),
        ("stop", "ShortCircuitOperator", {"ignore_downstream_trigger_rules": False}),
        ("plain", "PythonOperator", {}),
        ("p", "PythonOperator", {"op_args": ["{{ ds }}"]}),
        ("b", "BranchPythonOperator", {"op_kwargs": {"x": 1}}),
        ("s", "ShortCircuitOperator", {}),
    ]


def test_the_output_of_any_operator_can_be_an_argument_and_makes_an_arrow(read: Read) -> None:
    spec = spec_of(
        read("""
        with DAG("flow"):
            a = Job(task_id="a", configuration=JOB)
            Job(task_id="b", configuration={"query": a.output}, job_id=a.output["id"])
            Job(task_id="c", configuration={"query": f"{a.output} and {a.output['k']}"})
            a.output >> Job(task_id="d", configuration=JOB)
        """)
    )
    assert spec.task("b").arguments == {
        "configuration": {"query": left("a")},
        "job_id": left("a", "id"),
    }
    assert [task.upstream for task in spec.tasks] == [(), ("a",), (), ("a",)]
    assert spec.task("c").arguments["configuration"]["query"] == (
        "{{ ti.xcom_pull(task_ids='a') }} and {{ ti.xcom_pull(task_ids='a', key='k') }}"
    )


WITH = "with DAG('d'):\n    @task\n    def f(x): ...\n    {}\n"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("f()", "f() can't be called so: missing a required argument: 'x'."),
        ("f(1, 2)", "f() can't be called so: too many positional arguments."),
        ("f(x=1, y=2)", "f() can't be called so: got an unexpected keyword argument 'y'."),
        ("f(print)", "op_args[0] holds a builtin_function_or_method."),
        ("f(Job(task_id='j', configuration=JOB))", "Write .output after the task for what it"),
        ("f.expand(x=[1, 2])", "f: Dynamic task mapping (expand, partial) isn't supported."),
        ("f.partial(x=1)", "f: Dynamic task mapping (expand, partial) isn't supported."),
        ("f >> f(1)", "f is a function: call it, as f(), to make the task"),
        ("f(1) >> f", "not the function f: call it with f()."),
        ("[x for x in f(1)]", "The output of task 'f' isn't known while the file is read"),
        ("f(1)[0]", "can be taken by a key that is a text, not by 0"),
        ("f(1).map(print)", "map, zip and concat belong to dynamic task mapping"),
        ("f({'__xcom__': 'x'})", "has the key '__xcom__', which Patchbay keeps for itself"),
        ("task.docker(image='x')", "@task.docker isn't supported; there are @task, @task.branch"),
        ("task('f')", "@task takes its arguments by name"),
        ("PythonOperator(task_id='p')", "PythonOperator needs the argument 'python_callable'"),
        ("Job(task_id='j', configuration=JOB, location=f(1))", "location can't take what a task"),
        ("f.override(colour=1)(1)", "PythonOperator has no argument 'colour'."),
    ],
)
def test_what_a_task_function_cannot_do_is_refused_at_its_line(
    read: Read, statement: str, words: str
) -> None:
    problem = problem_of(read(WITH.format(statement)))
    assert words in problem.message
    assert problem.line == 9


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("@task\ndef f(): ...\nf()\n", "Task 'f' has no DAG", 8),
        ("@dag\ndef f(n=1): ...\nf()\n", "the argument 'n' of a @dag function must be a text", 8),
        (
            "from airflow.sdk import get_current_context\nget_current_context()\n",
            "Only the code of a task can ask for that, while it runs",
            7,
        ),
        (
            "from airflow.hooks.base import BaseHook\nBaseHook.get_connection('x')\n",
            "Only the code of a task can use a connection, while it runs",
            7,
        ),
    ],
)
def test_what_stands_outside_of_a_dag_or_a_task_is_refused(
    read: Read, text: str, words: str, line: int
) -> None:
    problem = problem_of(read(text))
    assert words in problem.message
    assert problem.line == line


def test_a_helper_module_may_offer_task_functions(read: Read, tmp_path: Path) -> None:
    (tmp_path / "shared.py").write_text(
        "from airflow.decorators import task\n@task\ndef shared(x): ...\n"
    )
    spec: Any = spec_of(read("from shared import shared\nwith DAG('d'):\n    shared(1)\n"))
    assert (spec.tasks[0].task_id, spec.tasks[0].line) == ("shared", 8)
    assert spec.source_digest


def test_the_line_of_a_task_is_that_of_its_function_and_not_of_its_call(read: Read) -> None:
    spec = spec_of(
        read("""
        with DAG("lines"):
            @task(retries=1)
            def load():
                pass

            PythonOperator(task_id="own", python_callable=load)
            load()
            load.override(task_id="again")()
        """)
    )
    assert {each.task_id: each.line for each in spec.tasks} == {"load": 7, "own": 11, "again": 7}
