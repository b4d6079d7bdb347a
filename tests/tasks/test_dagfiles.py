"""What a DAG file that is right gives: through ``parse_file``, with real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tasks.dagfiles.parser import ParsedDag, parse_file, parse_folder
from tasks.spec import DagSpec

SAMPLES = Path(__file__).parents[1] / "dags"
SHIPPED = Path(__file__).parents[2] / "dags"

HEAD = """\
from datetime import datetime, timedelta
from airflow import DAG
from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator as Job

JOB = {"query": {"query": "SELECT 1"}}
"""

Read = Callable[[str], ParsedDag]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one file that holds exactly one DAG; ``HEAD`` takes its first five lines."""

    def read(text: str) -> ParsedDag:
        path = tmp_path / "one.py"
        path.write_text(HEAD + dedent(text))
        parsed = parse_file(path, folder=tmp_path)
        assert parsed.problem is None, parsed.problem
        (dag,) = parsed.dags
        return dag

    return read


def upstream(spec: DagSpec) -> dict[str, tuple[str, ...]]:
    return {task.task_id: task.upstream for task in spec.tasks}


def test_the_example_dag_names_its_connection_and_its_query() -> None:
    parsed = parse_file(SHIPPED / "example_dag.py", folder=SHIPPED)
    assert parsed.problem is None
    (dag,) = parsed.dags
    (task,) = dag.spec.tasks
    assert (dag.spec.dag_id, task.task_id, task.conn_id) == (
        "example_dag",
        "bq_task",
        "my_gcp_conn",
    )
    assert task.operator == "BigQueryInsertJobOperator"
    assert task.line == 5
    assert list(task.arguments) == ["configuration"]
    assert "FROM seattle.weather" in task.arguments["configuration"]["query"]["query"]
    assert dag.notices == ()


def test_a_file_in_the_form_of_airflow_2_is_read_whole() -> None:
    parsed = parse_file(SAMPLES / "airflow2_style.py", folder=SAMPLES)
    assert parsed.problem is None
    (dag,) = parsed.dags
    spec = dag.spec
    assert spec.dag_id == "airflow2_style"
    assert spec.description == "Three steps"
    assert spec.schedule == "0 6 * * *"
    assert spec.tags == ("weather", "daily")
    assert spec.params == {"year": 2015}
    assert spec.doc_md.startswith("The usual form of an Airflow 2 file")
    assert upstream(spec) == {
        "extract": (),
        "transform": ("extract",),
        "report": ("transform",),
    }
    assert [task.conn_id for task in spec.tasks] == ["warehouse", "warehouse", "reports"]


def test_a_file_in_the_form_of_airflow_3_is_read_with_the_module_beside_it() -> None:
    parsed = parse_file(SAMPLES / "airflow3_style.py", folder=SAMPLES)
    assert parsed.problem is None
    (dag,) = parsed.dags
    assert dag.spec.tags == ("air", "weather")
    assert upstream(dag.spec) == {
        "year_2014": ("first",),
        "year_2015": ("first",),
        "first": (),
        "left": ("year_2014", "year_2015"),
        "right": ("year_2014", "year_2015"),
    }
    assert (
        "temp_max > 25" in dag.spec.task("year_2015").arguments["configuration"]["query"]["query"]
    )


def test_a_file_of_functions_is_read_with_its_groups_and_outputs() -> None:
    parsed = parse_file(SAMPLES / "taskflow_style.py", folder=SAMPLES)
    assert parsed.problem is None
    (dag,) = parsed.dags
    spec = dag.spec
    assert (spec.dag_id, spec.schedule, spec.timezone) == ("sales", "@daily", "Europe/Vienna")
    assert upstream(spec) == {
        "extract": (),
        "AT.clean": ("extract",),
        "AT.load": ("AT.clean",),
        "DE.clean": ("extract",),
        "DE.load": ("DE.clean",),
        "is_enough": ("AT.load", "DE.load"),
        "report": ("is_enough",),
    }
    assert spec.groups == {"AT": "One country", "DE": "One country"}
    assert (spec.task("report").retries, spec.task("extract").retries) == (0, 2)
    assert dag.notices == ()


def test_all_samples_and_the_shipped_folder_are_free_of_problems() -> None:
    files = parse_folder(SAMPLES) + parse_folder(SHIPPED)
    assert [file.problem for file in files if file.problem] == []
    names = [file.filename for file in files]
    assert names[:2] == ["airflow2_style.py", "airflow3_style.py"]
    assert {"taskflow_style.py", "example_dag.py", "elt_demo.py"} <= set(names)


