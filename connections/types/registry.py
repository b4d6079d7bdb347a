"""Finds the declaration of a connection type by Airflow's ``conn_type``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from connections.types.base import ConnectionType
from connections.types.google_cloud_platform import GOOGLE_CLOUD_PLATFORM
from connections.types.standard import STANDARD

FIRST_CLASS = (GOOGLE_CLOUD_PLATFORM,)


class Registry(Mapping[str, ConnectionType]):
    """Every declared type by its name. Read when the first type is asked for."""

    @cached_property
    def _types(self) -> dict[str, ConnectionType]:
        return {each.name: each for each in FIRST_CLASS}

    def __getitem__(self, name: str) -> ConnectionType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


TYPES = Registry()


def type_of(name: str) -> ConnectionType:
    """The declaration of a type; for one that nothing declares, its five standard fields."""
    return TYPES.get(name) or ConnectionType(
        name=name,
        label=f"{name} (unknown type)",
        category="Other",
        description="Nothing here declares this type. It is kept as it is.",
        fields=STANDARD,
        origin="",
    )
