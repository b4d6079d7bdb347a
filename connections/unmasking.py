"""``***`` in what is sent: it stands for the secret that is stored in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connections.exceptions import InvalidConnection
from connections.masking import MASK, is_secret_key_name
from connections.redaction import hidden_columns, is_secret_extra, redacted_extra
from connections.types import type_of
from connections.types.base import ConnectionType
from connections.validation import Draft

NOTHING_STORED = "*** stands for a secret that is stored, and none is. Send the secret itself."
_ABSENT = object()


def unmasked(draft: Draft, *, stored: Draft | None) -> Draft:
    """``draft`` with the stored secrets in the places of ``***``.

    Raise ``InvalidConnection`` for each that has nothing stored to stand for.
    """
    declared = type_of(draft.conn_type)
    before = type_of(stored.conn_type) if stored else declared
    errors: dict[str, str] = {}
    columns: dict[str, Any] = {}
    for name in hidden_columns(declared) | hidden_columns(before):
        if getattr(draft, name) == MASK:
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
        try:
            found[name] = _restored(
                value,
                old.get(name, _ABSENT),
                seen.get(name, _ABSENT),
                is_secret=is_secret_extra(declared, name),
            )
        except LookupError:
            wrong.append(name)
    return found, wrong


def _restored(new: Any, old: Any, seen: Any, *, is_secret: bool) -> Any:
    """``new`` with ``old`` where ``seen`` shows ``***``. Raise ``LookupError`` for nothing there.

    A ``***`` that never stood for a secret is three stars.
    """
    if new == MASK and isinstance(new, str):
        if seen == MASK and isinstance(seen, str):
            return old
        if is_secret:
            raise LookupError
    if isinstance(new, dict):
        return {
            key: _restored(
                item, _at(old, key), _at(seen, key), is_secret=is_secret or is_secret_key_name(key)
            )
            for key, item in new.items()
        }
    if isinstance(new, list):
        places = [_place_of(item, seen, index, size=len(new)) for index, item in enumerate(new)]
        return [
            _restored(item, _at(old, place), _at(seen, place), is_secret=is_secret)
            for item, place in zip(new, places, strict=True)
        ]
    return new


def _place_of(item: Any, seen: Any, index: int, *, size: int) -> int:
    """Which element of the stored list ``item`` is; -1 where that isn't certain.

    Elements may be added, removed and moved: a secret must not go to another one.
    """
    if not isinstance(seen, list):
        return -1
    same = [place for place, element in enumerate(seen) if element == item]
    if len(seen) == size and (not same or index in same):
        return index
    return same[0] if len(same) == 1 else -1


def _at(holder: Any, key: str | int) -> Any:
    if isinstance(holder, dict) and isinstance(key, str):
        return holder.get(key, _ABSENT)
    if isinstance(holder, list) and isinstance(key, int) and 0 <= key < len(holder):
        return holder[key]
    return _ABSENT
