"""``list``, ``get`` and ``types``: what is there. No secret, unless it is asked for."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from access.output import formatted
from connections.command_line.session import failed, words_of, wrong_usage
from connections.exceptions import ConnectionFailure, SecretsUnreadable
from connections.from_environment import all_from_environment, look_up
from connections.masking import MASK
from connections.models import Connection
from connections.redaction import redacted_draft
from connections.services import draft_of
from connections.testing import can_test
from connections.types import TYPES
from connections.types.base import ConnectionType
from connections.uri import to_uri
from connections.validation import Draft, draft_from

STORED = "stored"
UNREADABLE = "can't be read"
_BRIEF = ("conn_id", "conn_type", "host", "description", "state", "origin")
_TYPE = ("conn_type", "label", "category", "declared_by", "testable")


def list_connections(options: dict[str, Any]) -> str:
    """Every connection; those of the environment stand among the stored ones."""
    if options["hide_sensitive"] and not options["show_values"]:
        wrong_usage("--hide-sensitive can only be used with --show-values.")
    if options["ids"]:
        return "\n".join(sorted({*_stored_ids(), *_environment_ids()}))
    is_whole = options["show_values"] or options["show_secrets"]
    rows = _whole_rows(options["show_secrets"]) if is_whole else _brief_rows()
    rows = [row for row in rows if options["conn_type"] in (None, row["conn_type"])]
    rows.sort(key=lambda row: (row["conn_id"], row["origin"] == STORED))
    return formatted(rows, options["output"], names=_BRIEF)


def get_connection(options: dict[str, Any]) -> str:
    """One connection, where tasks would take it from: the environment comes first."""
    conn_id = options["conn_id"]
    found = look_up(conn_id)
    if found is not None:
        if found.connection is None:
            failed(f"{found.variable} can't be read: {found.problem}")
        return _one(draft_from(found.connection), found.variable, options)
    stored = Connection.objects.filter(conn_id=conn_id).first()
    if stored is None:
        failed(f"There is no connection {conn_id}.")
    try:
        draft = draft_of(stored, loaded=stored.load())
    except SecretsUnreadable as error:
        failed(words_of(error))
    return _one(draft, STORED, options)


def _one(draft: Draft, origin: str, options: dict[str, Any]) -> str:
    """A line for each field, where people read it; a list of one object for programs."""
    row = _row(draft, origin, options["show_secrets"])
    if options["output"] in ("json", "yaml"):
        return formatted([row], options["output"])
    lines = [{"field": name, "value": value} for name, value in row.items()]
    return formatted(lines, options["output"])


def list_types(options: dict[str, Any]) -> str:
    """Every type, or the fields of one."""
    name = options["conn_type"]
    if name is None:
        return formatted(
            [_type_row(each) for each in TYPES.values()], options["output"], names=_TYPE
        )
    declared = TYPES.get(name)
    if declared is None:
        failed(f"Nothing here declares a type {name}. It can be stored all the same.")
    rows = [
        {
            "field": field.name if field.column else f"extra.{field.name}",
            "label": field.label,
            "kind": field.kind,
            "required": field.required,
            "secret": field.secret,
            "methods": ", ".join(field.methods),
        }
        for field in declared.fields
    ]
    return formatted(rows, options["output"], names=("field", "label", "kind"))


def _type_row(declared: ConnectionType) -> dict[str, Any]:
    values = (
        declared.name,
        declared.label,
        declared.category,
        declared.origin,
        can_test(declared.name),
    )
    return dict(zip(_TYPE, values, strict=True))


def _stored_ids() -> list[str]:
    return list(Connection.objects.values_list("conn_id", flat=True))


def _environment_ids() -> list[str]:
    return [each.conn_id for each in all_from_environment()]


def _brief_rows() -> list[dict[str, Any]]:
    """Nothing is decrypted."""
    fields = ("conn_id", "conn_type", "target", "description", "is_disabled", "expires_at")
    rows = [
        {
            "conn_id": each.conn_id,
            "conn_type": each.conn_type,
            "host": each.target,
            "description": each.description,
            "state": _state(each),
            "origin": STORED,
        }
        for each in Connection.objects.only(*fields)
    ]
    for found in all_from_environment():
        loaded = found.connection
        rows.append(
            {
                "conn_id": found.conn_id,
                "conn_type": loaded.conn_type if loaded else "",
                "host": loaded.host if loaded else "",
                "description": loaded.description if loaded else found.problem,
                "state": "" if loaded else UNREADABLE,
                "origin": found.variable,
            }
        )
    return rows


def _state(connection: Connection) -> str:
    return "disabled" if connection.is_disabled else "expired" if connection.is_expired else ""


def _whole_rows(show_secrets: bool) -> list[dict[str, Any]]:
    rows = []
    for stored in Connection.objects.all():
        try:
            draft = draft_of(stored, loaded=stored.load())
        except ConnectionFailure as error:
            failed(words_of(error))
        rows.append(_row(draft, STORED, show_secrets))
    for found in all_from_environment():
        if found.connection is not None:
            rows.append(_row(draft_from(found.connection), found.variable, show_secrets))
    return rows


def _row(draft: Draft, origin: str, show_secrets: bool) -> dict[str, Any]:
    """The names are those of Airflow's command, so that what reads its output reads this."""
    shown = draft if show_secrets else redacted_draft(draft)
    return {
        "conn_id": shown.conn_id,
        "conn_type": shown.conn_type,
        "description": shown.description,
        "host": shown.host,
        "schema": shown.schema,
        "login": shown.login,
        "password": shown.password,
        "port": shown.port,
        "extra_dejson": shown.extra,
        "get_uri": to_uri(draft) if show_secrets else to_uri(shown).replace(quote(MASK), MASK),
        "is_disabled": shown.is_disabled,
        "expires_at": shown.expires_at.isoformat() if shown.expires_at else None,
        "max_sessions": shown.max_sessions,
        "origin": origin,
    }
