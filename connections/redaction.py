"""What may be seen of a connection: ``***`` for each secret. All that shows one asks here.

A field's declaration decides first, also for an extra under its legacy name; for what no
type declares, and inside JSON, Airflow's names of keys do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connections.exceptions import InvalidConnection
from connections.masking import MASK, is_secret_key_name, redacted_inside, redacted_text
from connections.types import type_of
from connections.types.base import JSON_KINDS, ConnectionType, TypeField
from connections.validation import Draft


def redacted_extra(declared: ConnectionType, extra: Mapping[str, Any]) -> dict[str, Any]:
    """``extra`` with ``***`` for each secret; a text of JSON that holds one is hidden whole."""
    return {
        name: MASK
        if is_secret_extra(declared, name)
        else _shown(declared.field_of_extra(name), value)
        for name, value in extra.items()
    }


def redacted_draft(draft: Draft) -> Draft:
    """``draft`` with ``***`` for each secret that is set; a secret port is left out."""
    declared = type_of(draft.conn_type)
    columns: dict[str, Any] = {
        name: None if name == "port" else MASK
        for name in hidden_columns(declared)
        if getattr(draft, name)
    }
    return replace(draft, extra=redacted_extra(declared, draft.extra), **columns)


def hidden_columns(declared: ConnectionType) -> frozenset[str]:
    """Those of ``COLUMNS`` that hold a secret: the password always, others where declared so."""
    return frozenset(
        {"password", *(each.column for each in declared.fields if each.secret and each.column)}
    )


def is_secret_extra(declared: ConnectionType, name: str) -> bool:
    """Whether all that stands under this name is a secret."""
    field = declared.field_of_extra(name)
    if field is not None and (field.secret or field.kind not in JSON_KINDS):
        return field.secret
    return name in declared.secret_names or is_secret_key_name(field.name if field else name)


def _shown(field: TypeField | None, value: Any) -> Any:
    if field is None or not isinstance(value, str):
        return redacted_inside(value)
    is_safe = field.kind not in JSON_KINDS or redacted_text(value) == value
    return value if is_safe else MASK


def refuse_exposure(draft: Draft, *, before: Draft) -> None:
    """Raise ``InvalidConnection`` where another type would show what the stored one hides."""
    if draft.conn_type == before.conn_type:
        return
    old, new = type_of(before.conn_type), type_of(draft.conn_type)
    hidden, shown = redacted_extra(old, before.extra), redacted_extra(new, draft.extra)
    names = [
        name
        for name, value in draft.extra.items()
        if name in hidden
        and value == before.extra[name]
        and hidden[name] != value
        and shown[name] not in (MASK, hidden[name])
    ]
    names += [
        name
        for name in sorted(hidden_columns(old) - hidden_columns(new))
        if getattr(draft, name) and getattr(draft, name) == getattr(before, name)
    ]
    if names:
        words = f"This type would show {', '.join(names)}, which is secret now: give it anew."
        raise InvalidConnection({"conn_type": words})
