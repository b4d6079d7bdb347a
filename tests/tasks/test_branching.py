"""The operators that say what runs next: branch and short circuit by a template, and the empty."""

from __future__ import annotations

from typing import Any

import pytest

from connections.diagnosis import explain
from connections.exceptions import Failure
from tasks.operators import OPERATORS
from tasks.operators.base import ArgumentError, TaskResult
from tests.tasks.handmade_context import HandmadeContext

BRANCH, SHORT = "BranchExpressionOperator", "ShortCircuitExpressionOperator"


def execute(name: str, *, downstream: tuple[str, ...] = ("a", "b", "c"), **arguments: Any) -> Any:
    """With filled templates, checked once more as the engine does it."""
    OPERATORS[name].check(arguments)
    context = HandmadeContext()
    context.downstream = downstream
    return OPERATORS[name](arguments).execute(None, context)


@pytest.mark.parametrize("name", ["EmptyOperator", "DummyOperator"])
def test_the_empty_operator_needs_no_worker(name: str) -> None:
    assert OPERATORS[name].is_instant
    assert OPERATORS[name].connection_argument == ""
    assert execute(name) == TaskResult("Nothing to do")


# Branch


@pytest.mark.parametrize(
    ("filled", "follow", "value"),
    [
        ("a", ("a",), "a"),
        ("  a\n", ("a",), "a"),
        ("a, c", ("a", "c"), ["a", "c"]),
        ("a\nb", ("a", "b"), ["a", "b"]),
        ("['c', 'a']", ("c", "a"), ["c", "a"]),
        ('["c"]', ("c",), "c"),
        ("('a', 'b')", ("a", "b"), ["a", "b"]),
        (["b", "a"], ("b", "a"), ["b", "a"]),
        ("a, a", ("a",), "a"),
        ("", (), []),
        (None, (), []),
        ("None", (), []),
        ("[]", (), []),
    ],
)
def test_a_branch_follows_what_its_text_names(
    filled: Any, follow: tuple[str, ...], value: Any
) -> None:
    result = execute(BRANCH, expression=filled)
    assert result.follow == follow
    assert result.value == value
    assert result.skip == ""
    assert not result.is_skipped


def test_a_branch_says_where_it_goes_on() -> None:
    assert execute(BRANCH, expression="a, b").summary == "Goes on with a, b"
    assert execute(BRANCH, expression="").summary == "Goes on with nothing"


@pytest.mark.parametrize(
    ("filled", "chosen"), [("d", "d"), ("a, d, e", "d, e"), ("[a", "[a"), ("a b", "a b")]
)
def test_a_branch_to_elsewhere_fails_and_names_what_follows(filled: str, chosen: str) -> None:
    with pytest.raises(Failure) as caught:
        execute(BRANCH, expression=filled)
    assert caught.value.code == "task:branch-unknown"
    words = explain(caught.value.code, caught.value.facts)
    assert words.short == f"{chosen} doesn't directly follow this task"
    assert words.happened == f"The branch chose {chosen}; what directly follows is a, b, c."


def test_a_branch_that_nothing_follows_says_so() -> None:
    with pytest.raises(Failure) as caught:
        execute(BRANCH, expression="a", downstream=())
    assert caught.value.facts["downstream"] == "nothing"


# Short circuit


@pytest.mark.parametrize(
    "filled", ["True", "true", "1", "yes", "2026-01-31", "[0]", " x ", True, 1, [0], {"a": 0}]
)
def test_a_short_circuit_goes_on_when_it_is_true(filled: Any) -> None:
    result = execute(SHORT, condition=filled)
    assert (result.value, result.skip, result.follow) == (True, "", None)


@pytest.mark.parametrize(
    "filled",
    ["", " ", "False", "false", "None", "0", "0.0", "[]", "{}", None, False, 0, 0.0, [], {}],
)
@pytest.mark.parametrize(("is_deep", "skip"), [(True, "all"), (False, "direct")])
def test_a_short_circuit_skips_what_follows_when_it_is_false(
    filled: Any, is_deep: bool, skip: str
) -> None:
    result = execute(SHORT, condition=filled, ignore_downstream_trigger_rules=is_deep)
    assert (result.value, result.skip, result.follow) == (False, skip, None)
    assert not result.is_skipped


def test_all_that_follows_is_skipped_by_default() -> None:
    assert execute(SHORT, condition="").skip == "all"


# What the author of a DAG is told


@pytest.mark.parametrize(("name", "argument"), [(BRANCH, "expression"), (SHORT, "condition")])
@pytest.mark.parametrize("bare", ["params.full", "not dag_run.conf.day", "ti.xcom_pull('a')"])
def test_an_expression_without_braces_is_refused(name: str, argument: str, bare: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        OPERATORS[name].check({argument: bare})
    assert str(caught.value) == (f"{name}: {argument} is a template: write it as {{{{ {bare} }}}}.")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (BRANCH, {"expression": "{{ 'a' if params.full else 'b' }}"}),
        (BRANCH, {"expression": {"__xcom__": "choose", "key": "return_value"}}),
        (BRANCH, {"expression": "a"}),
        (SHORT, {"condition": "{{ params.full }}"}),
        (SHORT, {"condition": {"__xcom__": "look", "key": "return_value"}}),
    ],
)
def test_templates_and_references_are_taken(name: str, arguments: dict[str, Any]) -> None:
    OPERATORS[name].check(arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (BRANCH, {}, "needs the argument 'expression'"),
        (BRANCH, {"expression": 5}, "expression must be a text, not int"),
        (SHORT, {}, "needs the argument 'condition'"),
        (BRANCH, {"expression": "a", "python_callable": "f"}, "no argument 'python_callable'"),
    ],
)
def test_what_can_not_be_is_refused(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        OPERATORS[name].check(arguments)
