"""A connection that somebody pasted as text, until its form is saved.

Its secrets never go to a page: the form holds a random handle, and what was
pasted is parked, encrypted like a stored connection.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from connections import parking
from connections.exceptions import SecretsUnreadable
from connections.masking import MASK
from connections.portability.files import read_line
from connections.types.base import LoadedConnection
from connections.types.json_text import NotJson, texts
from connections.types.json_text import parse as parse_json_text
from connections.uri import NotAConnection, parse, parse_json
from connections.validation import wrong_conn_id

LONGEST = 200_000
IS_OVER = (
    f"What was pasted is kept for {parking.KEPT_MINUTES} minutes, and that is over. Its secrets, "
    "and the extras that aren't shown, are gone: paste it again, or give them here."
)
PURPOSE = "paste"
#: What isn't taken for a line of a .env file: a URI, whose query may well have a "=".
_VALUE = re.compile(r"\s*(?:[\"'{]|[A-Za-z][A-Za-z0-9+.-]*://).+", re.DOTALL)
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
    conn_id, text = _of_line(text) or ("", text)
    connection = _of_json(text, conn_id) if text.startswith("{") else parse(text, conn_id=conn_id)
    fields = (connection.login, connection.password, connection.extra)
    if MASK in texts(fields):
        raise NotAConnection(
            f"Its secrets were redacted: {MASK} stands in their place. Export it with its secrets."
        )
    return connection


def _of_line(text: str) -> tuple[str, str] | None:
    """The ID and the value of a line of a .env file."""
    found = read_line(text)
    if found is None or wrong_conn_id(found[0]):
        return None
    is_connection = _VALUE.fullmatch(text.partition("=")[2])
    return found if is_connection else None


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


def keep(connection: LoadedConnection, *, user: Any) -> str:
    """Park it; return the handle."""
    return parking.park(json.dumps(asdict(connection)), user=user, purpose=PURPOSE)


def find(handle: str, *, user: Any) -> Pasted | None:
    """What ``user`` pasted under ``handle``, if it is still there and can be read."""
    try:
        text = parking.unpark(handle, user=user, purpose=PURPOSE)
    except SecretsUnreadable:
        return None
    return Pasted(handle, LoadedConnection(**json.loads(text))) if text else None


def forget(handle: str, *, user: Any) -> None:
    parking.forget(handle, user=user)
