"""What is typed in the editor becomes a spec, or is told at its field."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.drafting.catalogue import catalogue, first_id, is_offered
from tasks.drafting.draft import MOST_TASKS, DraftTask
from tasks.drafting.lengths import WrongLength, length_text, seconds_of
from tasks.drafting.reading import Place, draft_of, read
from tasks.drafting.values import ARGUMENT, WrongText, first_text, offered, text_of, value_of
from tasks.operators import OPERATORS
from tasks.operators.base import Argument
from tasks.spec import DagSpec, TaskSpec, TriggerRule
from tests.tasks.editor_world import SQL, chain, draft_with, sql_draft


def errors_of(*tasks: DraftTask, **texts: str) -> dict[Place, str]:
    reading = read(draft_with(*tasks, **texts))
    assert (reading.spec is None) == bool(reading.errors)
    return reading.errors


def spec_of(*tasks: DraftTask, **texts: str) -> DagSpec:
    reading = read(draft_with(*tasks, **texts))
    assert reading.spec is not None, reading.errors
    return reading.spec


def task_of(**texts: str) -> TaskSpec:
    return spec_of(sql_draft("t1", **texts)).tasks[0]


# A draft and its spec


def test_a_draft_of_a_spec_gives_the_spec_again() -> None:
    spec = chain()
    assert read(draft_of(spec)).spec == spec


def test_everything_that_the_form_has_becomes_part_of_the_spec() -> None:
    spec = spec_of(
        sql_draft("t1", retries="3", retry_delay="1 h 30 min", queue="slow"),
        description="Two lines\nof words",
        schedule="0 6 * * 1-5",
        timezone="Europe/Vienna",
        start_date="2026-07-01T06:00",
        end_date="2027-01-01T00:00",
        catchup="1",
        max_active_runs="2",
        max_active_tasks="4",
        dagrun_timeout="2 h",
        tags="a, b,a , ",
        params='{"day": "2026-01-31", "n": 5}',
        doc_md="# What it does",
    )
    assert spec == DagSpec(
        "one",
        (
            TaskSpec(
                "t1", SQL, "db", {"sql": "SELECT 1"}, retries=3, retry_delay=5400, queue="slow"
            ),
        ),
        description="Two lines\nof words",
        doc_md="# What it does",
        schedule="0 6 * * 1-5",
        timezone="Europe/Vienna",
        start_date="2026-07-01T06:00:00+02:00",
        end_date="2027-01-01T00:00:00+01:00",
        catchup=True,
        max_active_runs=2,
        max_active_tasks=4,
        dagrun_timeout=7200,
        tags=("a", "b"),
        params={"day": "2026-01-31", "n": 5},
    )
    assert read(draft_of(spec)).spec == spec


def test_runs_that_far_apart_are_an_interval() -> None:
    assert spec_of(sql_draft("t1"), schedule="every 15 min").interval == 900


def test_the_order_of_ticks_makes_no_other_spec() -> None:
    first, second, third = sql_draft("t1"), sql_draft("t2"), sql_draft("t3")
    ways = [
        spec_of(first, second, replace(third, after=after)).digest()
        for after in (("t1", "t2"), ("t2", "t1"))
    ]
    assert ways[0] == ways[1]


# What is wrong stands at its field


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("dag_id", "", "A DAG needs an ID."),
        ("dag_id", "a b", "may have only letters"),
        ("dag_id", "x" * 251, "250 are allowed"),
        ("dag_id", "new", "it stands for a page"),
        ("dag_id", "..", "it stands for a page"),
        ("schedule", "0 6 * *", "a cron text has 5 fields"),
        ("schedule", "@fortnightly", "isn't one of Airflow's presets"),
        ("schedule", "every now and then", "A length of time is needed"),
        ("schedule", "every 0.5 s", "at least a second"),
        ("timezone", "Europe/Wien", "there is no time zone 'Europe/Wien'"),
        ("start_date", "yesterday", "is no date"),
        ("start_date", "0001-01-01T00:00", "The year 1 can't be right"),
        ("max_active_runs", "0", "from 1 to 100,000"),
        ("max_active_tasks", "many", "A whole number"),
        ("dagrun_timeout", "soon", "A length of time is needed"),
        ("dagrun_timeout", "0", "longer than that"),
        ("params", "{", "This is not JSON"),
        ("params", "[1]", "A JSON object is needed"),
        ("description", "nul \0", "NUL"),
        ("tags", "x" * 1001, "at most 1,000"),
    ],
)
def test_a_setting_that_cannot_be_is_told_at_its_field(name: str, text: str, words: str) -> None:
    found = errors_of(sql_draft("t1"), **{name: text})
    assert list(found) == [Place("", name)]
    assert words.lower() in found[Place("", name)].lower()


def test_an_end_before_the_start_is_told() -> None:
    found = errors_of(sql_draft("t1"), start_date="2026-02-01T00:00", end_date="2026-01-01T00:00")
    assert found == {Place("", "end_date"): "It ends before it starts."}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("task_id", "", "A task needs an ID."),
        ("task_id", "a b", "may have only letters"),
        ("conn_id", "", "Choose the connection"),
        ("conn_id", "a b", "Only letters"),
        ("conn_id", "{{" + "x" * 250, "at most 250"),
        ("operator", "", "Choose what the task does."),
        ("operator", "FrobOperator", "Choose what the task does."),
        ("operator", "PythonOperator", "Choose what the task does."),
        ("arg-sql", "  \n", "This is needed."),
        ("arg-sql", "day.sql", "no files beside it"),
        ("arg-sql", "x" * 100_001, "at most 100,000"),
        ("arg-parameters", "{1: 2}", "This is not JSON"),
        ("arg-parameters", '{"__xcom__": "a"}', "use ti.xcom_pull"),
        ("arg-split_statements", "maybe", "Choose one of the list."),
        ("trigger_rule", "sometimes", "Choose one of the list."),
        ("retries", "-1", "from 0 to 1,000"),
        ("retry_delay", "5 weeks", "A length of time is needed"),
        ("retry_exponential_backoff", "101", "A number up to 100"),
        ("max_retry_delay", "20000 d", "At most ten years."),
        ("execution_timeout", "x", "A length of time is needed"),
        ("retry_on", "never", "Choose one of the list."),
        ("queue", "q" * 251, "At most 250"),
    ],
)
def test_a_field_of_a_task_that_cannot_be_is_told_there(name: str, text: str, words: str) -> None:
    task = sql_draft("t1")
    task = replace(task, texts={**task.texts, name: text})
    found = errors_of(sql_draft("t2"), task)
    assert list(found) == [Place("t1", name)]
    assert words in found[Place("t1", name)]


def test_what_the_operator_itself_refuses_stands_at_the_field_it_speaks_of() -> None:
    texts = {"operator": "BigQueryInsertJobOperator", "task_id": "a", "conn_id": "wh"}
    task = DraftTask("t1", {**texts, "arg-configuration": '{"query": {}, "load": {}}'})
    [(place, words)] = errors_of(task).items()
    assert place == Place("t1", "arg-configuration")
    assert not words.startswith("BigQueryInsertJobOperator")


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = errors_of(
        sql_draft("t1", task_id="", retries="x"), sql_draft("t2", conn_id=""), dag_id=""
    )
    assert set(found) == {
        Place("", "dag_id"),
        Place("t1", "task_id"),
        Place("t1", "retries"),
        Place("t2", "conn_id"),
    }


def test_two_tasks_of_one_id_are_told_at_the_second() -> None:
    found = errors_of(sql_draft("t1", task_id="a"), sql_draft("t2", task_id="a"))
    assert list(found) == [Place("t2", "task_id")]


def test_a_loop_is_told_with_its_path() -> None:
    tasks = [
        replace(sql_draft(key, task_id=name), after=(after,))
        for key, name, after in (("t1", "a", "t3"), ("t2", "b", "t1"), ("t3", "c", "t2"))
    ]
    [(place, words)] = errors_of(*tasks).items()
    assert place == Place("t1", "after")
    assert words in {
        f"The arrows go in a circle: {path}."
        for path in ("a → b → c → a", "b → c → a → b", "c → a → b → c")
    }


def test_a_task_after_itself_is_a_loop() -> None:
    [(place, words)] = errors_of(replace(sql_draft("t1", task_id="a"), after=("t1",))).items()
    assert (place.name, words) == ("after", "The arrows go in a circle: a → a.")


def test_a_dag_has_a_task_and_not_too_many() -> None:
    assert errors_of() == {Place("", ""): "A DAG needs a task."}
    many = [sql_draft(f"t{number}") for number in range(1, MOST_TASKS + 2)]
    assert "at most 200" in errors_of(*many)[Place("", "")]


def test_a_dag_that_is_too_large_as_a_whole_is_refused() -> None:
    many = [sql_draft(f"t{number}", arg__sql="x" * 99_000) for number in range(1, 12)]
    assert "at most 1,000,000" in errors_of(*many)[Place("", "")]


# Connections


def test_a_connection_may_be_a_template_or_the_operators_default() -> None:
    assert task_of(conn_id="*", conn_other=" {{ params.conn }} ").conn_id == "{{ params.conn }}"
    assert task_of(conn_id="*", conn_other="not_there").conn_id == "not_there"
    http = DraftTask("t1", {"operator": "HttpOperator", "task_id": "call"})
    assert spec_of(http).tasks[0].conn_id == "http_default"


# Values by their kinds


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "  a b ", "a b"),
        ("lines", " a\n b\n", " a\n b\n"),
        ("integer", " 5 ", 5),
        ("number", "5", 5),
        ("number", "0.5", 0.5),
        ("texts", "a\n\n b \n", ["a", "b"]),
        ("json", '{"a": [1]}', {"a": [1]}),
        ("list", '["a", {"b": null}]', ["a", {"b": None}]),
        ("any", "plain words", "plain words"),
        ("any", "5", 5),
        ("any", '"5"', "5"),
        ("any", "{{ ds }}", "{{ ds }}"),
        ("any", "[1, 2]", [1, 2]),
        ("boolean", "false", False),
        ("text", " ", None),
    ],
)
def test_a_text_is_read_by_the_kind_of_its_argument(kind: str, text: str, value: Any) -> None:
    argument = Argument("x", kind=kind)
    assert value_of(argument, text) == value
    if value is not None:
        assert value_of(argument, text_of(argument, value)) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [("integer", "5.5"), ("number", "NaN"), ("json", "[]"), ("list", "{}"), ("any", "{a}")],
)
def test_a_text_of_another_kind_is_refused(kind: str, text: str) -> None:
    with pytest.raises(WrongText):
        value_of(Argument("x", kind=kind), text)


@pytest.mark.parametrize("default", [True, False])
def test_a_tick_that_is_as_the_default_is_left_out(default: bool) -> None:
    argument = Argument("x", kind="boolean", default=default)
    assert value_of(argument, first_text(argument)) is None
    assert value_of(argument, "" if default else "1") is not default


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("5 min", 300), ("1h30m", 5400), ("2 days 1 hour", 176_400), ("0.5 s", 0.5)],
)
def test_lengths_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds
    assert seconds_of(length_text(seconds)) == seconds


@pytest.mark.parametrize("text", ["five", "5 weeks", "-5", "1e9", "5 min ago", "²", "99999999 d"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(WrongLength):
        seconds_of(text)


# The catalogue


def test_operators_that_need_code_and_older_names_are_not_offered() -> None:
    names = {entry.name for _, entries in catalogue() for entry in entries}
    assert {"SQLExecuteQueryOperator", "HttpOperator", "EmptyOperator", "S3KeySensor"} <= names
    assert not names & {"PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"}
    assert not names & {"DummyOperator", "SimpleHttpOperator", "PostgresOperator"}


def test_ids_of_new_tasks_follow_their_operators() -> None:
    assert first_id("SQLExecuteQueryOperator", set()) == "sql_execute_query"
    assert first_id("HttpOperator", {"http", "http_2"}) == "http_3"
    assert first_id("S3KeySensor", set()) == "s3_key_sensor"


@pytest.mark.parametrize("name", [each for each in OPERATORS.own if is_offered(OPERATORS[each])])
def test_every_operators_fields_give_its_arguments_again(name: str) -> None:
    operator = OPERATORS[name]
    examples: dict[str, Any] = {
        "text": "x",
        "lines": "a\nb",
        "sql": "SELECT 1",
        "json": {"a": 1},
        "list": [1],
    }
    examples |= {"integer": 7, "number": 7.5, "texts": ["a"], "any": ["a"], "boolean": True}
    for argument in offered(operator):
        value = argument.choices[0] if argument.choices else examples[argument.kind]
        if argument.kind == "boolean" and argument.default is not None:
            value = not argument.default
        assert value_of(argument, text_of(argument, value)) == value, argument.name


# Any draft

_ids = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=8)
_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=20
).map(str.strip)
_lengths = st.integers(1, 10**7) | st.sampled_from([0.5, 60, 3600, 86_400, 90.25])


@st.composite
def _dags(draw: st.DrawFn) -> DagSpec:
    names = draw(st.lists(_ids, min_size=1, max_size=5, unique=True))
    tasks = []
    for at, name in enumerate(names):
        more: dict[str, Any] = draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "trigger_rule": st.sampled_from([rule.value for rule in TriggerRule]),
                    "retries": st.integers(0, 1000),
                    "retry_delay": _lengths,
                    "max_retry_delay": _lengths,
                    "execution_timeout": _lengths,
                    "retry_on": st.sampled_from(["transient", "any"]),
                },
            )
        )
        upstream = tuple(each for each in names[:at] if draw(st.booleans()))
        arguments: dict[str, Any] = {"sql": f"SELECT {draw(_texts)}"}
        arguments |= draw(st.fixed_dictionaries({}, optional={"return_last": st.just(False)}))
        tasks.append(TaskSpec(name, SQL, "db", arguments, upstream, **more))
    return DagSpec(
        draw(_ids.filter(lambda text: text != "new" and text.strip("."))),
        tuple(tasks),
        description=draw(_texts),
        schedule=draw(st.sampled_from(["", "@daily", "*/5 * * * 1-5", "@once"])),
        timezone=draw(st.sampled_from(["UTC", "Europe/Vienna", "Asia/Kolkata"])),
        catchup=draw(st.booleans()),
        dagrun_timeout=draw(st.none() | _lengths),
        params=draw(st.dictionaries(_texts, _texts | st.integers(), max_size=3)),
    )


@settings(max_examples=60, deadline=None)
@given(spec=_dags())
def test_the_form_of_any_dag_gives_the_dag_again(spec: DagSpec) -> None:
    reading = read(draft_of(spec))
    assert reading.errors == {}
    assert reading.spec is not None
    assert reading.spec.digest() == spec.digest()


def test_every_field_of_an_argument_is_named_after_it() -> None:
    task = draft_of(chain()).tasks[0]
    assert task.texts[f"{ARGUMENT}sql"] == "SELECT 'a'"
    assert task.texts[f"{ARGUMENT}return_last"] == "1"
