"""What a connection type declares, and a connection as hooks see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from connections.types.values import truth

#: Fields that every connection has, beside ``extra``.
COLUMNS = ("host", "schema", "login", "password", "port")
#: Those of them that are stored encrypted, as extra is; the others must hold no secret.
ENCRYPTED_COLUMNS = ("login", "password", "schema")
#: The kinds of fields that hold data, as an object or a list or as the text of one.
JSON_KINDS = ("json", "json_value")


@dataclass(frozen=True)
class LoadedConnection:
    """A connection with its secrets in clear, as a hook gets it. Never stored, never shown.

    ``max_sessions`` is how many tasks may have a session of it at once; ``None``
    for any number. ``origin`` is empty for a stored connection, else the name of
    the environment variable that it comes from; such a one has version 0.
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
    max_sessions: int | None = None
    version: int = 0
    origin: str = ""


@dataclass(frozen=True)
class TypeField:
    """One field of a connection type.

    ``kind`` is text, secret, integer, number, boolean, json (an object),
    json_value (an object or a list), key_json (a key file, secret), pem (a
    private key or a certificate, of several lines) or lines (a text of several
    lines). ``types.values`` says what may be stored for each, and reads
    it. ``column`` names one of ``COLUMNS`` for a field that isn't kept in
    ``extra``; its ``name`` is the same. ``methods`` names the methods of
    authentication that the field belongs to; empty for a field of all methods.
    ``choices`` are the values of a text, where it has such, in any case; with
    ``is_open`` they are offered, and others are taken too. ``default`` is what
    counts where nothing is set: it is told, never stored. ``check`` gets the
    value as it is read, and returns the words of what is wrong with it, or an
    empty text.
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
    is_open: bool = False
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
    ``check`` looks at all values together (by field name, as they are read;
    ``None`` or an empty text for what isn't set) and returns the words of what
    is wrong, by field name. ``origin`` says who declares the type:
    ``patchbay``, ``catalogue``, the name of another package, or empty for a
    type that nothing here declares. ``preselected`` names the method that a new
    connection begins with, where it isn't the first that needs a login or a secret.
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
    preselected: str = ""

    def field(self, name: str) -> TypeField | None:
        return self._by_name.get(name)

    def field_of_extra(self, name: str) -> TypeField | None:
        """The field that an extra of this name is, also by its legacy name."""
        field = self._by_name.get(name)
        if field is None and self.legacy_prefix and name.startswith(self.legacy_prefix):
            field = self._by_name.get(name.removeprefix(self.legacy_prefix))
        return None if field is None or field.column else field

    @cached_property
    def _by_name(self) -> dict[str, TypeField]:
        return {field.name: field for field in self.fields}

    @property
    def is_known(self) -> bool:
        return bool(self.origin)

    @property
    def icon(self) -> str:
        """The name of its symbol in ``static/icons.svg``, by category."""
        return CATEGORIES.get(self.category, "type-generic")

    @property
    def secret_names(self) -> frozenset[str]:
        """The names of what is secret, also as old versions of Airflow stored it."""
        names = {field.name for field in self.fields if field.secret}
        legacy = {self.legacy_prefix + name for name in names} if self.legacy_prefix else set()
        return frozenset(names | legacy)

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
            if self.field_of_extra(name) and extra.get(name) in (None, "")
        }
        return {**extra, **known}

    def is_card(self, field: TypeField) -> bool:
        """Whether a boolean says nothing but that its method is chosen."""
        return field.kind == "boolean" and any(field.name in each.needs for each in self.methods)

    def is_unset(self, name: str, value: Any) -> bool:
        """Whether a field of this value counts as not set. 0 and a plain ``False`` are values."""
        field = self.field(name)
        is_off = field is not None and self.is_card(field) and truth(value) is False
        return value is None or value == "" or is_off

    def method_of(self, values: dict[str, Any]) -> str:
        """The method that ``values`` (by field name) use; the first that needs nothing if none."""
        for method in self.methods:
            if method.needs and not any(
                self.is_unset(name, values.get(name)) for name in method.needs
            ):
                return method.name
        return next((method.name for method in self.methods if not method.needs), "")


#: The groups of the form, in their order, with their headings.
GROUPS = {
    "target": "Target",
    "authentication": "Authentication",
    "network": "Network",
    "advanced": "Advanced",
}

#: The categories in the order of the form's catalogue, with the symbols of their types.
CATEGORIES = {
    "Cloud": "type-cloud",
    "Warehouse": "type-warehouse",
    "Database": "type-database",
    "Storage": "type-storage",
    "Compute": "type-compute",
    "Transfer": "type-transfer",
    "Messaging": "type-messaging",
    "Notification": "type-notification",
    "SaaS": "type-saas",
    "AI": "type-ai",
    "Generic": "type-generic",
    "Other": "type-generic",
}
