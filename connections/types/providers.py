"""Reads the connection types of Airflow's provider packages that are installed.

Each tells of itself in a dict, by an entry point; see "Provider packages" in
Airflow's documentation. Neither Airflow nor a hook is imported for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from connections.masking import is_secret_key_name
from connections.types.base import ConnectionType, TypeField
from connections.types.standard import STANDARD
from connections.types.values import text

GROUP = "apache_airflow_provider"
DOCS = "docs/connection-types.md#airflows-provider-packages"

#: JSON Schema's types -> our kinds.
_KINDS = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "object": "json",
    "array": "json_value",
}


def declared_by(entry_point: EntryPoint) -> Iterator[ConnectionType]:
    """The types of one provider package. Raises whatever its code or a wrong dict raises."""
    info = _loaded(entry_point)()
    for entry in info.get("connection-types") or ():
        yield _type_of(entry, info.get("name") or info["package-name"])


def _loaded(entry_point: EntryPoint) -> Any:
    if entry_point.module.split(".")[0] != "airflow":
        return entry_point.load()
    # Importing it by its name would import Airflow, where that is installed.
    path = _file_of(entry_point)
    spec = spec_from_file_location(f"provider_info_of_{entry_point.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return reduce(getattr, entry_point.attr.split("."), module)


def _file_of(entry_point: EntryPoint) -> Path:
    name = entry_point.module.replace(".", "/")
    places = [*([entry_point.dist.locate_file("")] if entry_point.dist else []), *sys.path]
    for place in places:
        for ending in (".py", "/__init__.py"):
            path = Path(str(place), name + ending)
            if path.is_file():
                return path
    raise ModuleNotFoundError(f"there is no file for {entry_point.module}")


def _type_of(entry: dict[str, Any], provider: str) -> ConnectionType:
    name = entry["connection-type"]
    behaviour = entry.get("ui-field-behaviour") or {}
    extras = (_extra(*each) for each in (entry.get("conn-fields") or {}).items())
    fields = _with_behaviour((*STANDARD, *extras), behaviour)
    return ConnectionType(
        name=name,
        label=entry.get("hook-name") or name,
        category="Other",
        description=f"Airflow's provider {provider}",
        fields=tuple(fields),
        docs=DOCS,
        legacy_prefix=f"extra__{name}__",
    )


def _with_behaviour(fields: Iterable[TypeField], behaviour: dict[str, Any]) -> Iterator[TypeField]:
    hidden = behaviour.get("hidden-fields") or ()
    labels = behaviour.get("relabeling") or {}
    placeholders = behaviour.get("placeholders") or {}
    for field in fields:
        if field.name not in hidden:
            yield replace(
                field,
                label=labels.get(field.name, field.label),
                placeholder=placeholders.get(field.name, field.placeholder),
            )


def _extra(name: str, entry: dict[str, Any]) -> TypeField:
    """An extra. It is never required: Airflow enforces none of it either."""
    schema = entry.get("schema") or {}
    kinds = schema.get("type") or "string"
    kind = next((each for each in _listed(kinds) if each != "null"), "string")
    ours = _KINDS.get(kind, "text")
    is_long = schema.get("format") == "multiline"
    is_secret = ours == "text" and (schema.get("format") == "password" or is_secret_key_name(name))
    default, choices = schema.get("default"), schema.get("enum") or ()
    if ours == "text":
        ours = ("pem" if is_secret else "lines") if is_long else "secret" if is_secret else "text"
    return TypeField(
        name,
        entry.get("label") or schema.get("title") or name,
        kind=ours,
        group="authentication" if is_secret else "target",
        secret=is_secret,
        help=entry.get("description") or "",
        default="" if default is None or is_secret or isinstance(default, dict) else text(default),
        choices=tuple(text(each) for each in choices if each is not None) if ours == "text" else (),
        is_open=True,
    )


def _listed(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds
