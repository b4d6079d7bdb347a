"""A connection that somebody pasted as text, until its form is saved.

Its secrets never go to a page: the form holds a random handle, and what was
pasted waits, encrypted like a stored connection, in that person's own session.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import MutableMapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.fernet import InvalidToken

from connections.fields import Ciphertext
from connections.masking import MASK
from connections.types.base import LoadedConnection
from connections.types.json_text import NotJson, texts
from connections.types.json_text import parse as parse_json_text
from connections.uri import NotAConnection, parse, parse_json

LONGEST = 200_000
#: How long it is kept, in seconds, and how many of one session.
KEPT_FOR = 30 * 60
MOST = 5
IS_OVER = (
    "What was pasted is kept for 30 minutes, and that is over. Its secrets, and the extras that "
    "aren't shown, are gone: paste it again, or give them here."
)
SESSION_KEY = "pasted_connections"
_VARIABLE = re.compile(
    r"(?:export\s+)?(?:(?:AIRFLOW|PATCHBAY)_CONN_(?P<variable>\w+)|(?P<conn_id>[\w.-]+))"
    r"\s*=\s*(?=['\"{]|[A-Za-z][A-Za-z0-9+.-]*://)(?P<value>.+)",
    re.DOTALL,
)
#: What Airflow's REST API and command line say of a connection beside its JSON form.
_NAMES = ("connection_id", "conn_id")
_FACTS = ("id", "team_name", "is_encrypted", "is_extra_encrypted", "get_uri", "extra_dejson")


@dataclass(frozen=True)
class Pasted:
    """What was pasted, and the handle by which its form finds it again."""

    handle: str
    connection: LoadedConnection


def read(text: str) -> LoadedConnection:
    """A URI, Airflow's JSON, one entry of a file, or a line of a .env file.

    Raise ``NotAConnection``, whose words never repeat the text.
    """
    text = text.replace("\ufeff", "").replace("\0", "").strip()
    if len(text) > LONGEST:
        raise NotAConnection(f"It is too long: {LONGEST:,} characters are the most.")
    conn_id = ""
    if found := _VARIABLE.fullmatch(text):
        conn_id = found["conn_id"] or found["variable"].lower()
        text = _unquoted(found["value"].strip())
    connection = _of_json(text, conn_id) if text.startswith("{") else parse(text, conn_id=conn_id)
    fields = (connection.login, connection.password, connection.extra)
    if MASK in texts(fields):
        raise NotAConnection(
            f"Its secrets were redacted: {MASK} stands in their place. Export it with its secrets."
        )
    return connection


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if is_quoted else value


def _of_json(text: str, conn_id: str) -> LoadedConnection:
    try:
        data = parse_json_text(text)
    except NotJson:
        # Says it in words that repeat nothing.
        return parse(text, conn_id=conn_id)
    if not {"conn_type", "uri"} & set(data):
        if len(data) > 1 and all(isinstance(value, dict) for value in data.values()):
            raise NotAConnection(
                f"It holds {len(data)} connections. Paste one, or import it as a file."
            )
        if len(data) == 1:
            [(conn_id, data)] = data.items()
    if isinstance(data, str):
        return parse(data, conn_id=conn_id)
    if not isinstance(data, dict):
        raise NotAConnection("conn_type is missing.")
    named = next((data[name] for name in _NAMES if isinstance(data.get(name), str)), conn_id)
    rest = {name: value for name, value in data.items() if name not in (*_NAMES, *_FACTS)}
    return parse_json(rest, conn_id=named)


def keep(session: MutableMapping[str, Any], connection: LoadedConnection) -> str:
    """Put it into the session; return its handle."""
    kept = _fresh(session)
    handle = secrets.token_urlsafe(16)
    token = Ciphertext.of(json.dumps(asdict(connection))).token
    newest = dict(list(kept.items())[-(MOST - 1) :])
    session[SESSION_KEY] = {**newest, handle: [time.time() + KEPT_FOR, token]}
    return handle


def find(session: MutableMapping[str, Any], handle: str) -> Pasted | None:
    """What was pasted in this session under ``handle``, if it is still there."""
    _, token = _fresh(session).get(handle, (0, ""))
    try:
        return Pasted(handle, LoadedConnection(**json.loads(Ciphertext(token).decrypt())))
    except InvalidToken:
        return None


def forget(session: MutableMapping[str, Any], handle: str) -> None:
    session[SESSION_KEY] = {name: kept for name, kept in _fresh(session).items() if name != handle}


def _fresh(session: MutableMapping[str, Any]) -> dict[str, tuple[float, str]]:
    kept: dict[str, tuple[float, str]] = session.get(SESSION_KEY, {})
    return {handle: each for handle, each in kept.items() if each[0] > time.time()}
