"""Turn what a DAG file gives into what JSON and the database can keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.spec import XCOM_MARK

#: Deeper than any job configuration; a value that holds itself never ends.
MAX_DEPTH = 64

_KEPT = "Only texts, numbers, True, False, None, lists and dicts can be kept."


class Reference:
    """What stands for a value that another task will have left. ``operator`` is that task."""

    __slots__ = ()

    operator: Any
    key: str

    def as_json(self) -> dict[str, str]:
        return {XCOM_MARK: self.operator.task_id, "key": self.key}


def plain(
    value: Any, *, where: str, references: list[Reference] | None = None, depth: int = 0
) -> Any:
    """Copy ``value`` as JSON has it: tuples become lists, sets sorted lists.

    ``where`` names the value in the words of ``ArgumentProblem``, which is
    raised for anything JSON can't hold. What is referred to is added to
    ``references``; without such a list a reference can't stand there.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return plain(value.value, where=where, depth=depth + 1)
    if isinstance(value, str):
        return _text(value, where=where)
    if isinstance(value, int | float):
        return _number(value, where=where)
    if depth > MAX_DEPTH:
        raise ArgumentProblem(f"{where[:80]}… is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, Mapping):
        return _mapping(value, where=where, references=references, depth=depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(value, where=where, references=references, depth=depth)
    if isinstance(value, Reference):
        return _reference(value, where=where, references=references)
    raise ArgumentProblem(f"{where} holds {_article(value)}. {_advice(value)}")


def _text(value: str, *, where: str) -> str:
    text = str.__str__(value)
    # PostgreSQL keeps neither, and a lone surrogate can't even be written as UTF-8.
    is_lone = not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)
    if is_lone or "\x00" in text:
        raise ArgumentProblem(f"{where} holds a character that can't be stored.")
    return text


def _number(value: float, *, where: str) -> int | float:
    number = int(value) if isinstance(value, int) else float(value)
    if not math.isfinite(number):
        raise ArgumentProblem(f"{where} is {number}, which JSON doesn't have.")
    return number


def _mapping(
    value: Mapping[Any, Any], *, where: str, references: list[Reference] | None, depth: int
) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise ArgumentProblem(f"{where} has the key {key!r}, which isn't a text.")
    if XCOM_MARK in value:
        raise ArgumentProblem(
            f"{where} has the key {XCOM_MARK!r}, which Patchbay keeps for itself: "
            "write task.output for what another task left."
        )
    return {
        _text(key, where=where): plain(
            item, where=f"{where}[{key!r}]", references=references, depth=depth + 1
        )
        for key, item in value.items()
    }


def _sequence(
    value: Any, *, where: str, references: list[Reference] | None, depth: int
) -> list[Any]:
    items = [
        plain(item, where=f"{where}[{index}]", references=references, depth=depth + 1)
        for index, item in enumerate(value)
    ]
    if not isinstance(value, set | frozenset):
        return items
    try:
        return sorted(items)
    except TypeError:
        raise ArgumentProblem(
            f"{where} is a set of values that can't be sorted: make it a list."
        ) from None


def _reference(
    value: Reference, *, where: str, references: list[Reference] | None
) -> dict[str, str]:
    if references is None:
        raise ArgumentProblem(
            f"{where} can't take what a task leaves ({value.operator.task_id!r}): "
            "it isn't a templated argument."
        )
    references.append(value)
    return value.as_json()


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _advice(value: Any) -> str:
    if hasattr(value, "task_id") and hasattr(value, "output"):
        return "Write .output after the task for what it leaves."
    return _KEPT
