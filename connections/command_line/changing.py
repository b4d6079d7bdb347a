"""``add``, ``edit``, ``delete``: from the flags to a draft."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from access.audit import Actor
from connections.command_line.session import (
    STDIN,
    failed,
    read_text,
    words_of,
    wrong_usage,
)
from connections.dependents import dependents_of
from connections.exceptions import InvalidConnection, SecretsUnreadable
from connections.models import Connection
from connections.services import change_connection, create_connection, delete_connection
from connections.types import type_of
from connections.types.json_text import NotJson, parse
from connections.unmasking import unmasked
from connections.uri import NotAConnection, parse_json, parse_uri
from connections.validation import Draft, draft_from

#: The flags that set one field each, by the field.
FLAGS = {
    "conn_type": "conn_type",
    "description": "conn_description",
    "host": "conn_host",
    "login": "conn_login",
    "password": "conn_password",
    "schema": "conn_schema",
    "port": "conn_port",
}
_UNSET: dict[str, Any] = {
    **dict.fromkeys(("description", "host", "login", "password", "schema"), ""),
    "port": None,
    "extra": {},
    "expires_at": None,
    "max_sessions": None,
}


def add(options: dict[str, Any]) -> str:
    """Create a connection of a URI, of JSON, or of its parts."""
    if not (options["conn_uri"] or options["conn_json"] or options["conn_type"]):
        wrong_usage("Give --conn-type, --conn-uri or --conn-json.")
    conn_id = options["conn_id"]
    change = _change(options)
    try:
        draft = change(Draft(conn_id, ""))
        create_connection(unmasked(draft, stored=None), actor=Actor.of_command_line())
    except InvalidConnection as error:
        failed(words_of(error))
    return f"{conn_id} is added: {type_of(draft.conn_type).label}."


def edit(options: dict[str, Any]) -> str:
    """Set what the flags name, and leave the rest as it is."""
    conn_id = options["conn_id"]
    change = _change(options)
    before = Connection.objects.filter(conn_id=conn_id).values_list("version", flat=True).first()
    try:
        changed = change_connection(
            conn_id,
            lambda stored: unmasked(change(stored), stored=stored),
            actor=Actor.of_command_line(),
        )
    except Connection.DoesNotExist:
        failed(f"There is no connection {conn_id}.")
    except (InvalidConnection, SecretsUnreadable) as error:
        failed(words_of(error))
    if changed.version == before:
        return f"{conn_id} was like that already."
    return f"{conn_id} is changed: version {changed.version}."


def delete(options: dict[str, Any]) -> str:
    """Delete connections, all or none; what something depends on, only with ``--yes``."""
    conn_ids = list(dict.fromkeys(options["conn_id"]))
    with transaction.atomic():
        _delete(conn_ids, is_sure=options["yes"])
    return "\n".join(f"{conn_id} is deleted." for conn_id in conn_ids)


def _delete(conn_ids: list[str], *, is_sure: bool) -> None:
    rows = Connection.objects.select_for_update().filter(conn_id__in=conn_ids).order_by("conn_id")
    there = set(rows.values_list("conn_id", flat=True))
    if missing := [conn_id for conn_id in conn_ids if conn_id not in there]:
        failed(f"There is no connection {missing[0]}. Nothing was deleted.")
    used = {conn_id: found for conn_id, found in dependents_of(conn_ids).items() if found}
    if used and not is_sure:
        lines = [
            f"{conn_id} is used by {', '.join(f'{each.kind} {each.name}' for each in found)}."
            for conn_id, found in used.items()
        ]
        failed("\n".join((*lines, "Nothing was deleted. Give --yes to delete all the same.")))
    for conn_id in conn_ids:
        delete_connection(conn_id, actor=Actor.of_command_line())


def _change(options: dict[str, Any]) -> Callable[[Draft], Draft]:
    """What the flags ask for. Everything is read and refused here, before anything is written."""
    _refuse_two_of_stdin(options)
    if options["conn_uri"] and options["conn_json"]:
        wrong_usage("Give --conn-uri or --conn-json, not both.")
    whole = _whole(options)
    single = {field: options[flag] for field, flag in FLAGS.items() if options[flag] is not None}
    single |= {"password": text} if (text := _password(options)) is not None else {}
    if whole and (wrong := [name for name in single if name != "description"]):
        flag = FLAGS[wrong[0]].replace("_", "-")
        wrong_usage(f"--{flag} doesn't go with --conn-uri or --conn-json.")
    if options["disabled"] is not None:
        single["is_disabled"] = options["disabled"]
    if options["expires_at"] is not None:
        single["expires_at"] = _moment(options["expires_at"])
    if options["max_sessions"] is not None:
        single["max_sessions"] = options["max_sessions"]
    unset = _unset(options)
    new_extra, extras = _extra(options), _extras(options)

    def change(stored: Draft) -> Draft:
        draft = stored
        if whole is not None:
            draft = replace(
                whole,
                conn_id=stored.conn_id,
                is_disabled=stored.is_disabled,
                expires_at=stored.expires_at,
                max_sessions=stored.max_sessions,
            )
        extra = draft.extra if new_extra is None else new_extra
        columns = {name: value for name, value in unset.items() if "." not in name}
        extra = columns.pop("extra", extra)
        gone = [name.removeprefix("extra.") for name in unset]
        extra = {name: value for name, value in {**extra, **extras}.items() if name not in gone}
        return replace(draft, **{**columns, **single, "extra": extra})

    return change


def _whole(options: dict[str, Any]) -> Draft | None:
    try:
        if options["conn_uri"]:
            return draft_from(parse_uri(_given(options["conn_uri"])))
        if options["conn_json"]:
            return draft_from(parse_json(_given(options["conn_json"])))
    except NotAConnection as error:
        flag = "--conn-uri" if options["conn_uri"] else "--conn-json"
        wrong_usage(f"{flag}: {error}")
    return None


def _given(value: str) -> str:
    return read_text(STDIN) if value == STDIN else value


def _password(options: dict[str, Any]) -> str | None:
    if options["conn_password_file"]:
        # The line break at the end of a file is the editor's, not the password's.
        return read_text(options["conn_password_file"]).rstrip("\r\n")
    if not options["ask_password"]:
        return None
    if not sys.stdin.isatty():
        wrong_usage("There is no terminal to ask for a password: use --conn-password-file -.")
    return getpass.getpass("Password: ")


def _extra(options: dict[str, Any]) -> dict[str, Any] | None:
    if options["conn_extra"] is None:
        return None
    text = _given(options["conn_extra"])
    try:
        found = parse(text) if text.strip() else {}
    except NotJson:
        wrong_usage("--conn-extra is not JSON.")
    if not isinstance(found, dict):
        wrong_usage("--conn-extra is not a JSON object.")
    return found


def _extras(options: dict[str, Any]) -> dict[str, Any]:
    """Of ``--extra NAME=TEXT``, ``--extra-json NAME=JSON`` and ``--extra-file NAME=FILE``."""
    found: dict[str, Any] = {}
    for pair in options["extra"]:
        name, text = _pair(pair, "--extra NAME=TEXT")
        found[name] = text
    for pair in options["extra_json"]:
        name, text = _pair(pair, "--extra-json NAME=JSON")
        try:
            found[name] = parse(text)
        except NotJson:
            wrong_usage("The value of an --extra-json is not JSON.")
    for pair in options["extra_file"]:
        name, path = _pair(pair, "--extra-file NAME=FILE")
        found[name] = read_text(path)
    return found


def _pair(text: str, wanted: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        wrong_usage(f"Write {wanted}.")
    return name, value


def _unset(options: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in options.get("unset", []):
        if name not in _UNSET and not name.startswith("extra."):
            wrong_usage(f"--unset takes {', '.join(_UNSET)} or extra.NAME.")
        found[name] = _UNSET.get(name)
    return found


def _moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None or not timezone.is_aware(found):
        wrong_usage("--expires-at takes a moment with its time zone: 2027-01-31T00:00:00+00:00.")
    return found


def _refuse_two_of_stdin(options: dict[str, Any]) -> None:
    given = [
        options[name] for name in ("conn_uri", "conn_json", "conn_extra", "conn_password_file")
    ]
    given += [pair.partition("=")[2] for pair in options["extra_file"]]
    if given.count(STDIN) > 1:
        wrong_usage("Standard input can be read once: only one flag may have -.")
