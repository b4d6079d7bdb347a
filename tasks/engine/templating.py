"""Fills the Jinja templates in an operator's arguments, in a sandbox, when the task runs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connections.exceptions import Failure
from tasks.engine.template_names import FILTERS
from tasks.operators.base import Operator, is_reference
from tasks.spec import XCOM_MARK


class _Sandbox(ImmutableSandboxedEnvironment):
    """Refuses operators that make a number or a text which takes minutes to make."""

    intercepted_binops = frozenset({"**", "*", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise ValueError("** can't be used in a template")
        numbers = (int, float, Decimal, timedelta)
        if operator == "*" and not (isinstance(left, numbers) and isinstance(right, numbers)):
            raise ValueError("* can only be used with numbers in a template")
        if operator == "%" and isinstance(left, str) and WIDE.search(left):
            raise ValueError("a text can't be made so wide in a template")
        return super().call_binop(context, operator, left, right)


_environment = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_environment.filters |= FILTERS
#: What a template that is wrong may raise, its own recursion and hunger included.
_WRONG = (
    *(TemplateError, TypeError, ValueError, ArithmeticError, LookupError),
    *(AttributeError, RuntimeError, MemoryError),
)
#: A template that renders to more than this is a mistake (or an attack), not an argument.
LONGEST_TEXT = 1_000_000
#: Seconds that one template may take.
LONGEST_TIME = 5.0
#: Numbers that the ``range`` of one template may give in all.
MOST_NUMBERS = 100_000
#: A width in a format that nobody needs.
WIDE = re.compile(r"[0-9]{5}|\*")


def render(
    operator: type[Operator], arguments: dict[str, Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """``arguments`` with the templated ones filled. Raise ``Failure`` naming the field."""
    templated = {argument.name for argument in operator.arguments if argument.templated}
    return {
        name: _filled(value, names, field=name) if name in templated else value
        for name, value in arguments.items()
    }


def _filled(value: Any, names: Mapping[str, Any], *, field: str) -> Any:
    if is_reference(value):
        return _left_by_another(value, names)
    if isinstance(value, dict):
        return {key: _filled(item, names, field=f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names, field=f"{field}[{n}]") for n, item in enumerate(value)]
    if not isinstance(value, str) or "{" not in value:
        return value
    try:
        return _rendered(value, names)
    except _WRONG as error:
        raise Failure("task:template-error", field=field, reason=str(error)) from None


def _rendered(template: str, names: Mapping[str, Any]) -> str:
    """Piece by piece, so that what never ends is ended."""
    end = time.monotonic() + LONGEST_TIME
    parts: list[str] = []
    length = 0
    for part in _environment.from_string(template).generate(names, range=_Range()):
        parts.append(part)
        length += len(part)
        if length > LONGEST_TEXT:
            raise ValueError("the text becomes too long")
        if time.monotonic() > end:
            raise ValueError(f"it takes longer than {LONGEST_TIME:g} s")
    return "".join(parts)


class _Range:
    """The ``range`` of one template: all of them together give so many numbers at most."""

    def __init__(self) -> None:
        self._left = MOST_NUMBERS

    def __call__(self, *arguments: int) -> range:
        numbers = range(*arguments)
        self._left -= len(numbers)
        if self._left < 0:
            raise ValueError(f"range may give {MOST_NUMBERS:,} numbers at most")
        return numbers


def _left_by_another(reference: dict[str, Any], names: Mapping[str, Any]) -> Any:
    """The value itself, of any type. Raise ``Failure`` where the task left none."""
    task_id, key = reference[XCOM_MARK], reference.get("key", "return_value")
    try:
        return names["ti"].left_by(task_id, key)
    except LookupError:
        raise Failure("task:xcom-missing", task_id=task_id, key=key) from None
