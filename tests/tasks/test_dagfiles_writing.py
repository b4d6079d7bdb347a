"""A DAG that was made in the browser, as an Airflow file: reading the file gives the DAG again."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.dagfiles.parser import parse_file
from tasks.dagfiles.writing import NotWritable, airflow_file
from tasks.spec import DagSpec, TaskSpec, TriggerRule

JOB = "BigQueryInsertJobOperator"
QUERY = {"query": {"query": "SELECT 1", "useLegacySql": False}}

Again = Callable[[DagSpec], DagSpec]


@pytest.fixture
def again(tmp_path: Path) -> Again:
    """Write a spec as a file, and read that."""

    def again(spec: DagSpec) -> DagSpec:
        path = tmp_path / "one.py"
        path.write_text(airflow_file(spec))
        parsed = parse_file(path, folder=tmp_path)
        assert parsed.problem is None, (parsed.problem, path.read_text())
        assert parsed.dags[0].notices == ()
        return parsed.dags[0].spec

    return again


def job(task_id: str, *upstream: str, **more: Any) -> TaskSpec:
    arguments = {"configuration": QUERY, **more.pop("arguments", {})}
    return TaskSpec(task_id, JOB, "my_gcp_conn", arguments, upstream, **more)


def empty(task_id: str, *upstream: str, **more: Any) -> TaskSpec:
    return TaskSpec(task_id, "EmptyOperator", None, {}, upstream, **more)


def test_a_file_reads_as_a_person_would_write_it() -> None:
    text = airflow_file(
        DagSpec(
            "weather",
            (
                job("load"),
                job("transform", "load", retries=2, retry_delay=60),
                job("report", "transform", trigger_rule="all_done"),
            ),
            schedule="0 6 * * *",
            timezone="Europe/Vienna",
            start_date="2024-01-01T00:00:00+01:00",
            tags=("daily",),
        )
    )
    assert (
        text
        == """\
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.providers.google.cloud.operators.bigquery import BigQueryInsertJobOperator
from airflow.sdk import DAG


with DAG(
    "weather",
    schedule="0 6 * * *",
    start_date=datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Vienna")),
    tags=["daily"],
):
    load = BigQueryInsertJobOperator(
        task_id="load",
        configuration={"query": {"query": "SELECT 1", "useLegacySql": False}},
        gcp_conn_id="my_gcp_conn",
    )
    transform = BigQueryInsertJobOperator(
        task_id="transform",
        configuration={"query": {"query": "SELECT 1", "useLegacySql": False}},
        gcp_conn_id="my_gcp_conn",
        retries=2,
        retry_delay=timedelta(minutes=1),
    )
    report = BigQueryInsertJobOperator(
        task_id="report",
        configuration={"query": {"query": "SELECT 1", "useLegacySql": False}},
        gcp_conn_id="my_gcp_conn",
        trigger_rule="all_done",
    )

    load >> transform >> report
"""
    )


def test_groups_become_blocks_that_prefix_their_tasks_or_dont(again: Again) -> None:
    spec = DagSpec(
        "grouped",
        (
            empty("start"),
            empty("g.a", "start", group="g"),
            empty("g.inner.b", "g.a", group="g.inner"),
            empty("own_id", "g.a", group="plain"),
            empty("end", "g.inner.b", "own_id"),
            empty("g.late", "end", group="g"),
        ),
        groups={"g": "Two tasks", "g.inner": "", "plain": "No prefix", "unused": ""},
    )
    assert again(spec).digest() == spec.digest()
    text = airflow_file(spec)
    assert 'with TaskGroup("g", tooltip="Two tasks") as g:' in text
    assert 'with TaskGroup("inner") as inner:' in text
    assert "    with g:\n        late = EmptyOperator(" in text


def test_what_a_task_leaves_is_written_as_its_output(again: Again) -> None:
    left = {"__xcom__": "first", "key": "return_value"}
    part = {"__xcom__": "first", "key": "rows"}
    spec = DagSpec(
        "handed_on",
        (
            job("first"),
            job(
                "second", "first", arguments={"configuration": {"query": {"a": left, "b": [part]}}}
            ),
        ),
    )
    assert again(spec).digest() == spec.digest()
    assert '{"query": {"a": first.output, "b": [first.output["rows"]]}}' in airflow_file(spec)


def test_a_task_that_takes_what_a_later_one_leaves_is_written_after_it(again: Again) -> None:
    left = {"__xcom__": "b", "key": "return_value"}
    spec = DagSpec(
        "backwards", (job("a", "b", arguments={"configuration": {"query": left}}), job("b"))
    )
    found = again(spec)
    assert [task.task_id for task in found.tasks] == ["b", "a"]
    assert found.task("a") == TaskSpec(**{**vars(spec.task("a")), "line": found.task("a").line})


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1\nFROM t",
        '"""',
        'ends with a quote\n"',
        "a\\nb\n\\",
        "\r\nmac\r",
        "{{ ds }} and 'both' \"quotes\"",
        "\x1b[0m\n",
        "🦆\n\t∀",
    ],
)
def test_every_text_comes_back_as_it_was(again: Again, text: str) -> None:
    spec = DagSpec(
        "texts",
        (job("a", arguments={"configuration": {"query": {text: [text]}}}, doc_md=text),),
        description=text,
        params={"p": text},
    )
    assert again(spec).digest() == spec.digest()


