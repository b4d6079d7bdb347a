"""What uses a connection. Who uses connections registers here; this app knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Dependent:
    """One thing that names a connection, for example a DAG."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True)
class Use:
    """One time that a connection was fetched: by what, when, and in which version."""

    name: str
    part: str
    url: str
    at: datetime
    version: int | None
    state: str


@dataclass(frozen=True)
class Usage:
    """All about the use of one connection: ``parts`` are, by dependent, those that name it."""

    parts: dict[str, tuple[str, ...]]
    latest: tuple[Use, ...]


@dataclass(frozen=True)
class Refused:
    """The last time that a connection was asked for in vain, if nothing since has put it right."""

    part: str
    url: str
    at: datetime


@dataclass(frozen=True)
class Provider:
    """One who uses connections. Each answer takes the same number of queries, however many ask.

    ``dependents`` tells for each of the conn_ids what depends on it, ``used_ids``
    names every conn_id that something depends on, and ``last_used`` when each of
    the conn_ids was last fetched for use; those that never were are left out.
    ``usage`` and ``refused`` tell more of one.
    """

    dependents: Callable[[Iterable[str]], dict[str, list[Dependent]]]
    used_ids: Callable[[], set[str]]
    last_used: Callable[[Iterable[str]], dict[str, datetime]]
    usage: Callable[[str], Usage]
    refused: Callable[[str], Refused | None]


_providers: list[Provider] = []


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def dependents_of(conn_ids: Iterable[str]) -> dict[str, list[Dependent]]:
    """What depends on each of ``conn_ids``; every one of them is a key of the answer."""
    found: dict[str, list[Dependent]] = {conn_id: [] for conn_id in conn_ids}
    for provider in _providers:
        for conn_id, dependents in provider.dependents(list(found)).items():
            found[conn_id].extend(dependents)
    return found


def used_ids() -> set[str]:
    """Every conn_id that something depends on, whether there is such a connection or not."""
    return set().union(*(provider.used_ids() for provider in _providers))


def last_used(conn_ids: Iterable[str]) -> dict[str, datetime]:
    """When each of ``conn_ids`` was last fetched for use; those that never were are left out."""
    asked = list(conn_ids)
    found: dict[str, datetime] = {}
    for provider in _providers:
        for conn_id, moment in provider.last_used(asked).items():
            found[conn_id] = max(moment, found.get(conn_id, moment))
    return found


def usage_of(conn_id: str) -> Usage:
    """Who names ``conn_id``, in which parts, and when it was fetched last."""
    found = [provider.usage(conn_id) for provider in _providers]
    parts = {name: each for usage in found for name, each in usage.parts.items()}
    latest = sorted((use for usage in found for use in usage.latest), key=lambda use: use.at)
    return Usage(parts, tuple(reversed(latest)))


def refused_of(conn_id: str) -> Refused | None:
    """Who last asked for ``conn_id`` in vain; ``None`` where it went well since."""
    found = [refused for provider in _providers if (refused := provider.refused(conn_id))]
    return max(found, key=lambda refused: refused.at, default=None)
