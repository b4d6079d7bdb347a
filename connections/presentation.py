"""One connection as its page shows it: values that may be seen, facts of those that may not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from connections.masking import MASK
from connections.redaction import hidden_columns, redacted_extra
from connections.types import type_of
from connections.types.base import COLUMNS, GROUPS, ConnectionType, LoadedConnection, TypeField
from connections.validation import values_of

UNSET = (None, "")


@dataclass(frozen=True)
class Shown:
    """One field: its value, or for a secret the fact that it is set (``None`` if not told)."""

    label: str
    name: str
    value: Any = None
    is_secret: bool = False
    fact: dict[str, Any] | None = None


@dataclass(frozen=True)
class ShownGroup:
    heading: str
    fields: tuple[Shown, ...]


def groups_of(connection: LoadedConnection, facts: dict[str, Any]) -> list[ShownGroup]:
    """All that is set, under the headings of the form; what no field declares comes last."""
    declared = type_of(connection.conn_type)
    seen = replace(connection, extra=redacted_extra(declared, connection.extra))
    values, stored = values_of(seen, declared), values_of(connection, declared)
    groups = [
        ShownGroup(
            heading,
            tuple(
                _shown(field, values[field.name], facts)
                for field in declared.fields
                if field.group == group and stored[field.name] not in UNSET
            ),
        )
        for group, heading in GROUPS.items()
    ]
    groups.append(ShownGroup("Also stored", tuple(_others(connection, seen, declared))))
    return [group for group in groups if group.fields]


def _shown(field: TypeField, value: Any, facts: dict[str, Any]) -> Shown:
    if field.secret or value == MASK:
        return Shown(field.label, field.name, is_secret=True, fact=facts.get(field.name))
    return Shown(field.label, field.name, value)


def _others(
    connection: LoadedConnection, seen: LoadedConnection, declared: ConnectionType
) -> Iterator[Shown]:
    """Columns and extras without a field; an extra that its field doesn't show is one of them."""
    hidden = hidden_columns(declared)
    for name in COLUMNS:
        field, value = declared.field(name), getattr(seen, name)
        if (field is None or not field.column) and value not in UNSET:
            is_secret = name in hidden
            yield Shown(name, name, None if is_secret else value, is_secret=is_secret)
    for name, value in seen.extra.items():
        field = declared.field_of_extra(name)
        if field is None or (name != field.name and connection.extra.get(field.name) not in UNSET):
            is_secret = value == MASK
            yield Shown(f"extra.{name}", name, None if is_secret else value, is_secret=is_secret)
