"""Turn what a DAG file gives into what JSON and the database can keep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem

#: Deeper than any job configuration; a value that holds itself never ends.
MAX_DEPTH = 64

_KEPT = "Only texts, numbers, True, False, None, lists and dicts can be kept."


def plain(value: Any, *, where: str, depth: int = 0) -> Any:
    """Copy ``value`` as JSON has it: tuples become lists, sets sorted lists.

    ``where`` names the value in the words of ``ArgumentProblem``, which is
    raised for anything JSON can't hold.
    """
    if depth > MAX_DEPTH:
        raise ArgumentProblem(f"{where[:80]}… is nested more than {MAX_DEPTH} deep.")
    if isinstance(value, Enum):
        return plain(value.value, where=where, depth=depth + 1)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where=where)
    if isinstance(value, int | float):
        return _number(value, where=where)
    if isinstance(value, Mapping):
        return _mapping(value, where=where, depth=depth)
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(value, where=where, depth=depth)
    raise ArgumentProblem(f"{where} holds {_article(value)}. {_KEPT}")


def _text(value: str, *, where: str) -> str:
    text = str.__str__(value)
    # PostgreSQL keeps neither, and a lone surrogate can't even be written as UTF-8.
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ArgumentProblem(f"{where} holds a character that can't be stored.")
    return text


def _number(value: float, *, where: str) -> int | float:
    number = int(value) if isinstance(value, int) else float(value)
    if not math.isfinite(number):
        raise ArgumentProblem(f"{where} is {number}, which JSON doesn't have.")
    return number


def _mapping(value: Mapping[Any, Any], *, where: str, depth: int) -> dict[str, Any]:
    for key in value:
        if not isinstance(key, str):
            raise ArgumentProblem(f"{where} has the key {key!r}, which isn't a text.")
    return {
        _text(key, where=where): plain(item, where=f"{where}[{key!r}]", depth=depth + 1)
        for key, item in value.items()
    }


def _sequence(value: Any, *, where: str, depth: int) -> list[Any]:
    items = [
        plain(item, where=f"{where}[{index}]", depth=depth + 1) for index, item in enumerate(value)
    ]
    if not isinstance(value, set | frozenset):
        return items
    try:
        return sorted(items)
    except TypeError:
        raise ArgumentProblem(
            f"{where} is a set of values that can't be sorted: make it a list."
        ) from None


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
