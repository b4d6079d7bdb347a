"""A file with one connection of each type, and a search for the secrets that stand in it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from connections.masking import encodings, secret_texts
from connections.uri import to_json
from connections.validation import Draft
from tests.connections.types.every_type import EVERY_TYPE, example_of, secrets_in

#: Secrets of the examples whose text also stands where it may be seen.
_SEEN_ELSEWHERE = {"zwei", "https://service.example.com/path"}
#: Every secret of the examples that may be a plain text holds this word, and nothing else does.
CANARY = "tulip"


@cache
def drafts() -> dict[str, Draft]:
    """``example_<type>`` of all 145, by ID."""
    return {draft.conn_id: draft for draft in map(example_of, EVERY_TYPE)}


def entries(*conn_types: str) -> dict[str, dict[str, Any]]:
    """In Airflow's JSON form, by ID; of these types, or of all."""
    wanted = [f"example_{name}" for name in conn_types or EVERY_TYPE]
    return {conn_id: to_json(drafts()[conn_id]) for conn_id in wanted}


def file_text(*conn_types: str) -> str:
    """As ``airflow connections export`` writes it."""
    return json.dumps(entries(*conn_types), indent=4)


@cache
def _needles() -> tuple[str, ...]:
    """What no text may hold: the secrets in all encodings, and every line of the keys."""
    texts = {CANARY}
    for draft in drafts().values():
        for value in secrets_in(draft).values():
            texts |= secret_texts(value)
    # A key file as a whole is made of what may be seen, too: its key stands there by itself.
    secrets = {text for text in texts - _SEEN_ELSEWHERE if not text.startswith("{")}
    found = {encoded for secret in secrets for encoded in encodings(secret)}
    shortest: list[str] = []
    for needle in sorted(found, key=len):
        if not any(each in needle for each in shortest):
            shortest.append(needle)
    return tuple(shortest)


def leaks(text: str, *more: str) -> list[str]:
    """What of the secrets, and of ``more`` of them, stands in ``text``."""
    own = {encoded for secret in more for encoded in encodings(secret)}
    return [needle for needle in (*_needles(), *own) if needle in text]
