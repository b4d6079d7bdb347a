"""Task groups, labels and what else stands in arrows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tasks.dagfiles.parser import ImportProblem, parse_file
from tasks.spec import DagSpec

HEAD = """\
from airflow.sdk import DAG, Label, TaskGroup, chain, chain_linear, cross_downstream, task_group
from airflow.providers.standard.operators.empty import EmptyOperator as Empty
def tasks(names):
    return [Empty(task_id=name) for name in names]
"""

Read = Callable[[str], DagSpec]
Refuse = Callable[[str], ImportProblem]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The spec of the one DAG that a text, which stands inside ``with DAG``, makes."""

    def read(text: str) -> DagSpec:
        path = tmp_path / "one.py"
        body = "\n".join(f"    {line}" for line in dedent(text).strip().splitlines())
        path.write_text(f"{HEAD}with DAG('d') as dag:\n{body}\n")
        parsed = parse_file(path, folder=tmp_path)
        assert parsed.problem is None, parsed.problem
        return parsed.dags[0].spec

    return read


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """The problem of such a text; ``HEAD`` and ``with`` take its first five lines."""

    def refuse(text: str) -> ImportProblem:
        path = tmp_path / "one.py"
        body = "\n".join(f"    {line}" for line in dedent(text).strip().splitlines())
        path.write_text(f"{HEAD}with DAG('d') as dag:\n{body}\n")
        problem = parse_file(path, folder=tmp_path).problem
        assert problem is not None
        assert problem.kind == "argument", problem
        return problem

    return refuse


def upstream(spec: DagSpec) -> dict[str, tuple[str, ...]]:
    return {task.task_id: task.upstream for task in spec.tasks}


def test_an_arrow_to_a_group_leads_to_its_first_tasks_and_one_from_it_comes_from_its_last(
    read: Read,
) -> None:
    spec = read("""
        start, end = tasks(["start", "end"])
        with TaskGroup("g", tooltip="Both") as g:
            a, b, c, d = tasks("abcd")
            [a, b] >> c
        start >> g >> end
    """)
    assert upstream(spec) == {
        "start": (),
        "end": ("g.c", "g.d"),
        "g.a": ("start",),
        "g.b": ("start",),
        "g.c": ("g.a", "g.b"),
        "g.d": ("start",),
    }
    assert {task.group for task in spec.tasks} == {"", "g"}
    assert spec.groups == {"g": "Both"}


def test_an_arrow_between_groups_links_every_last_task_to_every_first(read: Read) -> None:
    spec = read("""
        with TaskGroup("one") as one:
            tasks("ab")
        with TaskGroup("two") as two:
            tasks("cd")
        one >> two
    """)
    assert spec.task("two.c").upstream == spec.task("two.d").upstream == ("one.a", "one.b")


def test_groups_prefix_what_is_in_them_unless_they_say_otherwise(read: Read) -> None:
    spec = read("""
        with TaskGroup("outer"):
            Empty(task_id="a")
            with TaskGroup("plain", prefix_group_id=False):
                Empty(task_id="b")
                with TaskGroup("inner"):
                    Empty(task_id="c")
        Empty(task_id="d")
    """)
    assert [(task.task_id, task.group) for task in spec.tasks] == [
        ("outer.a", "outer"),
        ("b", "outer.plain"),
        ("inner.c", "outer.plain.inner"),
        ("d", ""),
    ]
    assert list(spec.groups) == ["outer", "outer.plain", "outer.plain.inner"]


def test_default_args_of_a_group_come_between_those_of_the_dag_and_of_the_task(read: Read) -> None:
    spec = read("""
        dag.default_args = {"retries": 1, "queue": "dag"}
        with TaskGroup("g", default_args={"retries": 2}):
            Empty(task_id="a")
            Empty(task_id="b", retries=3)
            with TaskGroup("h", default_args={"queue": "group"}):
                Empty(task_id="c")
    """)
    assert [(task.retries, task.queue) for task in spec.tasks] == [
        (2, "dag"),
        (3, "dag"),
        (2, "group"),
    ]


