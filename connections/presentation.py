"""One connection as its page shows it: values that may be seen, facts of those that may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connections.masking import is_secret_key_name, redacted
from connections.types import type_of
from connections.types.base import COLUMNS, GROUPS, LoadedConnection, TypeField


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
    values = {
        field.name: getattr(connection, field.column)
        if field.column
        else connection.extra.get(field.name)
        for field in declared.fields
    }
    groups = [
        ShownGroup(
            heading,
            tuple(
                _shown(field, values[field.name], facts)
                for field in declared.fields
                if field.group == group and values[field.name] not in (None, "")
            ),
        )
        for group, heading in GROUPS.items()
    ]
    groups.append(ShownGroup("Also stored", tuple(_others(connection))))
    return [group for group in groups if group.fields]


def _shown(field: TypeField, value: Any, facts: dict[str, Any]) -> Shown:
    if field.secret:
        return Shown(field.label, field.name, is_secret=True, fact=facts.get(field.name))
    safe = redacted(value) if isinstance(value, dict) else value
    return Shown(field.label, field.name, safe)


def _others(connection: LoadedConnection) -> list[Shown]:
    declared = type_of(connection.conn_type)
    columns = [
        Shown(name, name, getattr(connection, name), is_secret=name == "password")
        for name in COLUMNS
        if declared.field(name) is None and getattr(connection, name) not in (None, "")
    ]
    known = [field.name for field in declared.fields]
    extras = [
        Shown(f"extra.{name}", name, value, is_secret=is_secret_key_name(name))
        for name, value in redacted(connection.extra, known=known).items()
        if name not in known
    ]
    return [
        Shown(shown.label, shown.name, is_secret=True) if shown.is_secret else shown
        for shown in (*columns, *extras)
    ]
