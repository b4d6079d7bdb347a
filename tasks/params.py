"""A DAG's params: what a run may be given, checked against their JSON Schemas.

A param that is given as ``Param(...)`` has a schema (2020-12, as in Airflow);
one that is a plain value takes any.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from tasks.exceptions import TriggerRefused
from tasks.spec import DagSpec

if TYPE_CHECKING:
    from jsonschema import ValidationError

LONGEST_WORDS = 300


class ParamsRefused(TriggerRefused):
    """``errors`` tell for each param what is wrong with its value."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        words = "; ".join(f"{name}: {text}" for name, text in errors.items())
        super().__init__(f"The params don’t fit. {words}")
        self.errors = dict(errors)


def checked_params(spec: DagSpec, conf: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a run: the DAG's, with those of ``conf`` over them.

    Raise ``ParamsRefused`` where a value doesn't fit its schema, or is missing.
    """
    params = {**spec.params, **conf}
    errors = {
        name: words
        for name, schema in spec.param_schemas.items()
        if (words := _wrong(schema, params[name]) if name in params else "A value is needed.")
    }
    if errors:
        raise ParamsRefused(errors)
    return params


def _wrong(schema: Mapping[str, Any], value: Any) -> str:
    """What is wrong with ``value``, in words; empty if nothing is."""
    # Imported when first needed: most DAGs have no schema.
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError
    from jsonschema.exceptions import UnknownType, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    checker = FormatChecker(formats=())
    for name, reads in FORMATS.items():
        checker.checks(name, raises=ValueError)(_checking(reads))
    try:
        Draft202012Validator.check_schema(schema)
        # An empty registry: a schema can't make us fetch another from the network.
        validator = Draft202012Validator(schema, registry=Registry(), format_checker=checker)
        error = best_match(validator.iter_errors(value))
    except (SchemaError, UnknownType, Unresolvable, RecursionError) as problem:
        return f"Its schema in the DAG file can’t be used: {_first_line(problem)}."
    return _words(error) if error else ""


def _checking(reads: Callable[[str], object]) -> Callable[[object], bool]:
    """Only texts have a format, says the specification."""

    def check(value: object) -> bool:
        if isinstance(value, str):
            reads(value)
        return True

    return check


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("without a time zone")
    return moment


#: format -> what reads it, or raises ``ValueError``
FORMATS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": _moment,
    "time": time.fromisoformat,
}
_EXAMPLES = {
    "date": "a date such as 2026-01-31",
    "date-time": "a moment such as 2026-01-31T10:00:00+00:00",
    "time": "a time such as 10:00:00",
}
_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a JSON object",
    "null": "null",
}


def _words(error: ValidationError) -> str:
    """What a person can do something with; the library's own words for what is rare."""
    limit: Any = error.validator_value
    texts: dict[str, Callable[[], str]] = {
        "type": lambda: f"Must be {_types(limit)}.",
        "enum": lambda: f"Must be one of {', '.join(json.dumps(each) for each in limit)}.",
        "const": lambda: f"Must be {json.dumps(limit)}.",
        "minimum": lambda: f"Must be at least {limit}.",
        "maximum": lambda: f"Must be at most {limit}.",
        "exclusiveMinimum": lambda: f"Must be more than {limit}.",
        "exclusiveMaximum": lambda: f"Must be less than {limit}.",
        "multipleOf": lambda: f"Must be a multiple of {limit}.",
        "minLength": lambda: f"Must have at least {limit} characters.",
        "maxLength": lambda: f"Must have at most {limit} characters.",
        "minItems": lambda: f"Must have at least {limit} items.",
        "maxItems": lambda: f"Must have at most {limit} items.",
        "pattern": lambda: f"Must match {limit}.",
        "format": lambda: f"Must be {_EXAMPLES.get(limit, limit)}.",
    }
    words = texts.get(str(error.validator), lambda: f"{_first_line(error)}.")()
    place = ".".join(str(part) for part in error.absolute_path)
    words = f"{place}: {words}" if place else words
    return words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…"


def _types(wanted: Any) -> str:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return " or ".join(_TYPES.get(name, str(name)) for name in names)


def _first_line(problem: Exception) -> str:
    return str(getattr(problem, "message", "") or problem).split("\n")[0].rstrip(".")
