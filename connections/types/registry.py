"""Finds the declaration of a connection type by Airflow's ``conn_type``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module

from connections.types import packages, providers
from connections.types.base import CATEGORIES, ConnectionType
from connections.types.catalogue import catalogue
from connections.types.packages import Problem, offers
from connections.types.standard import STANDARD

#: The types that have a module of their own here, named like the type; it holds the
#: declaration as a constant of the same name in capitals.
FIRST_CLASS = (
    "google_cloud_platform",
    "gcpbigquery",
    "aws",
    "azure",
    "wasb",
    "postgres",
    "mysql",
    "mssql",
    "redshift",
    "snowflake",
    "databricks",
    "trino",
    "sqlite",
    "http",
    "ssh",
    "sftp",
    "slack",
    "slackwebhook",
    "smtp",
    "redis",
    "mongo",
    "kafka",
    "elasticsearch",
    "docker",
    "kubernetes",
    "github",
)


def first_class(name: str) -> ConnectionType:
    """The declaration in the type's own module."""
    declared = getattr(import_module(f"connections.types.{name}"), name.upper())
    assert isinstance(declared, ConnectionType)
    return declared


class Registry(Mapping[str, ConnectionType]):
    """Every declared type by its name. Read when the first type is asked for.

    A first-class type is never replaced. A package may replace an entry of the
    catalogue, which is only kept; an Airflow provider adds what is new.
    """

    @property
    def _types(self) -> dict[str, ConnectionType]:
        return self._found[0]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with packages that offer types, for a system check and the types page."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[dict[str, ConnectionType], tuple[Problem, ...]]:
        extensions = offers(packages.GROUP, packages.declared_by)
        airflows = offers(providers.GROUP, providers.declared_by)
        told = [offer for offer in (*extensions, *airflows) if offer.problem]
        problems = [Problem(offer.package, offer.problem) for offer in told]
        found = {name: first_class(name) for name in FIRST_CLASS}
        for declared in (each for offer in extensions for each in offer.types):
            taken = found.setdefault(declared.name, declared)
            if taken is not declared:
                words = f"the type {declared.name} is declared by {taken.origin} already"
                problems.append(Problem(declared.origin, words))
        for declared in (*catalogue(), *(each for offer in airflows for each in offer.types)):
            found.setdefault(declared.name, declared)
        return found, tuple(problems)

    def __getitem__(self, name: str) -> ConnectionType:
        return self._types[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)

    def by_category(self) -> list[tuple[str, list[ConnectionType]]]:
        """The types of each category by label; those of no category of ours are in Other."""
        groups: dict[str, list[ConnectionType]] = {name: [] for name in CATEGORIES}
        for declared in sorted(self.values(), key=lambda each: each.label.casefold()):
            groups.get(declared.category, groups["Other"]).append(declared)
        return [(name, types) for name, types in groups.items() if types]


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