def test_arrows_take_tasks_and_lists_on_either_side(read: Read) -> None:
    dag = read("""
        with DAG("arrows"):
            a, b, c, d, e, f, g = (Job(task_id=name, configuration=JOB) for name in "abcdefg")
            a >> [b, c] >> d
            e << d
            e << [f] << g
            [a, b] << g
            c.set_upstream(f)
            f.set_downstream([d, e])
    """)
    assert upstream(dag.spec) == {
        "a": ("g",),
        "b": ("a", "g"),
        "c": ("a", "f"),
        "d": ("b", "c", "f"),
        "e": ("d", "f"),
        "f": ("g",),
        "g": (),
    }


def test_chain_links_lists_of_the_same_length_in_pairs(read: Read) -> None:
    dag = read("""
        from airflow.sdk import chain
        with DAG("chained"):
            a, b, c, d, e, f = (Job(task_id=name, configuration=JOB) for name in "abcdef")
            chain(a, [b, c], [d, e], f)
    """)
    assert upstream(dag.spec) == {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("b",),
        "e": ("c",),
        "f": ("d", "e"),
    }


def test_the_order_of_the_arrows_makes_no_new_version(read: Read) -> None:
    text = """
        with DAG("same"):
            a, b, c = (Job(task_id=name, configuration=JOB) for name in "abc")
            {}
            {}
    """
    first = read(text.format("a >> c", "b >> c"))
    second = read(text.format("b >> c", "[a, b] >> c"))
    assert first.spec.digest() == second.spec.digest()


def test_sets_are_in_the_same_order_in_every_process(read: Read) -> None:
    text = """
        with DAG("sets", params={"s": {"b", "a", "c"}}):
            for name in {"one", "two", "three", "four", "five"}:
                Job(task_id=name, configuration=JOB)
    """
    first, second = read(text), read(text)
    assert first.spec.params == {"s": ["a", "b", "c"]}
    assert first.spec.digest() == second.spec.digest()


def test_a_connection_that_is_not_named_is_the_operators_default(read: Read) -> None:
    dag = read("""
        with DAG("plain"):
            Job(task_id="a", configuration=JOB)
            Job(task_id="b", configuration=JOB, gcp_conn_id=None)
            Job(task_id="c", configuration=JOB, gcp_conn_id="{{ params.conn }}")
    """)
    assert [task.conn_id for task in dag.spec.tasks] == [
        "google_cloud_default",
        "google_cloud_default",
        "{{ params.conn }}",
    ]


def test_default_args_fill_only_what_the_call_leaves_out(read: Read) -> None:
    dag = read("""
        with DAG("filled", default_args={"location": "EU", "force_rerun": False}):
            Job(task_id="a", configuration=JOB)
            Job(task_id="b", configuration=JOB, location="US", default_args={"job_id": "j"})
    """)
    a, b = dag.spec.tasks
    assert a.arguments == {
        "location": "EU",
        "force_rerun": False,
        "configuration": {"query": {"query": "SELECT 1"}},
    }
    assert (b.arguments["location"], b.arguments["job_id"]) == ("US", "j")


def test_a_dag_without_with_counts_if_it_has_a_global_name(read: Read) -> None:
    dag = read("""
        def make(name):
            dag = DAG(name)
            Job(task_id="a", configuration=JOB, dag=dag)
            return dag

        kept = make("kept")
        make("dropped")
    """)
    assert dag.spec.dag_id == "kept"


def test_lines_are_those_of_the_file_also_inside_a_function(read: Read) -> None:
    dag = read("""
        with DAG("lines"):
            def make(name):
                return Job(
                    task_id=name,
                    configuration=JOB,
                )
            make("a")
            Job(configuration=JOB,
                task_id="b")
    """)
    assert [task.line for task in dag.spec.tasks] == [9, 14]


def test_a_spec_survives_the_way_to_the_database_and_back(read: Read) -> None:
    dag = read("""
        with DAG("whole", params={"t": (1, 2.5, None, True)}, description="ä 🦆"):
            Job(task_id="a", configuration=JOB) >> Job(task_id="b", configuration=JOB)
    """)
    assert DagSpec.from_json(dag.spec.to_json()) == dag.spec
    assert dag.spec.params == {"t": [1, 2.5, None, True]}
