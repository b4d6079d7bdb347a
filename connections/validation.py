"""Checks a connection before it is saved. Every door (form, admin, API, import) uses this.

Values are looked at by the field names of the type's declaration, wherever
they are stored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from access.moments import wrong_moment
from connections.exceptions import InvalidConnection
from connections.models import CONN_ID_MAX_LENGTH, CONN_ID_PATTERN, MOST_SESSIONS
from connections.types import type_of
from connections.types.base import COLUMNS, ConnectionType, LoadedConnection, TypeField
from connections.types.json_text import wrong_characters
from connections.types.validators import port_number
from connections.types.values import WrongKind, read, text, truth

LONGEST_DESCRIPTION = 5000
LONGEST = {"description": LONGEST_DESCRIPTION, "host": 500, "schema": 500}
LONGEST_CONN_TYPE = 500
WRONG_SESSIONS = f"A whole number from 1 to {MOST_SESSIONS:,}, or nothing for no limit."


@dataclass(frozen=True)
class Draft:
    """A connection as somebody wants it saved: everything, with its secrets in clear."""

    conn_id: str
    conn_type: str
    description: str = ""
    host: str = ""
    schema: str = ""
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    port: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    max_sessions: int | None = None
    is_disabled: bool = False
    expires_at: datetime | None = None

    def with_values(self, connection_type: ConnectionType, values: dict[str, Any]) -> Draft:
        """This draft with the type's fields set.

        A value that is unset is left out of extra, unless extra holds an unset one already. An
        extra under a legacy name stays while its value stays; another value goes by its new name.
        """
        before = values_of(self, connection_type)
        columns: dict[str, Any] = {}
        extra = dict(self.extra)
        for type_field in connection_type.fields:
            name, value = type_field.name, values.get(type_field.name)
            if type_field.column:
                columns[type_field.column] = value if type_field.column == "port" else value or ""
                continue
            legacy = connection_type.legacy_prefix + name
            if legacy != name and legacy in extra:
                if _is_same(value, before[name]):
                    continue
                del extra[legacy]
            if not connection_type.is_unset(name, value):
                extra[name] = value
            elif not connection_type.is_unset(name, extra.get(name)):
                del extra[name]
        return replace(self, extra=extra, **columns)


#: What a draft and a loaded connection both have.
_SHARED = tuple(
    each.name for each in fields(LoadedConnection) if each.name not in ("version", "origin")
)


def draft_from(loaded: LoadedConnection) -> Draft:
    """A draft of all that sessions use, that never expires."""
    return Draft(**{name: getattr(loaded, name) for name in _SHARED})


def loaded_from(draft: Draft) -> LoadedConnection:
    """The draft as a hook gets it, with version 0."""
    return LoadedConnection(**{name: getattr(draft, name) for name in _SHARED})


def _is_same(value: Any, other: Any) -> bool:
    """``1`` is not ``True``."""
    return value == other and type(value) is type(other)


def is_empty(value: Any) -> bool:
    """Whether a value chooses no method. 0 is a value; ``False`` chooses nothing."""
    return value is None or value is False or value == ""


def values_of(
    connection: LoadedConnection | Draft, connection_type: ConnectionType
) -> dict[str, Any]:
    """The values of the type's fields, by name; what stands under a legacy name counts too."""
    extra = connection_type.read(connection.extra)
    return {
        type_field.name: getattr(connection, type_field.column)
        if type_field.column
        else extra.get(type_field.name)
        for type_field in connection_type.fields
    }


def check(draft: Draft, *, before: Draft | None = None, is_moved: bool = False) -> None:
    """Raise ``InvalidConnection`` with words for each field that can't be right.

    How fields go together isn't refused where it was so ``before``, nor for a
    connection that ``is_moved`` from elsewhere, where it may have worked.
    """
    declared = type_of(draft.conn_type)
    values = values_of(draft, declared)
    errors, found = _check_fields(declared, values)
    together = {} if is_moved else _check_together(declared, values, found)
    if before is not None:
        known = doubts(before)
        together = {name: words for name, words in together.items() if known.get(name) != words}
    errors = together | errors | _check_stored(draft, declared)
    if words := wrong_conn_id(draft.conn_id):
        errors["conn_id"] = words
    if words := wrong_conn_type(draft.conn_type):
        errors["conn_type"] = words
    if errors:
        raise InvalidConnection(errors)


def check_values(connection_type: ConnectionType, values: dict[str, Any]) -> dict[str, str]:
    """The words of what is wrong, by field name; empty when all is well.

    The type's own look at all values together gets them as they are read, without the wrong ones.
    """
    errors, found = _check_fields(connection_type, values)
    return _check_together(connection_type, values, found) | errors


def doubts(draft: Draft) -> dict[str, str]:
    """What may not work in how the fields go together, by field name, each right by itself."""
    declared = type_of(draft.conn_type)
    values = values_of(draft, declared)
    errors, found = _check_fields(declared, values)
    together = _check_together(declared, values, found)
    return {name: words for name, words in together.items() if name not in errors}


