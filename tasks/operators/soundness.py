"""Says what is wrong with an operator's declaration, before anything relies on it."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tasks.operators.base import KINDS, Argument, Operator, Work

#: What every task has, and no operator can have for itself.
OF_EVERY_TASK = frozenset({"dag", "default_args", "task_id"})
TEXTS = ("category", "summary", "cancels", "result_name", "connection_argument", "default_conn_id")


def wrong_declaration(operator: Any) -> str:
    """The words of the first fault, or an empty text. Raises whatever a wrong object raises."""
    return next(_faults(operator), "")


def _faults(operator: Any) -> Iterator[str]:
    if not isinstance(operator, type) or not issubclass(operator, Operator):
        yield f"it gives {operator!r:.60}, which is no Operator"
        return
    name = getattr(operator, "name", "")
    if not _is_name(name):
        yield f"{operator.__name__}: its name {name!r} is no name of a class"
    if missing := getattr(operator, "__abstractmethods__", ()):
        yield f"{name}: it has no {', '.join(sorted(missing))}"
    for attribute in TEXTS:
        if not isinstance(getattr(operator, attribute), str):
            yield f"{name}: its {attribute} is no text"
    if not isinstance(operator.work, Work):
        yield f"{name}: its work is no Work"
    if not operator.cancels:
        yield f"{name}: it doesn't say in cancels what a cancel does"
    yield from (f"{name}: {words}" for words in _wrong_paths(operator))
    yield from (f"{name}: {words}" for words in _wrong_arguments(operator))
    yield from (f"{name}: {words}" for words in _wrong_connection(operator))


def _wrong_paths(operator: type[Operator]) -> Iterator[str]:
    paths = operator.import_paths
    if not isinstance(paths, tuple) or not paths:
        yield "its import_paths is no tuple of modules"
        return
    for path in paths:
        if not all(map(_is_name, str(path).split("."))):
            yield f"its import path {path!r} is no name of a module"


def _wrong_arguments(operator: type[Operator]) -> Iterator[str]:
    count = Counter(argument.name for argument in operator.arguments)
    for argument in operator.arguments:
        if count[argument.name] > 1:
            yield f"the argument {argument.name} is declared twice"
        if words := _wrong_argument(argument):
            yield f"the argument {argument.name}: {words}"


def _wrong_argument(argument: Argument) -> str:
    if not _is_name(argument.name):
        return "its name can't be given in Python"
    if argument.name in OF_EVERY_TASK:
        return "every task has it"
    if argument.kind not in KINDS:
        return f"there is no kind {argument.kind}"
    if argument.required and argument.default is not None:
        return "what is required has no default"
    if argument.default is not None and not _is_of_kind(argument.default, argument.kind):
        return f"its default {argument.default!r} is not of the kind {argument.kind}"
    if argument.choices and argument.default not in (None, *argument.choices):
        return f"its default {argument.default!r} is none of its choices"
    return ""


def _wrong_connection(operator: type[Operator]) -> Iterator[str]:
    named = operator.connection_argument
    if not named:
        if operator.default_conn_id or operator.connection_types:
            yield "it has types of connections, and no connection_argument"
        return
    argument = next((each for each in operator.arguments if each.name == named), None)
    if argument is None:
        yield f"its connection_argument {named} is no argument of it"
    elif argument.kind != "text":
        yield f"the argument {named} names a connection, and is no text"
    elif not argument.required and argument.default != operator.default_conn_id:
        yield f"the default of {named} isn't its default_conn_id"
    if not operator.connection_types or not isinstance(operator.connection_types, tuple):
        yield "it says of no type of connections that it fits"
    if operator.is_instant:
        yield "it is instant, and needs a connection"


def _is_name(text: object) -> bool:
    return isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text)


def _is_of_kind(value: object, kind: str) -> bool:
    is_stray_bool = isinstance(value, bool) and kind in ("integer", "number")
    return isinstance(value, KINDS[kind]) and not is_stray_bool
