"""One connection of a file: from its raw value to a draft, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from connections.portability.files import EnvValue, read_values
from connections.portability.yaml_text import Unquoted
from connections.types.json_text import NotJson
from connections.types.json_text import parse as parse_json_text
from connections.uri import (
    JSON_KEYS,
    NotAConnection,
    parse_json,
    parse_uri,
    survives_uri,
    to_json,
    to_uri,
)
from connections.validation import Draft, draft_from, wrong_conn_id

#: What a connection has here and not in Airflow. Airflow refuses an entry that has one, and so
#: never enables what is disabled.
OWN_KEYS = ("is_disabled", "expires_at", "max_sessions")
#: An extra with more levels is written as the text of its JSON.
_DEEPEST_OBJECT = 40
#: What Airflow's import of files takes beside the JSON form.
_FILE_KEYS = ("conn_id", "extra_dejson", "team_name")


@dataclass(frozen=True)
class Entry:
    """One connection of a file: a draft, or the ``problem`` why there is none.

    In a draft ``***`` may stand where a secret was redacted.
    """

    conn_id: str
    draft: Draft | None = field(repr=False)
    problem: str = ""


def read(text: str, *, file_format: str) -> list[Entry]:
    """Every connection in a file of one of ``FILE_FORMATS``. Raise ``Unreadable``."""
    values = read_values(text, file_format=file_format)
    return [entry_of(conn_id, value) for conn_id, value in values.items()]


def entry_of(conn_id: str, value: Any) -> Entry:
    """The entry of one raw value: a URI, an object, or the text of an object."""
    if words := wrong_conn_id(conn_id):
        return Entry(conn_id, None, words)
    try:
        return Entry(conn_id, _draft(conn_id, value))
    except NotAConnection as error:
        return Entry(conn_id, None, str(error))


def value_of(draft: Draft, *, serialization: str) -> Any:
    """A URI where that is asked for and can carry it all; else an object."""
    own = own_values(draft)
    if serialization == "uri" and not own and survives_uri(draft):
        return to_uri(draft)
    found = {**to_json(draft), **own}
    if _depth(draft.extra) > _DEEPEST_OBJECT:
        # Around it come the levels of the file, which counts them too.
        found["extra"] = json.dumps(draft.extra, ensure_ascii=False)
    return found


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


def own_values(draft: Draft) -> dict[str, Any]:
    found: dict[str, Any] = {"is_disabled": True} if draft.is_disabled else {}
    if draft.expires_at is not None:
        found["expires_at"] = draft.expires_at.isoformat()
    if draft.max_sessions is not None:
        found["max_sessions"] = draft.max_sessions
    return found


def _draft(conn_id: str, value: Any) -> Draft:
    is_variable = isinstance(value, EnvValue) and value.is_variable
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse_json_text(value)
        except NotJson:
            # The words of the parser may repeat a name; those of the JSON form never do.
            value = str(value)
            parse_json(value)
    if isinstance(value, str):
        return draft_from(parse_uri(value, conn_id=conn_id))
    if not isinstance(value, Mapping):
        raise NotAConnection("It is neither a URI nor an object with the connection's fields.")
    return _draft_of_object(conn_id, dict(value), keep_type=not is_variable)


def _draft_of_object(conn_id: str, value: dict[str, Any], *, keep_type: bool) -> Draft:
    _refuse_unquoted(value)
    disabled, expires = value.pop("is_disabled", False), value.pop("expires_at", None)
    most = value.pop("max_sessions", None)
    if not isinstance(disabled, bool):
        raise NotAConnection("is_disabled is neither true nor false.")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool)):
        raise NotAConnection("max_sessions is not a whole number.")
    if value.pop("conn_id", conn_id) != conn_id:
        raise NotAConnection("Its conn_id is another than the name it stands under.")
    if value.pop("team_name", None):
        raise NotAConnection("Teams of Airflow aren't taken over. Remove team_name.")
    if "extra_dejson" in value:
        if "extra" in value:
            raise NotAConnection("It has extra and extra_dejson. Give one of them.")
        value["extra"] = value.pop("extra_dejson")
    loaded = parse_json(value, conn_id=conn_id, keep_type=keep_type)
    return replace(
        draft_from(loaded),
        is_disabled=disabled,
        expires_at=_moment(expires),
        max_sessions=most,
    )


def _refuse_unquoted(value: dict[str, Any]) -> None:
    """YAML would make of such a value something else than what is written."""
    for name, item in value.items():
        if isinstance(item, Unquoted) or (
            name in JSON_KEYS and name not in ("port", "extra") and not isinstance(item, str | None)
        ):
            known = name if name in (*JSON_KEYS, *OWN_KEYS, *_FILE_KEYS) else "A value"
            raise NotAConnection(f"{known} is not a text. Put it in quotes.")
        if _holds_unquoted(item):
            raise NotAConnection(
                "A value in extra is read by YAML as something else than it says. Put it in quotes."
            )


def _holds_unquoted(value: Any) -> bool:
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, Unquoted):
            return True
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not timezone.is_aware(found):
        raise NotAConnection(
            "expires_at is not a moment with its time zone, such as 2027-01-31T00:00:00+00:00."
        )
    return found
