"""Checks a connection before it is saved. Every door (form, admin, API, import) uses this.

Values are looked at by the field names of the type's declaration, wherever
they are stored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from connections.exceptions import InvalidConnection
from connections.models import CONN_ID_MAX_LENGTH, CONN_ID_PATTERN
from connections.types import TYPES
from connections.types.base import COLUMNS, ConnectionType, LoadedConnection, TypeField


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

    def with_values(self, connection_type: ConnectionType, values: dict[str, Any]) -> Draft:
        """This draft with the type's fields set; a value that is empty is left out of extra."""
        columns: dict[str, Any] = {}
        extra = dict(self.extra)
        for type_field in connection_type.fields:
            value = values.get(type_field.name)
            if type_field.column:
                columns[type_field.column] = value
            elif value in (None, "", False):
                extra.pop(type_field.name, None)
            else:
                extra[type_field.name] = value
        return replace(self, extra=extra, **columns)


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
    errors = {**_check_conn_id(draft.conn_id), **_check_columns(draft)}
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


def _check_conn_id(conn_id: str) -> dict[str, str]:
    if not conn_id:
        return {"conn_id": "A connection needs an ID: DAGs name it by this."}
    if len(conn_id) > CONN_ID_MAX_LENGTH:
        return {"conn_id": f"At most {CONN_ID_MAX_LENGTH} characters."}
    if not re.match(CONN_ID_PATTERN, conn_id):
        return {"conn_id": "Only letters, digits, dashes, dots and underscores."}
    return {}


def _check_columns(draft: Draft) -> dict[str, str]:
    errors = {
        name: "A NUL character can't be stored."
        for name in ("description", *COLUMNS)
        if "\0" in str(getattr(draft, name) or "")
    }
    if "\\u0000" in json.dumps(draft.extra):
        errors["extra"] = "A NUL character can't be stored."
    if draft.port is not None and not 0 < draft.port <= 65_535:
        errors["port"] = "A port is a number from 1 to 65535."
    return errors


_KIND_WORDS = {
    "integer": ((int,), "A whole number."),
    "number": ((int, float), "A number."),
    "boolean": ((bool,), "True or false."),
    "json": ((dict,), "A JSON object, for example {}."),
    "key_json": ((str, dict), "A key file: a JSON object."),
}


def _check_value(type_field: TypeField, value: Any) -> str:
    if value in (None, "", False):
        return "This is needed." if type_field.required else ""
    types, words = _KIND_WORDS.get(type_field.kind, ((str,), "A text."))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        return words
    return type_field.check(value) if type_field.check else ""


def _check_methods(connection_type: ConnectionType, values: dict[str, Any]) -> dict[str, str]:
    """Refuse two methods at once, and a method that lacks a field it needs."""
    chosen = connection_type.method_of(values)
    label = {method.name: method.label for method in connection_type.methods}
    errors: dict[str, str] = {}
    for type_field in connection_type.fields:
        if not type_field.methods or chosen in type_field.methods:
            continue
        if values.get(type_field.name):
            errors[type_field.name] = (
                f"This belongs to “{label[type_field.methods[0]]}”, but “{label[chosen]}” "
                "is set too. Keep one of them."
            )
    return errors
