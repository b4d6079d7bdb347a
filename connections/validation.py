"""Checks a connection before it is saved. Every door (form, admin, API, import) uses this.

Values are looked at by the field names of the type's declaration, wherever
they are stored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connections.exceptions import InvalidConnection
from connections.models import CONN_ID_MAX_LENGTH, CONN_ID_PATTERN
from connections.types import TYPES
from connections.types.base import COLUMNS, ConnectionType, LoadedConnection, TypeField
from connections.types.json_text import NotJson, parse, wrong_characters

LONGEST_DESCRIPTION = 5000
LONGEST = {"description": LONGEST_DESCRIPTION, "host": 500, "schema": 500}


@dataclass(frozen=True)
class Draft:
    """A connection as somebody wants it saved: everything, with its secrets in clear."""

    conn_id: str
    conn_type: str
    description: str = ""
    host: str = ""
    schema: str = ""
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    port: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    is_disabled: bool = False
    expires_at: datetime | None = None

    def with_values(self, connection_type: ConnectionType, values: dict[str, Any]) -> Draft:
        """This draft with the type's fields set.

        A value that is empty is left out of extra, unless extra holds an empty one already.
        """
        columns: dict[str, Any] = {}
        extra = dict(self.extra)
        for type_field in connection_type.fields:
            name, value = type_field.name, values.get(type_field.name)
            if type_field.column:
                columns[type_field.column] = value if type_field.column == "port" else value or ""
            elif not is_empty(value):
                extra[name] = value
            elif not is_empty(extra.get(name)):
                del extra[name]
        return replace(self, extra=extra, **columns)


def is_empty(value: Any) -> bool:
    """Whether a field of this value counts as not set. 0 is a value."""
    return value is None or value is False or value == ""


def values_of(
    connection: LoadedConnection | Draft, connection_type: ConnectionType
) -> dict[str, Any]:
    """The values of the type's fields, by name."""
    return {
        type_field.name: getattr(connection, type_field.column)
        if type_field.column
        else connection.extra.get(type_field.name)
        for type_field in connection_type.fields
    }


def check(draft: Draft) -> None:
    """Raise ``InvalidConnection`` with words for each field that can't be right."""
    errors = _check_columns(draft)
    if words := wrong_conn_id(draft.conn_id):
        errors["conn_id"] = words
    connection_type = TYPES.get(draft.conn_type)
    if connection_type is None:
        errors["conn_type"] = "Choose a type from the list."
    else:
        errors |= check_values(connection_type, values_of(draft, connection_type))
    if errors:
        raise InvalidConnection(errors)


def check_values(connection_type: ConnectionType, values: dict[str, Any]) -> dict[str, str]:
    """The words of what is wrong, by field name; empty when all is well."""
    errors: dict[str, str] = {}
    for type_field in connection_type.fields:
        words = _check_value(type_field, values.get(type_field.name))
        if words:
            errors[type_field.name] = words
    return _check_methods(connection_type, values) | errors


def wrong_conn_id(conn_id: str) -> str:
    """The words of what is wrong with an ID, or an empty text."""
    if not conn_id:
        return "A connection needs an ID: DAGs name it by this."
    if len(conn_id) > CONN_ID_MAX_LENGTH:
        return f"At most {CONN_ID_MAX_LENGTH} characters."
    if not re.match(CONN_ID_PATTERN, conn_id):
        return "Only letters, digits, dashes, dots and underscores."
    if not conn_id.strip("."):
        # Browsers take . and .. in an address for folders.
        return "An ID needs more than dots."
    return ""


def _check_columns(draft: Draft) -> dict[str, str]:
    errors = {
        name: f"This can't be stored: {words}."
        for name in ("description", *COLUMNS)
        if (words := wrong_characters(getattr(draft, name)))
    }
    declared = TYPES.get(draft.conn_type)
    for name, value in draft.extra.items():
        if words := wrong_characters([name, value]):
            place = name if declared and declared.field(name) else "extra"
            errors[place] = f"This can't be stored: {words}."
    for name, longest in LONGEST.items():
        if len(getattr(draft, name)) > longest:
            errors[name] = f"At most {longest} characters."
    if draft.port is not None and not 0 < draft.port <= 65_535:
        errors["port"] = "A port is a number from 1 to 65535."
    return errors


_KIND_WORDS = {
    "integer": ((int,), "A whole number."),
    "number": ((int, float), "A number."),
    "boolean": ((bool,), "True or false."),
    "json": ((dict, str), "A JSON object, for example {}."),
    "key_json": ((str, dict), "A key file: a JSON object."),
}


def _check_value(type_field: TypeField, value: Any) -> str:
    if is_empty(value):
        return "This is needed." if type_field.required else ""
    types, words = _KIND_WORDS.get(type_field.kind, ((str,), "A text."))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return words
    if type_field.kind == "json" and not _is_object(value):
        return words
    return type_field.check(value) if type_field.check else ""


def _is_object(value: Any) -> bool:
    """Airflow keeps some objects as their text."""
    try:
        return isinstance(parse(value) if isinstance(value, str) else value, dict)
    except NotJson:
        return False


def _check_methods(connection_type: ConnectionType, values: dict[str, Any]) -> dict[str, str]:
    """Refuse two methods at once, and a method that lacks a field it needs."""
    methods = {method.name: method for method in connection_type.methods}
    chosen = methods.get(connection_type.method_of(values))
    errors: dict[str, str] = {}
    for type_field in connection_type.fields:
        owners = type_field.methods
        if (
            not owners
            or (chosen and chosen.name in owners)
            or is_empty(values.get(type_field.name))
        ):
            continue
        owner = methods[owners[0]]
        if chosen and chosen.needs:
            errors[type_field.name] = (
                f"This belongs to “{owner.label}”, but “{chosen.label}” is set too. "
                "Keep one of them."
            )
            continue
        for name in owner.needs:
            if is_empty(values.get(name)):
                errors[name] = f"“{owner.label}” needs this."
    return errors
