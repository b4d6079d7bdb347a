"""Reads the types of other packages that are installed, by their entry points.

A package that is broken must not stop Patchbay: whatever its code raises ends
here, as a problem that is told by a system check. No other module of the types
catches everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from connections.types.base import ConnectionType
from connections.types.soundness import wrong_declaration

GROUP = "patchbay.connection_types"
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Problem:
    """Why a package's types, or one of them, are not there."""

    package: str
    words: str


@dataclass(frozen=True)
class Offer:
    """What one package offers."""

    package: str
    types: tuple[ConnectionType, ...] = ()
    problem: str = ""


def offers(group: str, understand: Callable[[EntryPoint], Iterable[ConnectionType]]) -> list[Offer]:
    """What each package of the group offers, in the order of the packages' names."""
    found = [_offer(entry_point, understand) for entry_point in entry_points(group=group)]
    return sorted(found, key=lambda offer: offer.package)


def declared_by(entry_point: EntryPoint) -> Iterable[ConnectionType]:
    """An entry point is a type, several of them, or a function that returns either."""
    found: Any = entry_point.load()
    if callable(found):
        found = found()
    return (found,) if isinstance(found, ConnectionType) else found


def _offer(
    entry_point: EntryPoint, understand: Callable[[EntryPoint], Iterable[ConnectionType]]
) -> Offer:
    package = entry_point.dist.name if entry_point.dist else entry_point.value
    try:
        types = tuple(understand(entry_point))
        if words := next(filter(None, map(wrong_declaration, types)), ""):
            return Offer(package, problem=words[:LONGEST_WORDS])
        return Offer(package, tuple(replace(declared, origin=package) for declared in types))
    except Exception as error:
        return Offer(package, problem=f"{type(error).__name__}: {error}"[:LONGEST_WORDS])
