"""What a connection type declares, and a connection as hooks see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Fields that every connection has, beside ``extra``.
COLUMNS = ("host", "schema", "login", "password", "port")


@dataclass(frozen=True)
class LoadedConnection:
    """A connection with its secrets in clear, as a hook gets it. Never stored, never shown."""

    conn_id: str
    conn_type: str
    description: str = ""
    host: str = ""
    schema: str = ""
    login: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    port: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)
    version: int = 0


@dataclass(frozen=True)
class TypeField:
    """One field of a connection type.

    ``kind`` is text, secret, integer, number, boolean, json, key_json or
    lines. ``column`` names one of ``COLUMNS`` for a field that isn't kept in
    ``extra``. ``methods`` names the methods of authentication that the field
    belongs to; empty for a field of all methods. ``check`` returns the words
    of what is wrong with a value, or an empty text.
    """

    name: str
    label: str
    kind: str = "text"
    group: str = "target"
    column: str = ""
    methods: tuple[str, ...] = ()
    secret: bool = False
    required: bool = False
    placeholder: str = ""
    help: str = ""
    check: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Method:
    """One way to authenticate: a card on the form. ``needs`` are fields required for it."""

    name: str
    label: str
    help: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class ConnectionType:
    """A type of connection: all that the form, the API and the masking must know of it.

    ``hook`` names the class that opens sessions, as ``module:class``; it is
    imported when the first session is opened. Empty for a type that is only kept.
    ``legacy_prefix`` stands before the names of extras that old versions of
    Airflow stored; such extras are read, and stay stored as they are.
    """

    name: str
    label: str
    category: str
    description: str
    fields: tuple[TypeField, ...]
    methods: tuple[Method, ...] = ()
    hook: str = ""
    docs: str = ""
    legacy_prefix: str = ""

    def field(self, name: str) -> TypeField | None:
        return next((field for field in self.fields if field.name == name), None)

    @property
    def secret_names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields if field.secret)

    def read(self, extra: dict[str, Any]) -> dict[str, Any]:
        """``extra`` for a hook: a legacy name counts where the name itself is not set."""
        if not self.legacy_prefix:
            return extra
        legacy = {
            name.removeprefix(self.legacy_prefix): value
            for name, value in extra.items()
            if name.startswith(self.legacy_prefix)
        }
        known = {
            name: value
            for name, value in legacy.items()
            if self.field(name) and extra.get(name) in (None, "")
        }
        return {**extra, **known}

    def method_of(self, values: dict[str, Any]) -> str:
        """The method that ``values`` (by field name) use; the first that needs nothing if none."""
        for method in self.methods:
            if method.needs and all(values.get(name) for name in method.needs):
                return method.name
        return next((method.name for method in self.methods if not method.needs), "")


#: The groups of the form, in their order, with their headings.
GROUPS = {
    "target": "Target",
    "authentication": "Authentication",
    "network": "Network",
    "advanced": "Advanced",
}
