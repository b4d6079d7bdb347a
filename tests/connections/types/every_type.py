"""One plausible connection of each type, with every field set that can be set together.

Texts name their type and field, so that a value that ends up elsewhere is
seen; secrets hold what encodings trip over, and keys have several lines.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from connections.types import type_of
from connections.types.base import ConnectionType, TypeField
from connections.types.catalogue import catalogue
from connections.types.values import WrongKind, read
from connections.validation import Draft
from tests.connections.conftest import key_file
from tests.connections.types.cloud_examples import CLOUD_VALUES
from tests.connections.types.service_examples import SERVICE_VALUES

#: The 145 types of Airflow 3.3.2 and its providers.
EVERY_TYPE = tuple(declared.name for declared in catalogue())

#: Values that checks of first-class types take, where no plain text passes. The first that fits.
CANDIDATES: tuple[Any, ...] = (
    "https://service.example.com/path",
    "service.example.com",
    "/etc/patchbay/file.pem",
    "acme-reports",
    "eu-central-1",
    "reports@acme-reports.iam.gserviceaccount.com",
    "3f2b8c1e-6f0a-4a51-9d7e-0d3c1b2a4f5e",
    "AKIAIOSFODNN7EXAMPLE",
    "arn:aws:iam::123456789012:role/reports",
    "xoxb-1234567890-abcdefghij",
    "T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "default",
    "30",
    30,
    5,
    1,
)
SPECIAL: dict[tuple[str, str], Any] = {**CLOUD_VALUES, **SERVICE_VALUES}


@cache
def private_key() -> str:
    """A key in PEM, with all its lines."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _pem(key)


@cache
def openssh_key() -> str:
    return (
        ed25519.Ed25519PrivateKey.generate()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.OpenSSH,
            serialization.NoEncryption(),
        )
        .decode()
    )


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def example_of(conn_type: str) -> Draft:
    """The connection ``example_<type>``. Its extras end with two that nothing declares."""
    declared = type_of(conn_type)
    values = {
        field.name: value
        for field in _fields_together(declared)
        if (value := _value(declared, field)) is not None
    }
    extra = {
        "undeclared": {"texts": ["Grüße", "a\nb"], "on": True, "none": None},
        "undeclared_token": f"tulip {conn_type}",
    }
    draft = Draft(
        f"example_{conn_type}",
        conn_type,
        description=f"One of the type {declared.label}: 100 % plausible",
    ).with_values(declared, values)
    return Draft(**{**vars(draft), "extra": {**draft.extra, **extra}})


def secrets_in(draft: Draft) -> dict[str, Any]:
    """The values of the declared secret fields, by name."""
    declared = type_of(draft.conn_type)
    found = {
        field.name: getattr(draft, field.column) if field.column else draft.extra.get(field.name)
        for field in declared.fields
        if field.secret
    }
    return {name: value for name, value in found.items() if value}


def _fields_together(declared: ConnectionType) -> list[TypeField]:
    """The fields of one method of authentication (the first), and those of all."""
    method = declared.methods[0].name if declared.methods else ""
    return [field for field in declared.fields if not field.methods or method in field.methods]


def _value(declared: ConnectionType, field: TypeField) -> Any:
    if (declared.name, field.name) in SPECIAL:
        return SPECIAL[declared.name, field.name]
    own = _plain(declared, field)
    for value in (own, private_key(), openssh_key(), *CANDIDATES):
        if _is_right(field, value):
            return value
    raise AssertionError(f"{declared.name}.{field.name} takes none of the candidates")


def _is_right(field: TypeField, value: Any) -> bool:
    try:
        found = read(field.kind, value)
    except WrongKind:
        return False
    return field.check is None or not field.check(found)


def _plain(declared: ConnectionType, field: TypeField) -> Any:
    name = f"{declared.name}.{field.name}"
    plain: dict[str, Any] = {
        "integer": 7,
        "number": 2.5,
        "boolean": True,
        "json": {"name": name, "nested": {"list": [1, "zwei"]}},
        "json_value": [name, "zwei"],
        "key_json": json.dumps(key_file(), indent=2),
        "pem": private_key(),
        "lines": f"{name}\nsecond line\n",
        "secret": f"tulip {name} %/:@#?&=+ü",
    }
    if field.column == "port":
        return int(field.placeholder) if field.placeholder.isdecimal() else 4321
    if field.choices:
        return field.choices[-1]
    return plain.get(field.kind, "secret" if field.secret else name)
