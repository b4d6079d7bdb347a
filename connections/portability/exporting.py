"""Writes connections as the text of a file that imports again, here and in Airflow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from access.audit import Actor, record
from connections.masking import MASK
from connections.models import Connection
from connections.portability.entries import value_of
from connections.portability.files import write_values
from connections.services import draft_of
from connections.types import type_of
from connections.types.base import ENCRYPTED_COLUMNS
from connections.unmasking import redacted_extra
from connections.validation import Draft

#: How a connection is written in the file. Not every one has a URI form: those stay objects.
SERIALIZATIONS = ("json", "uri")


def export(
    connections: Iterable[Connection],
    *,
    file_format: str,
    serialization: str,
    redact: bool,
    actor: Actor,
) -> str:
    """The file's text; whoever calls it has checked the right, and keeps the file to its owner.

    It is audited. Raise ``SecretsUnreadable`` rather than leave one out.
    """
    drafts = [draft_of(each, loaded=each.load()) for each in connections]
    record(
        actor,
        "exported",
        what="connections",
        name=f"{len(drafts)} {'redacted' if redact else 'with their secrets'}",
        file_format=file_format,
        redacted=redact,
        conn_ids=[draft.conn_id for draft in drafts],
    )
    shown = map(redacted, drafts) if redact else drafts
    return write_values(
        ((draft.conn_id, value_of(draft, serialization=serialization)) for draft in shown),
        file_format=file_format,
    )


def redacted(draft: Draft) -> Draft:
    """``draft`` with ``***`` for each secret that is set, by its type's declaration first."""
    declared = type_of(draft.conn_type)
    hidden = {"password", *declared.secret_names}
    columns: dict[str, Any] = {
        name: MASK for name in ENCRYPTED_COLUMNS if name in hidden and getattr(draft, name)
    }
    return replace(draft, extra=redacted_extra(declared, draft.extra), **columns)
