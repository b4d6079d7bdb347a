"""Turns what a function returns into JSON, or says what can't be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any

#: Deeper data is most likely within itself.
DEEPEST = 100


class NotJson(TypeError):
    """A value that can't be handed on."""


def as_json(value: Any, *, where: str = "the returned value", depth: int = 0) -> Any:
    """``value`` with only what JSON has. Raise ``NotJson`` with the place and the type.

    A tuple becomes a list, a set a sorted list; a date, a ``Decimal`` and a
    ``UUID`` their text; a number of numpy's a number, an ``Enum`` its value.
    """
    if depth > DEEPEST:
        raise NotJson(f"{where} is nested more than {DEEPEST} deep")
    if isinstance(value, Mapping):
        return {
            _key(key, where): as_json(item, where=f"{where}[{key!r}]", depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        items = value if isinstance(value, list | tuple) else sorted(value, key=repr)
        return [
            as_json(item, where=f"{where}[{number}]", depth=depth + 1)
            for number, item in enumerate(items)
        ]
    if isinstance(value, Enum):
        return as_json(value.value, where=where, depth=depth + 1)
    return _single(value, where)


def _single(value: Any, where: str) -> Any:
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        raise NotJson(f"{where} is {value}, which JSON doesn't have")
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal) or _name(type(value)) == "uuid.UUID":
        return str(value)
    raise NotJson(f"{where} is of the type {_name(type(value))}")


def _key(key: Any, where: str) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int | date | Decimal):
        return str(key)
    raise NotJson(f"a key of {where} is of the type {_name(type(key))}")


def _name(kind: type) -> str:
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
