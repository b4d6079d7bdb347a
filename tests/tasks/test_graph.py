"""The drawing of a DAG: boxes apart, cables from left to right, groups around their own."""

from __future__ import annotations

import random
import re
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.presentation.graph import MOST_NODES, Box, Graph, Node, graph_of
from tasks.spec import DagSpec, TaskSpec
from tasks.states import TaskState
from tests.tasks.dag_world import elt, task


def drawn(*tasks: TaskSpec, groups: tuple[str, ...] = ()) -> Graph:
    return graph_of(DagSpec("d", tasks, groups=dict.fromkeys(groups, "")))


def node(graph: Graph, task_id: str) -> Node:
    return next(each for each in graph.nodes if each.task_id == task_id)


def overlap(a: Node | Box, b: Node | Box) -> bool:
    return (
        a.x < b.x + b.width
        and b.x < a.x + a.width
        and a.y < b.y + b.height
        and b.y < a.y + a.height
    )


def holds(box: Box, each: Node) -> bool:
    return (
        box.x <= each.x
        and box.y <= each.y
        and each.x + each.width <= box.x + box.width
        and each.y + each.height <= box.y + box.height
    )


def layered(layers: int, width: int) -> list[TaskSpec]:
    return [
        task(f"l{at}_{n}", *([f"l{at - 1}_{m}" for m in range(width)] if at else []))
        for at in range(layers)
        for n in range(width)
    ]


def test_one_task_is_a_node_and_no_cable() -> None:
    graph = drawn(task("a"))
    assert (len(graph.nodes), graph.edges, graph.words) == (1, (), "1 task")
    assert graph.nodes[0].href == "#task-0"


def test_what_follows_stands_right_of_what_it_waits_for() -> None:
    graph = drawn(task("c", "a", "b"), task("b", "a"), task("a"))
    assert node(graph, "a").x < node(graph, "b").x < node(graph, "c").x