def test_a_task_can_be_put_into_a_group_by_name(read: Read) -> None:
    spec = read("""
        g = TaskGroup("g", dag=dag)
        h = TaskGroup("h", parent_group=g)
        Empty(task_id="a", task_group=h)
    """)
    assert [(task.task_id, task.group) for task in spec.tasks] == [("g.h.a", "g.h")]


def test_an_empty_group_hands_on_what_stands_before_it(read: Read) -> None:
    spec = read("""
        a, b = tasks("ab")
        with TaskGroup("g") as g:
            pass
        a >> g >> b
    """)
    assert upstream(spec) == {"a": (), "b": ("a",)}


def test_labels_stand_in_arrows_and_change_nothing(read: Read) -> None:
    spec = read("""
        a, b, c, d, e = tasks("abcde")
        a >> Label("first") >> [b, c]
        [b, c] >> Label("second") >> d
        e << Label("third") << d
        chain(a, Label("fourth"), e)
    """)
    assert upstream(spec) == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ("a", "d")}


def test_chain_linear_links_all_of_each_element_to_all_of_the_next(read: Read) -> None:
    spec = read("""
        a, b, c, d, e, f = tasks("abcdef")
        chain_linear(a, [b, c], [], [d, e], f)
    """)
    assert spec.task("d").upstream == spec.task("e").upstream == ("b", "c")
    assert spec.task("f").upstream == ("d", "e")


def test_groups_stand_in_chain_and_cross_downstream(read: Read) -> None:
    spec = read("""
        a, b = tasks("ab")
        with TaskGroup("g") as g:
            tasks("xy")
        chain(a, g)
        cross_downstream([g], [b])
    """)
    assert spec.task("g.x").upstream == ("a",)
    assert spec.task("b").upstream == ("g.x", "g.y")


def test_a_task_group_function_makes_a_group_each_time_it_is_called(read: Read) -> None:
    spec = read('''
        @task_group
        def pair():
            """Two tasks"""
            a, b = tasks("ab")
            a >> b

        @task_group(group_id="other", tooltip="Own words")
        def named(task_id):
            return Empty(task_id=task_id)

        pair() >> pair() >> named("z") >> Empty(task_id="end")
    ''')
    assert upstream(spec) == {
        "pair.a": (),
        "pair.b": ("pair.a",),
        "pair__1.a": ("pair.b",),
        "pair__1.b": ("pair__1.a",),
        "other.z": ("pair__1.b",),
        "end": ("other.z",),
    }
    assert spec.groups == {"pair": "Two tasks", "pair__1": "Two tasks", "other": "Own words"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("TaskGroup('a.b')", "group_id 'a.b' can't be"),
        ("TaskGroup()", "group_id '' can't be"),
        ("TaskGroup('g', colour=1)", "Task group 'g': 'colour' isn't supported."),
        ("TaskGroup('g'); TaskGroup('g')", "has a task or a task group 'g' already."),
        ("Empty(task_id='g'); TaskGroup('g')", "has a task or a task group 'g' already."),
        ("TaskGroup('g'); Empty(task_id='g')", "has a task group 'g': a task can't have the same"),
        ("task_group(print).expand(x=[1])", "Dynamic task mapping (expand, partial) isn't"),
        ("Empty.partial(task_id='x')", "EmptyOperator.partial(): dynamic task mapping isn't"),
        ("Empty(task_id='x').as_teardown()", "setup and teardown tasks aren't supported"),
        ("Empty(task_id='x') >> TaskGroup", "not the function TaskGroup: call it with"),
    ],
)
def test_what_a_group_cannot_be_is_refused_at_its_line(
    refuse: Refuse, text: str, words: str
) -> None:
    problem = refuse(text)
    assert words in problem.message
    assert problem.line == 6


def test_a_loop_through_groups_is_told(refuse: Refuse) -> None:
    problem = refuse("""
        with TaskGroup("g") as g:
            a = Empty(task_id="a")
        b = Empty(task_id="b")
        g >> b >> g
    """)
    assert "has a loop: " in problem.message
    assert problem.line == 5
