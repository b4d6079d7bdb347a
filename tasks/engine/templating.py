"""Fills the Jinja templates in an operator's arguments, in a sandbox, when the task runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connections.exceptions import Failure
from tasks.engine.template_names import FILTERS
from tasks.operators.base import Operator, is_reference
from tasks.spec import XCOM_MARK


class _Sandbox(ImmutableSandboxedEnvironment):
    """Refuses the one operator that makes a number which takes minutes to make."""

    intercepted_binops = frozenset({"**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise ValueError("** can't be used in a template")


_environment = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_environment.filters |= FILTERS
#: What a template that is wrong may raise, its own recursion and hunger included.
_WRONG = (
    *(TemplateError, TypeError, ValueError, ArithmeticError, LookupError),
    *(AttributeError, RuntimeError, MemoryError),
)
#: A template that renders to more than this is a mistake (or an attack), not an argument.
LONGEST_TEXT = 1_000_000


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
        text = _environment.from_string(value).render(names)
    except _WRONG as error:
        raise Failure("task:template-error", field=field, reason=str(error)) from None
    if len(text) > LONGEST_TEXT:
        raise Failure("task:template-error", field=field, reason="the text becomes too long")
    return text


def _left_by_another(reference: dict[str, Any], names: Mapping[str, Any]) -> Any:
    """The value itself, of any type. Raise ``Failure`` where the task left none."""
    task_id, key = reference[XCOM_MARK], reference.get("key", "return_value")
    try:
        return names["ti"].left_by(task_id, key)
    except LookupError:
        raise Failure("task:xcom-missing", task_id=task_id, key=key) from None