def _check_fields(
    connection_type: ConnectionType, values: dict[str, Any]
) -> tuple[dict[str, str], dict[str, Any]]:
    """What is wrong with each value by itself, and the right ones as they are read."""
    errors: dict[str, str] = {}
    found: dict[str, Any] = {}
    for type_field in connection_type.fields:
        try:
            found[type_field.name] = _read(connection_type, type_field, values.get(type_field.name))
        except WrongKind as error:
            errors[type_field.name] = str(error)
            found[type_field.name] = None
    return errors, found


def _check_together(
    connection_type: ConnectionType, values: dict[str, Any], found: dict[str, Any]
) -> dict[str, str]:
    own = connection_type.check(found) if connection_type.check else {}
    return own | _check_methods(connection_type, values)


def wrong_conn_id(conn_id: str) -> str:
    """The words of what is wrong with an ID, or an empty text."""
    if not conn_id:
        return "A connection needs an ID: DAGs name it by this."
    if len(conn_id) > CONN_ID_MAX_LENGTH:
        return f"At most {CONN_ID_MAX_LENGTH} characters."
    if not re.match(CONN_ID_PATTERN, conn_id):
        return "Only letters, digits, dashes, dots and underscores."
    if not conn_id.strip("."):
        # Browsers take . and .. in an address for folders.
        return "An ID needs more than dots."
    return ""


def wrong_conn_type(conn_type: str) -> str:
    """The words of what no type is called, or an empty text. A type need not be declared."""
    if not conn_type:
        return "A connection needs a type."
    if len(conn_type) > LONGEST_CONN_TYPE:
        return f"At most {LONGEST_CONN_TYPE} characters."
    if re.search(r"\s|://", conn_type) or not conn_type.isprintable():
        return "A type has no spaces, no :// and no characters that can't be seen."
    return ""


def _check_stored(draft: Draft, declared: ConnectionType) -> dict[str, str]:
    """What the database or a URI can't hold, whatever the type says."""
    errors = {
        name: f"This can't be stored: {words}."
        for name in ("description", *COLUMNS)
        if (words := wrong_characters(getattr(draft, name)))
    }
    for name, value in draft.extra.items():
        if words := wrong_characters([name, value]) or _no_json(value):
            owner = declared.field_of_extra(name)
            errors[owner.name if owner else "extra"] = f"This can't be stored: {words}."
    for name, longest in LONGEST.items():
        if len(getattr(draft, name)) > longest:
            errors[name] = f"At most {longest} characters."
    if draft.port is not None and (words := port_number(draft.port)):
        errors["port"] = words
    if words := wrong_moment(draft.expires_at):
        errors["expires_at"] = words
    if draft.max_sessions is not None and not 1 <= draft.max_sessions <= MOST_SESSIONS:
        errors["max_sessions"] = WRONG_SESSIONS
    return errors


def _no_json(value: Any) -> str:
    """What keeps data of YAML or Python from being JSON, in words; empty if nothing does."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return "a number in it isn't finite"
    except TypeError:
        return "it holds something that JSON doesn't have"
    return ""


def _read(connection_type: ConnectionType, type_field: TypeField, value: Any) -> Any:
    """The value as it is used. Raise ``WrongKind`` with the words of what is wrong with it."""
    if connection_type.is_unset(type_field.name, value):
        if type_field.required:
            raise WrongKind("This is needed.")
        return value
    found = read(type_field.kind, value)
    choices = {choice.casefold() for choice in type_field.choices}
    if choices and not type_field.is_open and text(found).casefold() not in choices:
        raise WrongKind(f"One of: {', '.join(type_field.choices)}.")
    if type_field.check and (words := type_field.check(found)):
        raise WrongKind(words)
    return found


def _check_methods(connection_type: ConnectionType, values: dict[str, Any]) -> dict[str, str]:
    """Refuse two methods at once, and a method that lacks a field it needs."""
    methods = {method.name: method for method in connection_type.methods}
    chosen = methods.get(connection_type.method_of(values))
    errors: dict[str, str] = {}
    for type_field in connection_type.fields:
        owners = type_field.methods
        if not owners or (chosen and chosen.name in owners):
            continue
        if _chooses_nothing(type_field, values.get(type_field.name)):
            continue
        owner = methods[owners[0]]
        if chosen and chosen.needs:
            errors[type_field.name] = (
                f"This belongs to “{owner.label}”, but “{chosen.label}” is set too. "
                "Keep one of them."
            )
            continue
        for name in owner.needs:
            if connection_type.is_unset(name, values.get(name)):
                errors[name] = f"“{owner.label}” needs this."
    return errors


def _chooses_nothing(type_field: TypeField, value: Any) -> bool:
    return is_empty(value) or (type_field.kind == "boolean" and truth(value) is False)
