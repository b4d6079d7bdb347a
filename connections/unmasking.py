"""``***`` in what is shown and in what is sent: shown for a secret, and sent to keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connections.exceptions import InvalidConnection
from connections.masking import MASK, is_secret_key_name, redacted
from connections.types import type_of
from connections.types.base import ENCRYPTED_COLUMNS, ConnectionType
from connections.validation import Draft

NOTHING_STORED = "*** stands for a secret that is stored, and none is. Send the secret itself."
_ABSENT = object()


def redacted_extra(declared: ConnectionType, extra: Mapping[str, Any]) -> dict[str, Any]:
    """By the type's declaration first, then by Airflow's names of keys."""
    return redacted(extra, secret_names=declared.secret_names, known=declared.plain_names)


def unmasked(draft: Draft, *, stored: Draft | None) -> Draft:
    """``draft`` with the stored secrets in the places of ``***``.

    Raise ``InvalidConnection`` for each that has nothing stored to stand for.
    """
    declared = type_of(draft.conn_type)
    before = type_of(stored.conn_type) if stored else declared
    errors: dict[str, str] = {}
    columns: dict[str, Any] = {}
    for name in ENCRYPTED_COLUMNS:
        is_secret = name == "password" or name in declared.secret_names | before.secret_names
        if is_secret and getattr(draft, name) == MASK:
            columns[name] = getattr(stored, name) if stored else ""
            if not columns[name]:
                errors[name] = NOTHING_STORED
    extra, wrong = _unmasked_extra(draft.extra, declared, stored=stored, before=before)
    if errors or wrong:
        raise InvalidConnection(errors | dict.fromkeys(wrong, NOTHING_STORED))
    return replace(draft, extra=extra, **columns)


def _unmasked_extra(
    extra: dict[str, Any], declared: ConnectionType, *, stored: Draft | None, before: ConnectionType
) -> tuple[dict[str, Any], list[str]]:
    """The extras, and the names of those where ``***`` stands for nothing."""
    old = stored.extra if stored else {}
    seen = redacted_extra(before, old)
    found: dict[str, Any] = {}
    wrong: list[str] = []
    for name, value in extra.items():
        is_plain = name in declared.plain_names
        try:
            found[name] = _restored(
                value,
                old.get(name, _ABSENT),
                seen.get(name, _ABSENT),
                is_secret=name in declared.secret_names
                or (not is_plain and is_secret_key_name(name)),
                looks_inside=not is_plain,
            )
        except LookupError:
            wrong.append(name)
    return found, wrong


def _restored(new: Any, old: Any, seen: Any, *, is_secret: bool, looks_inside: bool = True) -> Any:
    """``new`` with ``old`` where ``seen`` shows ``***``. Raise ``LookupError`` for nothing there.

    A ``***`` that never stood for a secret is three stars.
    """
    if new == MASK and isinstance(new, str):
        if seen == MASK and isinstance(seen, str):
            return old
        if is_secret:
            raise LookupError
    if not looks_inside:
        return new
    if isinstance(new, dict):
        return {
            key: _restored(
                item, _at(old, key), _at(seen, key), is_secret=is_secret or is_secret_key_name(key)
            )
            for key, item in new.items()
        }
    if isinstance(new, list):
        return [
            _restored(item, _at(old, index), _at(seen, index), is_secret=is_secret)
            for index, item in enumerate(new)
        ]
    return new


def _at(holder: Any, key: str | int) -> Any:
    if isinstance(holder, dict) and isinstance(key, str):
        return holder.get(key, _ABSENT)
    if isinstance(holder, list) and isinstance(key, int) and key < len(holder):
        return holder[key]
    return _ABSENT
