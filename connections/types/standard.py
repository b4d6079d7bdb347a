"""The five fields that every connection can have, for declarations to take and to rename."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connections.types.base import TypeField
from connections.types.validators import port_number

_HOST = TypeField("host", "Host", column="host")
_SCHEMA = TypeField("schema", "Schema", column="schema")
_PORT = TypeField("port", "Port", kind="integer", column="port", check=port_number)
_LOGIN = TypeField("login", "Login", group="authentication", column="login")
_PASSWORD = TypeField(
    "password", "Password", kind="secret", group="authentication", column="password", secret=True
)
STANDARD = (_HOST, _SCHEMA, _PORT, _LOGIN, _PASSWORD)


def host(**changes: Any) -> TypeField:
    return replace(_HOST, **changes)


def schema(**changes: Any) -> TypeField:
    return replace(_SCHEMA, **changes)


def port(**changes: Any) -> TypeField:
    return replace(_PORT, **changes)


def login(**changes: Any) -> TypeField:
    return replace(_LOGIN, **changes)


def password(**changes: Any) -> TypeField:
    return replace(_PASSWORD, **changes)
