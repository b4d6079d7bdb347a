"""Reads JSON that a person typed, and says in words what is wrong with it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

DEEPEST = 50


class NotJson(ValueError):
    """The words of what is wrong. They never quote the text, which may be secret."""


def parse(text: str) -> Any:
    """Raise ``NotJson`` also for what Python alone takes: a name given twice, NaN, any depth.

    Characters that no database or network takes are refused too.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise NotJson(f"{error.msg}, {place}") from None
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except NotJson:
        raise
    except ValueError:
        raise NotJson("a number in it is too long") from None
    if _is_too_deep(value):
        raise NotJson("nested too deeply")
    if words := wrong_characters(value):
        raise NotJson(words)
    return value


def wrong_characters(value: Any) -> str:
    """Which character in JSON data can't be stored, in words; empty if all can."""
    for text in texts(value):
        if "\0" in text:
            return "it holds a NUL character"
        try:
            text.encode()
        except UnicodeEncodeError:
            return "it holds half of a surrogate pair"
    return ""


def texts(value: Any) -> Iterator[str]:
    """Every text in JSON data, names included."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            left += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            left += item


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson(f"“{_given_twice(pairs)}” stands in it twice")
    return found


def _given_twice(pairs: list[tuple[str, Any]]) -> str:
    """The first name that comes again; in one pass, because a body may hold many names."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return name
        seen.add(name)
    raise LookupError


def _constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is no number in JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson("a number in it is too large")
    return number


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