def test_a_cable_leaves_at_the_right_side_and_arrives_at_the_left() -> None:
    graph = drawn(task("a"), task("b", "a"))
    a, b = graph.nodes
    numbers = [int(text) for text in re.findall(r"-?\d+", graph.edges[0].path)]
    assert numbers[:2] == [a.x + a.width, a.y + a.height // 2]
    assert numbers[-2:] == [b.x, b.y + b.height // 2]
    assert graph.edges[0].source == 0


def test_cables_that_need_not_cross_do_not() -> None:
    graph = drawn(task("a"), task("b"), task("y", "b"), task("x", "a"))
    upper, lower = sorted((node(graph, "a"), node(graph, "b")), key=lambda each: each.y)
    following = {"a": "x", "b": "y"}
    assert node(graph, following[upper.task_id]).y < node(graph, following[lower.task_id]).y


@st.composite
def specs(draw: st.DrawFn) -> DagSpec:
    """Any DAG of a few tasks, some of them in groups, nested or not."""
    count = draw(st.integers(1, 14))
    groups = draw(st.lists(st.sampled_from(["", "g", "g.h", "k"]), min_size=count, max_size=count))
    tasks = []
    for at, group in enumerate(groups):
        names = [f"t{each}" for each in range(at)]
        upstream = draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) if names else []
        tasks.append(task(f"t{at}", *upstream, group=group))
    return DagSpec("d", tuple(tasks), groups={"g": "", "g.h": "", "k": ""})


@settings(max_examples=150, deadline=None)
@given(specs())
def test_no_two_boxes_ever_overlap_and_groups_hold_their_own(spec: DagSpec) -> None:
    graph = graph_of(spec)
    assert not [pair for pair in combinations(graph.nodes, 2) if overlap(*pair)]
    for each in graph.nodes:
        assert each.x >= 0
        assert each.x + each.width <= graph.width
        assert each.y >= 0
        assert each.y + each.height <= graph.height
    groups = {spec.tasks[each.position].group for each in graph.nodes}
    for box in graph.groups:
        inside = {spec.tasks[each.position].group for each in graph.nodes if holds(box, each)}
        outside = [
            each
            for each in graph.nodes
            if spec.tasks[each.position].group not in inside and overlap(box, each)
        ]
        assert inside <= groups
        assert not outside
    for name in spec.tasks:
        for upstream in name.upstream:
            assert node(graph, upstream).x < node(graph, name.task_id).x or graph.groups


def test_a_group_has_a_box_with_its_name_and_its_tasks_are_named_without_it() -> None:
    graph = graph_of(elt())
    [box] = graph.groups
    assert (box.label, box.title) == ("load", "All that is loaded")
    assert [each.label for each in graph.nodes if holds(box, each)] == ["raw", "dims"]


def test_a_group_in_a_group_is_named_without_the_one_around_it() -> None:
    graph = drawn(task("a", group="g"), task("b", "a", group="g.h"), groups=("g", "g.h"))
    assert [box.label for box in graph.groups] == ["g", "h"]


def test_a_group_that_is_before_and_behind_a_task_has_no_box() -> None:
    graph = drawn(task("a", group="g"), task("b", "a"), task("c", "b", group="g"), groups=("g",))
    assert graph.groups == ()
    assert len(graph.edges) == 2


def test_a_rule_other_than_all_success_stands_at_its_node() -> None:
    graph = graph_of(elt())
    assert {each.task_id: each.rule for each in graph.nodes if each.rule} == {"tell": "one_failed"}


def test_states_and_links_are_those_that_are_given() -> None:
    spec = DagSpec("d", (task("a"), task("b", "a")))
    graph = graph_of(spec, {"a": TaskState.FAILED}, href=lambda at: f"/x/{at}")
    assert [(each.state, each.href) for each in graph.nodes] == [("failed", "/x/0"), (None, "/x/1")]


def test_the_same_dag_is_always_drawn_the_same() -> None:
    assert graph_of(elt()) == graph_of(elt())


def test_tasks_between_the_same_tasks_are_a_rack_with_one_cable_in_and_out() -> None:
    names = [f"w{at}" for at in range(100)]
    graph = drawn(task("s"), *(task(name, "s") for name in names), task("e", *names))
    [rack] = graph.racks
    assert len(graph.edges) == 2
    assert sum(holds(rack, each) for each in graph.nodes) == 100
    assert graph.height < 1_000


def test_from_each_to_each_is_a_bundle_and_not_every_pair() -> None:
    graph = drawn(*layered(2, 6))
    assert len(graph.edges) == 12
    assert graph.words == "12 tasks"


def test_layers_that_all_wait_for_all_are_drawn_with_few_cables() -> None:
    graph = drawn(*layered(10, 30))
    assert (len(graph.nodes), len(graph.racks), len(graph.edges)) == (300, 10, 9)


def test_cables_that_follow_from_others_are_left_out_of_a_dense_graph_and_that_is_told() -> None:
    chosen = random.Random(1)
    tasks = [
        task(f"t{at}", *(f"t{n}" for n in range(at) if chosen.random() < 0.5)) for at in range(200)
    ]
    graph = drawn(*tasks)
    assert len(graph.edges) < 1_000
    assert "left out" in graph.words


def test_never_more_cables_than_can_be_seen() -> None:
    chosen = random.Random(2)
    first = [task(f"a{at}") for at in range(150)]
    second = [
        task(f"b{at}", *(f"a{n}" for n in range(150) if chosen.random() < 0.5)) for at in range(150)
    ]
    graph = drawn(*first, *second)
    assert len(graph.edges) == 2_000
    assert "2,000 of" in graph.words


def test_too_many_tasks_are_not_drawn_and_that_is_told() -> None:
    graph = drawn(*(task(f"t{at}") for at in range(MOST_NODES + 1)))
    assert graph.is_too_large
    assert graph.nodes == ()
    assert graph.words == "301 tasks are too many to draw; the list has them all."
