"""What one can do with connections. Every change is checked, counted and audited here."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from access.audit import Actor, record
from connections.exceptions import (
    ConnectionFailure,
    InvalidConnection,
    SecretsUnreadable,
    StaleConnection,
)
from connections.from_environment import find_in_environment
from connections.masking import named_secrets, secret_texts
from connections.models import Connection
from connections.redaction import hidden_columns, is_secret_extra, refuse_exposure
from connections.rows import row_of
from connections.types import type_of
from connections.types.base import ENCRYPTED_COLUMNS, JSON_KINDS, LoadedConnection
from connections.validation import Draft, check, draft_from, values_of

_PLAIN_COLUMNS = ("description", "host", "port", "max_sessions", "is_disabled", "expires_at")


def get_connection(conn_id: str) -> LoadedConnection:
    """The connection with its secrets in clear, for a session.

    The environment comes first (``PATCHBAY_CONN_<ID>``, then
    ``AIRFLOW_CONN_<ID>``), then what is stored. Raise ``ConnectionFailure``
    when it isn't there, is disabled or expired, or its variable can't be read,
    and ``SecretsUnreadable`` when no configured key decrypts it.
    """
    loaded = find_in_environment(conn_id) or _load_stored(conn_id)
    return replace(loaded, extra=type_of(loaded.conn_type).read(loaded.extra))


def _load_stored(conn_id: str) -> LoadedConnection:
    connection = row_of(Connection, "conn_id", conn_id)
    if connection is None:
        raise ConnectionFailure("connection:not-found", conn_id=conn_id)
    if connection.is_disabled:
        raise ConnectionFailure("connection:disabled", conn_id=conn_id)
    if connection.is_expired:
        raise ConnectionFailure("connection:expired", conn_id=conn_id)
    return connection.load()


def secrets_of(connection: LoadedConnection) -> set[str]:
    """Every text in ``connection`` that must not be seen anywhere."""
    declared = type_of(connection.conn_type)
    found = {str(getattr(connection, name)) for name in hidden_columns(declared)}
    for name, value in connection.extra.items():
        field = declared.field_of_extra(name)
        if is_secret_extra(declared, name):
            found |= secret_texts(value)
        elif field is None or field.kind in JSON_KINDS:
            found |= named_secrets(value)
    return {text for text in found if text}


def create_connection(draft: Draft, *, actor: Actor, before: Draft | None = None) -> Connection:
    """Raise ``InvalidConnection`` for a draft that can't be right, or an id that is taken.

    A copy of ``before`` may be as doubtful as that is.
    """
    check(draft, before=before)
    connection = Connection(conn_id=draft.conn_id, conn_type=draft.conn_type)
    changed = _apply(connection, draft, actor=actor, before=None)
    connection.created_by_id = connection.updated_by_id = actor.user_id
    try:
        with transaction.atomic():
            connection.save(force_insert=True)
            record(actor, "created", what="connection", name=draft.conn_id, fields=changed)
    except IntegrityError:
        words = f"There is a connection {draft.conn_id} already."
        raise InvalidConnection({"conn_id": words}) from None
    return connection


def update_connection(
    draft: Draft, *, actor: Actor, version: int, discard_unreadable: bool = False
) -> Connection:
    """Replace all that is stored by ``draft``; its ``conn_id`` names the connection.

    Raise ``Connection.DoesNotExist``, ``StaleConnection`` when the stored
    version is not ``version``, and ``SecretsUnreadable`` rather than save over
    secrets that can't be read, unless ``discard_unreadable``.
    """
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(conn_id=draft.conn_id)
        if connection.version != version:
            raise StaleConnection(draft.conn_id)
        if connection.conn_type != draft.conn_type:
            raise InvalidConnection({"conn_type": "The type of a connection stays as it is."})
        before = _load_for_update(connection, discard_unreadable=discard_unreadable)
        check(draft, before=draft_of(connection, loaded=before))
        return _save(connection, draft, actor=actor, before=before)


def change_connection(
    conn_id: str,
    change: Callable[[Draft], Draft],
    *,
    actor: Actor,
    discard_unreadable: bool = False,
) -> Connection:
    """Replace what is stored by what ``change`` makes of it, also its type; nobody comes between.

    Raise ``Connection.DoesNotExist``, ``InvalidConnection``, and
    ``SecretsUnreadable`` unless ``discard_unreadable``: then ``change`` gets a
    draft without what can't be read.
    """
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(conn_id=conn_id)
        before = _load_for_update(connection, discard_unreadable=discard_unreadable)
        stored = draft_of(connection, loaded=before)
        draft = change(stored)
        check(draft, before=stored)
        refuse_exposure(draft, before=stored)
        connection.conn_type = draft.conn_type
        return _save(connection, draft, actor=actor, before=before)


def stage(
    connection: Connection, draft: Draft, *, actor: Actor, before: LoadedConnection | None
) -> list[str]:
    """Set a row to a checked ``draft`` without saving it; the names of the fields that change.

    For imports, which save many at once. ``before`` is what is stored, in
    clear; ``None`` for a row that is not stored yet.
    """
    if before is not None:
        connection.version += 1
    else:
        connection.created_by_id = actor.user_id
    connection.conn_type = draft.conn_type
    changed = _apply(connection, draft, actor=actor, before=before)
    connection.updated_at = timezone.now()
    connection.updated_by_id = actor.user_id
    return changed


def draft_of(connection: Connection, *, loaded: LoadedConnection | None) -> Draft:
    """All that is stored, for changing some of it; ``loaded`` is it in clear, if it can be read."""
    return replace(
        draft_from(loaded or connection.load_plain()),
        is_disabled=connection.is_disabled,
        expires_at=connection.expires_at,
    )


def _save(
    connection: Connection, draft: Draft, *, actor: Actor, before: LoadedConnection | None
) -> Connection:
    connection.version += 1
    changed = _apply(connection, draft, actor=actor, before=before)
    if not changed:
        return Connection.objects.get(pk=connection.pk)
    connection.updated_at = timezone.now()
    connection.updated_by_id = actor.user_id
    connection.save()
    record(actor, "changed", what="connection", name=draft.conn_id, fields=changed)
    return connection


def delete_connection(conn_id: str, *, actor: Actor) -> None:
    """Raise ``Connection.DoesNotExist`` when there is none."""
    with transaction.atomic():
        Connection.objects.get(conn_id=conn_id).delete()
        record(actor, "deleted", what="connection", name=conn_id)


def _load_for_update(
    connection: Connection, *, discard_unreadable: bool
) -> LoadedConnection | None:
    try:
        return connection.load()
    except SecretsUnreadable:
        if not discard_unreadable:
            raise
        return None


def _apply(
    connection: Connection, draft: Draft, *, actor: Actor, before: LoadedConnection | None
) -> list[str]:
    """Set what ``draft`` says; return the names of the fields that change."""
    old = before or LoadedConnection(conn_id=draft.conn_id, conn_type=draft.conn_type)
    changed = [name for name in _PLAIN_COLUMNS if getattr(connection, name) != getattr(draft, name)]
    changed += ["conn_type"] if old.conn_type != draft.conn_type else []
    changed += [name for name in ENCRYPTED_COLUMNS if getattr(old, name) != getattr(draft, name)]
    changed += changed_extras(old.extra, draft.extra)
    if before is None:
        # What could not be read is given up, also where nothing takes its place.
        changed += [name for name in connection.secret_facts if name not in changed]
        changed += ["extra"] if connection.pk and not changed else []
    for name in _PLAIN_COLUMNS:
        setattr(connection, name, getattr(draft, name))
    for name in ENCRYPTED_COLUMNS:
        if before is None or name in changed:
            setattr(connection, name, getattr(draft, name) or None)
    if before is None or json.dumps(old.extra) != json.dumps(draft.extra):
        connection.extra = json.dumps(draft.extra, ensure_ascii=False) if draft.extra else None
    connection.target = _target(draft)
    connection.secret_facts = _secret_facts(connection, draft, changed=changed, actor=actor)
    return changed


def _target(draft: Draft) -> str:
    """The host, or the project of a type that declares one; in clear, so no secret."""
    field = type_of(draft.conn_type).field("project")
    project = draft.extra.get("project") if field and not field.secret else ""
    return (draft.host or (project if isinstance(project, str) else ""))[:500]


def changed_extras(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The names whose values differ as JSON, where ``1`` is not ``true`` and order is nothing."""

    def text(extra: dict[str, Any], name: str) -> str:
        return json.dumps(extra[name], sort_keys=True) if name in extra else ""

    return [name for name in dict.fromkeys((*old, *new)) if text(old, name) != text(new, name)]


def _secret_facts(
    connection: Connection, draft: Draft, *, changed: list[str], actor: Actor
) -> dict[str, Any]:
    """When, by whom and in which version each secret that is set was set."""
    declared = type_of(draft.conn_type)
    facts: dict[str, Any] = {}
    values = values_of(draft, declared)
    for field in declared.fields:
        value, old = values[field.name], connection.secret_facts.get(field.name)
        if not field.secret or not value:
            continue
        facts[field.name] = (
            old
            if old and (field.column or field.name) not in changed
            else {
                "at": timezone.now().isoformat(),
                "by": actor.name,
                "version": connection.version,
                "hint": _hint(value),
            }
        )
    return facts


def _hint(value: Any) -> str:
    """What may be shown of a key file: whose key it is. Of other secrets, nothing."""
    try:
        data = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return ""
    if not isinstance(data, dict) or "client_email" not in data:
        return ""
    account = str(data["client_email"]).removesuffix(".iam.gserviceaccount.com")
    key_id = str(data.get("private_key_id", ""))
    return f"{account} · key {key_id[:4]}…" if len(key_id) >= 16 else account
