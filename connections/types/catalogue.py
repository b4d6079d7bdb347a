"""The types that are kept here and not run: Airflow's, from a data file.

Each entry of ``data/catalogue.json`` has the standard fields that the type
shows (what stands in another is kept all the same), and its extras. Its
choices are offered, not enforced: what Airflow takes must come in.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from connections.types.base import ConnectionType, TypeField
from connections.types.standard import STANDARD

DATA = Path(__file__).parent / "data" / "catalogue.json"
DOCS = "docs/connection-types.md#the-catalogue"
ORIGIN = "catalogue"


def catalogue() -> list[ConnectionType]:
    """Every type of the data file, also those that have a module of their own by now."""
    return [_type_of(entry) for entry in json.loads(DATA.read_text(encoding="utf-8"))]


def _type_of(entry: dict[str, Any]) -> ConnectionType:
    name, provider = entry["conn_type"], entry["provider"]
    shown = entry["fields"]
    columns = [replace(each, **shown[each.name]) for each in STANDARD if each.name in shown]
    return ConnectionType(
        name=name,
        label=entry["label"],
        category=entry["category"],
        description="Airflow's own" if provider == "core" else f"Airflow's provider {provider}",
        fields=(*columns, *map(_extra, entry["extra"])),
        docs=DOCS,
        legacy_prefix=entry.get("legacy_prefix", f"extra__{name}__"),
        origin=ORIGIN,
    )


def _extra(entry: dict[str, Any]) -> TypeField:
    choices = tuple(entry.get("choices", ()))
    return TypeField(**{**entry, "choices": choices}, is_open=bool(choices))
