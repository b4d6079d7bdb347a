"""A connection type as JSON Schema: what the body of a connection of this type may hold.

https://json-schema.org/draft/2020-12: ``extra`` is a text, and ``contentSchema``
says what the JSON in it holds.
"""

from __future__ import annotations

from typing import Any

from connections.models import CONN_ID_MAX_LENGTH
from connections.types.base import ConnectionType, TypeField

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: The types of JSON for each kind of field. Airflow keeps many of them as texts, which is taken.
KINDS: dict[str, list[str]] = {
    "integer": ["integer", "string"],
    "number": ["number", "string"],
    "boolean": ["boolean", "string", "integer"],
    "json": ["object", "string"],
    "json_value": ["object", "array", "string"],
    "key_json": ["object", "string"],
}
_COLUMNS = ("host", "schema", "login", "password", "port")
_EMPTY = {"description": "This type doesn't use it; it is kept if it is sent."}


def schema_of(declared: ConnectionType) -> dict[str, Any]:
    """The schema of the body of ``POST /api/v2/connections`` for a connection of this type."""
    columns = {field.column: field for field in declared.fields if field.column}
    required = [field.column for field in columns.values() if field.required]
    return {
        "$schema": DRAFT,
        "title": declared.label,
        "description": declared.description,
        "type": "object",
        "additionalProperties": False,
        "required": ["connection_id", "conn_type", *required],
        "properties": {
            "connection_id": {
                "type": "string",
                "pattern": r"^[\w.-]+$",
                "maxLength": CONN_ID_MAX_LENGTH,
            },
            "conn_type": {"const": declared.name},
            "description": {"type": ["string", "null"]},
            **{name: _column(name, columns.get(name)) for name in _COLUMNS},
            "extra": _extra(declared),
        },
    }


def methods_of(declared: ConnectionType) -> list[dict[str, Any]]:
    """The ways to authenticate; exactly one is used, found by the fields that it needs."""
    return [
        {
            "name": method.name,
            "label": method.label,
            "help": method.help,
            "needs": list(method.needs),
            "fields": [field.name for field in declared.fields if method.name in field.methods],
        }
        for method in declared.methods
    ]


def _column(name: str, field: TypeField | None) -> dict[str, Any]:
    kind = "integer" if name == "port" else "string"
    if field is None:
        return {"type": [kind, "null"], **_EMPTY}
    limits = {"minimum": 1, "maximum": 65_535} if name == "port" else {}
    return _described(field, [kind, "null"]) | limits


def _extra(declared: ConnectionType) -> dict[str, Any]:
    fields = [field for field in declared.fields if not field.column]
    return {
        "type": ["string", "null"],
        "description": "The text of a JSON object. Other keys than these are kept as they are.",
        "contentMediaType": "application/json",
        "contentSchema": {
            "type": "object",
            "additionalProperties": True,
            "required": [field.name for field in fields if field.required],
            "properties": {
                field.name: _described(field, KINDS.get(field.kind, ["string"])) for field in fields
            },
        },
    }


def _described(field: TypeField, types: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"title": field.label, "type": types}
    if field.help:
        found["description"] = field.help
    if field.choices:
        found["examples" if field.is_open else "enum"] = list(field.choices)
    elif field.placeholder:
        found["examples"] = [field.placeholder]
    if field.default:
        found["default"] = field.default
    if field.secret:
        found["writeOnly"] = True
    return found