def test_a_text_that_ends_like_a_file_is_not_taken_for_one(again: Again) -> None:
    arguments = {"sql": "SELECT 1 -- as in day.sql"}
    spec = DagSpec("ends", (TaskSpec("a", "SQLExecuteQueryOperator", "db", arguments),))
    assert again(spec).tasks[0].arguments == {"sql": "SELECT 1 -- as in day.sql\n"}


def test_names_that_python_keeps_for_itself_are_no_variables(again: Again) -> None:
    names = ("class", "DAG", "1st", "a-b", "a.b", "a_b", "EmptyOperator", "datetime", "-", "é")
    tasks = [empty(name, *names[:index][-1:]) for index, name in enumerate(names)]
    spec = DagSpec("names", tuple(tasks), start_date="2024-01-01T00:00:00+00:00")
    assert again(spec).digest() == spec.digest()


def test_a_time_zone_without_a_date_gets_one(again: Again) -> None:
    spec = DagSpec("zoned", (empty("a"),), schedule="0 6 * * *", timezone="Asia/Kolkata")
    found = again(spec)
    assert (found.timezone, found.schedule) == ("Asia/Kolkata", "0 6 * * *")
    assert found.start_date == "2021-01-01T00:00:00+05:30"


def test_groups_that_a_file_cannot_have_are_left_out(again: Again) -> None:
    spec = DagSpec(
        "odd",
        (empty("x", group="a"), empty("y", group="b"), empty("z", group="a.c"), empty("w")),
        groups={"a": "", "b": "", "a.c": "", "b.c": ""},
    )
    found = again(spec)
    assert [task.task_id for task in found.tasks] == ["x", "y", "z", "w"]
    assert found.groups == {}


def test_a_dag_with_python_code_is_refused() -> None:
    spec = DagSpec("code", (TaskSpec("a", "PythonOperator"),), source_digest="x")
    with pytest.raises(NotWritable, match="has Python code"):
        airflow_file(spec)


# Any spec

_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20
).filter(lambda text: not text.endswith(".md"))
_ids = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=8)
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(-1e9, 1e9) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_lengths = st.integers(1, 10**7) | st.sampled_from([0.5, 60, 3600, 86400, 90000])


@st.composite
def _tasks(draw: st.DrawFn) -> tuple[TaskSpec, ...]:
    ids = draw(st.lists(_ids, min_size=1, max_size=5, unique=True))
    return tuple(draw(_task(name, ids[:index])) for index, name in enumerate(ids))


@st.composite
def _task(draw: st.DrawFn, task_id: str, before: list[str]) -> TaskSpec:
    upstream = [name for name in before if draw(st.booleans())]
    common: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "trigger_rule": st.sampled_from([rule.value for rule in TriggerRule]),
                "retries": st.integers(0, 1000),
                "retry_delay": _lengths,
                "retry_exponential_backoff": st.sampled_from([0.0, 1.5, 2.0]),
                "max_retry_delay": _lengths,
                "retry_on": st.sampled_from(["transient", "any"]),
                "execution_timeout": _lengths,
                "queue": _ids,
                "doc_md": _texts,
            },
        )
    )
    if draw(st.booleans()):
        return empty(task_id, *upstream, **common)
    body: dict[str, Any] = draw(st.dictionaries(_texts, _json, max_size=3))
    refers: bool = draw(st.booleans())
    if upstream and refers:
        body["left"] = {"__xcom__": upstream[0], "key": draw(_texts)}
    options: dict[str, st.SearchStrategy[Any]] = {
        "location": _texts,
        "force_rerun": st.booleans(),
    }
    more: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=options))
    return job(task_id, *upstream, arguments={"configuration": {"query": body}, **more}, **common)


_dags = st.builds(
    DagSpec,
    dag_id=_ids,
    tasks=_tasks(),
    description=_texts,
    doc_md=_texts,
    schedule=st.sampled_from(["", "@daily", "*/5 * * * 1-5", "@once"]),
    timezone=st.just("Europe/Vienna"),
    start_date=st.sampled_from(["2024-07-01T06:30:00+02:00", "2024-10-27T02:30:00+01:00"]),
    end_date=st.sampled_from([None, "2030-01-01T00:00:00.000001+01:00"]),
    catchup=st.booleans(),
    is_paused_upon_creation=st.none() | st.booleans(),
    max_active_runs=st.none() | st.integers(1, 1000),
    max_active_tasks=st.none() | st.integers(1, 1000),
    dagrun_timeout=st.none() | _lengths,
    tags=st.lists(_texts, max_size=3).map(tuple),
    params=st.dictionaries(_texts, _json, max_size=3),
    param_schemas=st.dictionaries(
        _texts, st.dictionaries(st.sampled_from(["type", "minimum", "$id"]), _texts), max_size=2
    ),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spec=_dags)
def test_the_file_of_any_dag_gives_the_dag_again(again: Again, spec: DagSpec) -> None:
    assert again(spec).digest() == spec.digest()
