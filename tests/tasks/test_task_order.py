"""Tasks are numbered and shown in the order in which they run, not in that of the file."""

from __future__ import annotations

import random

from tasks.spec import DagSpec, TaskSpec


def order(*tasks: TaskSpec) -> list[str]:
    return [task.task_id for task in DagSpec("d", tasks).ordered]


def task(task_id: str, *upstream: str) -> TaskSpec:
    return TaskSpec(task_id, "EmptyOperator", upstream=upstream, group=task_id.rpartition(".")[0])


def test_a_task_stands_after_those_that_it_waits_for() -> None:
    assert order(task("tell", "load"), task("load", "wait"), task("wait")) == [
        "wait",
        "load",
        "tell",
    ]


def test_what_is_left_open_follows_the_file() -> None:
    tasks = [task("b"), task("a"), task("d", "a"), task("c", "b")]
    assert order(*tasks) == ["b", "a", "d", "c"]


def test_a_group_stands_together_where_another_task_comes_between_in_the_file() -> None:
    found = order(task("g.a"), task("out", "g.a"), task("x"), task("g.b", "g.a", "x"))
    assert found == ["x", "g.a", "g.b", "out"]


def test_a_group_in_a_group_stands_together_as_well() -> None:
    found = order(task("g.h.a"), task("g.b"), task("g.h.c", "g.h.a"), task("z"), task("g.d"))
    assert found == ["g.h.a", "g.h.c", "g.b", "g.d", "z"]


def test_a_group_before_and_behind_one_task_is_parted_and_others_are_not() -> None:
    found = order(
        task("g.a"), task("x", "g.a"), task("g.b", "x"), task("h.c", "g.b"), task("y"), task("h.d")
    )
    assert found == ["g.a", "x", "g.b", "h.c", "h.d", "y"]


def test_a_loop_that_is_still_being_drawn_has_an_order_too() -> None:
    assert order(task("a", "b"), task("b", "a"), task("c"), task("d", "b")) == ["c", "a", "b", "d"]


def test_what_follows_from_a_loop_is_found_in_one_walk_however_long() -> None:
    chain = [task(f"c{at}", f"c{at - 1}" if at else "g.b") for at in range(9_000)]
    found = order(task("g.a"), task("x", "g.a"), task("g.b", "x"), *chain)
    assert found[:4] == ["g.a", "x", "g.b", "c0"]
    assert found[-1] == "c8999"


def test_any_order_of_the_file_gives_a_right_order_of_all_tasks() -> None:
    chance = random.Random(7)
    names = [f"{'g.' if n % 3 else ''}t{n}" for n in range(40)]
    tasks = [
        task(name, *chance.sample(names[:at], min(at, chance.randint(0, 3))))
        for at, name in enumerate(names)
    ]
    for _ in range(20):
        chance.shuffle(tasks)
        found = order(*tasks)
        assert sorted(found) == sorted(names)
        place = {name: at for at, name in enumerate(found)}
        assert all(place[name] < place[each.task_id] for each in tasks for name in each.upstream)


def test_the_order_of_a_dag_is_no_part_of_its_version() -> None:
    tasks = (task("b", "a"), task("a"))
    assert [each["task_id"] for each in DagSpec("d", tasks).to_json()["tasks"]] == ["b", "a"]
    assert DagSpec("d", tasks).position_of == {"a": 0, "b": 1}
