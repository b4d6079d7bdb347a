"""Says what is wrong with a declaration, before anything relies on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from connections.types.base import COLUMNS, ENCRYPTED_COLUMNS, GROUPS, ConnectionType, TypeField
from connections.types.values import KINDS


def wrong_declaration(declared: ConnectionType) -> str:
    """The words of the first fault, or an empty text. Raises whatever a wrong object raises."""
    return next(_faults(declared), "")


def _faults(declared: ConnectionType) -> Iterator[str]:
    if not isinstance(declared, ConnectionType):
        yield f"it gives a {type(declared).__name__}, which is no ConnectionType"
        return
    names = Counter(field.name for field in declared.fields)
    for name in [name for name, count in names.items() if count > 1]:
        yield f"{declared.name}: the field {name} is declared twice"
    for field in declared.fields:
        if words := _wrong_field(declared, field):
            yield f"{declared.name}.{field.name}: {words}"
    for method in declared.methods:
        for name in method.needs:
            if declared.field(name) is None:
                yield f"{declared.name}: the method {method.name} needs {name}, which is no field"


def _wrong_field(declared: ConnectionType, field: TypeField) -> str:
    if field.kind not in KINDS:
        return f"there is no kind {field.kind}"
    if field.group not in GROUPS:
        return f"there is no group {field.group}"
    if field.column and (field.column not in COLUMNS or field.column != field.name):
        return "a field with a column is called like it, and is one of host, schema, login…"
    if field.secret and field.column and field.column not in ENCRYPTED_COLUMNS:
        return "host and port are stored in clear, and hold no secret"
    if field.kind in ("secret", "key_json") and not field.secret:
        return f"a field of the kind {field.kind} is secret"
    if not set(field.methods) <= {method.name for method in declared.methods}:
        return "it belongs to a method that isn't declared"
    return ""
