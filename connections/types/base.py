"""What a connection type declares, and a connection as hooks see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

#: Fields that every connection has, beside ``extra``.
COLUMNS = ("host", "schema", "login", "password", "port")


@dataclass(frozen=True)
class LoadedConnection:
    """A connection with its secrets in clear, as a hook gets it. Never stored, never shown.

    ``origin`` is empty for a stored connection, else the name of the
    environment variable that it comes from; such a one has version 0.
    """

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
    origin: str = ""


@dataclass(frozen=True)
class TypeField:
    """One field of a connection type.

    ``kind`` is text, secret, integer, number, boolean, json (an object),
    key_json (a key file, secret), pem (a private key or certificate, several
    lines) or lines. ``column`` names one of ``COLUMNS`` for a field that isn't
    kept in ``extra``; its ``name`` is the same. ``methods`` names the methods
    of authentication that the field belongs to; empty for a field of all
    methods. ``choices`` are the only values of a text, where it has such.
    ``default`` is what counts where nothing is set: it is told, never stored.
    ``check`` returns the words of what is wrong with a value, or an empty text.
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
    default: str = ""
    choices: tuple[str, ...] = ()
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
    ``check`` looks at all values together (by field name) and returns the words
    of what is wrong, by field name. ``origin`` says who declares the type:
    ``patchbay``, ``catalogue``, the name of another package, or empty for a
    type that nothing here declares.
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
    check: Callable[[dict[str, Any]], dict[str, str]] | None = None
    origin: str = "patchbay"

    def field(self, name: str) -> TypeField | None:
        return next((field for field in self.fields if field.name == name), None)

    @property
    def is_known(self) -> bool:
        return bool(self.origin)

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
