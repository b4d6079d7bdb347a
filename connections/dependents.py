"""What uses a connection. Who uses connections registers here; this app knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Dependent:
    """One thing that names a connection, for example a DAG."""

    kind: str
    name: str
    url: str


#: Given conn_ids, tells for each of them what depends on it.
Provider = Callable[[Iterable[str]], dict[str, list[Dependent]]]
_providers: list[Provider] = []


def register(provider: Provider) -> None:
    if provider not in _providers:
        _providers.append(provider)


def dependents_of(conn_ids: Iterable[str]) -> dict[str, list[Dependent]]:
    """What depends on each of ``conn_ids``; every one of them is a key of the answer."""
    found: dict[str, list[Dependent]] = {conn_id: [] for conn_id in conn_ids}
    for provider in _providers:
        for conn_id, dependents in provider(list(found)).items():
            found[conn_id].extend(dependents)
    return found
