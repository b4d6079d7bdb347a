"""Reads the values of fields as they are stored.

Airflow's forms, exports and URIs keep many numbers and booleans as texts. They
stay stored as they came; who uses one reads it here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from connections.types.json_text import NotJson, parse

TRUE = ("true", "yes", "on", "t", "y", "1")
FALSE = ("false", "no", "off", "f", "n", "0")
INTEGER_PATTERN = re.compile(r"[+-]?[0-9]{1,18}")
NUMBER_PATTERN = re.compile(r"[+-]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class WrongKind(ValueError):
    """The words of what is expected. They never quote the value, which may be secret."""


def truth(value: Any) -> bool | None:
    """A boolean, also one that is kept as text or as 0 and 1; ``None`` for what is neither."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, str | int) else ""
    return True if text in TRUE else False if text in FALSE else None


def whole_number(value: Any) -> int:
    """Raise ``WrongKind`` for what is no whole number and no text of one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and INTEGER_PATTERN.fullmatch(value.strip()):
        return int(value)
    raise WrongKind("A whole number.")


def number(value: Any) -> float:
    """Raise ``WrongKind`` for what is no finite number and no text of one."""
    found: Any = value
    if isinstance(value, str) and NUMBER_PATTERN.fullmatch(value.strip()):
        found = float(value)
    if isinstance(found, int | float) and not isinstance(found, bool) and math.isfinite(found):
        return found
    raise WrongKind("A number.")


def text(value: Any) -> str:
    """A value as one types it: ``true``, ``5``, and a list with commas. Raise ``WrongKind``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ",".join(text(item) for item in value if item is not None)
    raise WrongKind("A text.")


def read(kind: str, value: Any) -> Any:
    """A value that is set, as its kind is used. Raise ``WrongKind``."""
    reader: Callable[[Any], Any] = _READERS.get(kind, text)
    return reader(value)


def _boolean(value: Any) -> bool:
    found = truth(value)
    if found is None:
        raise WrongKind("True or false.")
    return found


def _object(value: Any) -> dict[str, Any]:
    found = _json(value)
    if isinstance(found, dict):
        return found
    raise WrongKind("A JSON object, for example {}.")


def _object_or_list(value: Any) -> Any:
    found = _json(value)
    if isinstance(found, dict | list):
        return found
    raise WrongKind("A JSON object or list, for example [].")


def _json(value: Any) -> Any:
    """Airflow keeps some objects as their text."""
    try:
        return parse(value) if isinstance(value, str) else value
    except NotJson:
        return None


def _key_file(value: Any) -> Any:
    if isinstance(value, str | dict):
        return value
    raise WrongKind("A key file: a JSON object.")


def _secret(value: Any) -> str:
    """Any data, as its text: some hooks of Airflow take an object for a secret."""
    return json.dumps(value) if isinstance(value, dict | list) else text(value)


_READERS: dict[str, Callable[[Any], Any]] = {
    "integer": whole_number,
    "number": number,
    "boolean": _boolean,
    "json": _object,
    "json_value": _object_or_list,
    "key_json": _key_file,
    "secret": _secret,
    "pem": _secret,
}
#: Every kind of a field.
KINDS = frozenset({"text", "lines", *_READERS})
