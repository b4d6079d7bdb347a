"""The arguments of an operator as texts in a form, and back, by the kind that it declares."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from connections.types.json_text import NotJson, parse, wrong_characters
from connections.types.values import WrongKind, number, whole_number
from tasks.operators.base import Argument, Operator
from tasks.spec import XCOM_MARK

#: Characters of one field.
LONGEST_TEXT = 100_000
#: A field of an argument has this before its name.
ARGUMENT = "arg-"
#: What stands in a field that is ticked.
TICKED = "1"


class WrongText(ValueError):
    """The words of what is wrong with what was typed."""


def offered(operator: type[Operator]) -> Iterator[Argument]:
    """The arguments that a form has a field for: what acts here, but for the connection."""
    for argument in operator.arguments:
        is_idle = argument.help.startswith("Means nothing")
        if argument.supported and not is_idle and argument.name != operator.connection_argument:
            yield argument


def is_tick(argument: Argument) -> bool:
    """Whether yes and no are all that there is; else leaving it open is a third."""
    return argument.kind == "boolean" and argument.default is not None


def first_text(argument: Argument) -> str:
    """What stands in the field of a new task."""
    return TICKED if is_tick(argument) and argument.default else ""


def text_of(argument: Argument, value: Any) -> str:
    """What ``value_of`` makes ``value`` of."""
    if is_tick(argument):
        return TICKED if value else ""
    if argument.kind == "boolean":
        return "true" if value else "false"
    if argument.kind == "texts":
        return "\n".join(value)
    if isinstance(value, str) and (argument.kind != "any" or _loosely(value) == value):
        return value
    return json.dumps(
        value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) else None
    )


def value_of(argument: Argument, text: str) -> Any:
    """The value of what was typed; ``None`` for an argument that is left out.

    Raise ``WrongText``.
    """
    if len(text) > LONGEST_TEXT:
        raise WrongText(f"{len(text):,} characters; at most {LONGEST_TEXT:,} can be.")
    if words := wrong_characters(text):
        raise WrongText(f"This can't be stored: {words}.")
    if is_tick(argument):
        is_on = bool(text)
        return None if is_on == bool(argument.default) else is_on
    if not text.strip():
        return None
    return _READERS.get(argument.kind, _text)(argument, text)


def _text(argument: Argument, text: str) -> str:
    """As it was typed; around a line nobody sees spaces."""
    text = text.strip() if argument.kind == "text" else text
    if argument.files and "\n" not in text.strip() and text.strip().endswith(argument.files):
        raise WrongText("A DAG made here has no files beside it: write the text itself.")
    return text


def _whole(argument: Argument, text: str) -> int:
    del argument
    try:
        return whole_number(text)
    except WrongKind:
        raise WrongText("A whole number is needed.") from None


def _number(argument: Argument, text: str) -> float:
    try:
        return whole_number(text)
    except WrongKind:
        pass
    try:
        return number(text)
    except WrongKind:
        raise WrongText("A number is needed.") from None


def _boolean(argument: Argument, text: str) -> bool:
    del argument
    if text not in ("true", "false"):
        raise WrongText("Choose one of the list.")
    return text == "true"


def _lines(argument: Argument, text: str) -> list[str]:
    del argument
    return [line.strip() for line in text.split("\n") if line.strip()]


def json_of(text: str) -> Any:
    """Raise ``WrongText`` with line and column."""
    try:
        value = parse(text)
    except NotJson as error:
        raise WrongText(f"This is not JSON: {error}.") from None
    if _has_mark(value):
        raise WrongText(f"The name {XCOM_MARK} in it is kept for Patchbay: use ti.xcom_pull.")
    return value


def _object(argument: Argument, text: str) -> dict[str, Any]:
    del argument
    value = json_of(text)
    if not isinstance(value, dict):
        raise WrongText('A JSON object is needed, for example {"name": "value"}.')
    return value


def _list(argument: Argument, text: str) -> list[Any]:
    del argument
    value = json_of(text)
    if not isinstance(value, list):
        raise WrongText('A JSON list is needed, for example ["a", "b"].')
    return value


def _any(argument: Argument, text: str) -> Any:
    """JSON where it is some, else a text. What begins like a list or an object is meant so."""
    del argument
    value = _loosely(text)
    starts_so = text.lstrip().startswith(("{", "[")) and not text.lstrip().startswith(("{{", "{%"))
    return json_of(text) if starts_so or not isinstance(value, str) else value


def _loosely(text: str) -> Any:
    try:
        return parse(text)
    except NotJson:
        return text.strip()


def _has_mark(value: Any) -> bool:
    if isinstance(value, dict):
        return XCOM_MARK in value or any(map(_has_mark, value.values()))
    return isinstance(value, list) and any(map(_has_mark, value))


_READERS: dict[str, Callable[[Argument, str], Any]] = {
    "integer": _whole,
    "number": _number,
    "boolean": _boolean,
    "texts": _lines,
    "json": _object,
    "list": _list,
    "any": _any,
}
