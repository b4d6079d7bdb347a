"""Reads the operators of other packages that are installed, by their entry points.

A package that is broken must not stop Patchbay: whatever its code raises ends
here, as a problem that is told by a system check. No other module of the
operators catches everything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tasks.operators import base
from tasks.operators.base import Operator
from tasks.operators.soundness import wrong_declaration

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "patchbay.operators"
LONGEST_WORDS = 300
PROJECT = str(Path(__file__).absolute().parents[2])


@dataclass(frozen=True)
class Problem:
    """Why a package's operators, or one of them, are not there."""

    package: str
    words: str


@dataclass(frozen=True)
class Offer:
    """What one entry point of a package offers."""

    package: str
    operators: tuple[type[Operator], ...] = ()
    problem: str = ""


def offers() -> list[Offer]:
    """What each package of the group offers, in the order of the packages' names."""
    from importlib.metadata import entry_points

    found = entry_points(group=GROUP)
    if not found:
        return []
    with _importable(*{entry_point.module.partition(".")[0] for entry_point in found}):
        return sorted(map(_offer, found), key=lambda offer: offer.package)


def _offer(entry_point: EntryPoint) -> Offer:
    package = entry_point.dist.name if entry_point.dist else entry_point.value
    try:
        operators = tuple(_declared_by(entry_point))
        if words := next(filter(None, map(wrong_declaration, operators)), ""):
            return Offer(package, problem=words[:LONGEST_WORDS])
        return Offer(package, operators)
    except Exception as error:
        return Offer(package, problem=f"{type(error).__name__}: {error}"[:LONGEST_WORDS])


def _declared_by(entry_point: EntryPoint) -> Iterable[type[Operator]]:
    """An entry point is an operator, or several of them."""
    found: Any = entry_point.load()
    return (found,) if isinstance(found, type) else found


@contextmanager
def _importable(*theirs: str) -> Iterator[None]:
    """Let a package import ``tasks.operators.base`` also where a DAG file is read.

    That process hides our modules from the file, and the file may have a
    ``tasks`` of its own. What a package gets must be the modules that are there
    already: another ``Operator`` would be none of ours. Afterwards ours are
    hidden again, and ``theirs`` too: the file gets them from our own finder.
    """
    if sys.modules.get(base.__name__) is base:
        yield
        return
    of_the_file = _taken_out("tasks", *theirs)
    sys.modules.update(_OURS)
    sys.path.insert(0, PROJECT)
    try:
        yield
    finally:
        sys.path.remove(PROJECT)
        _taken_out("access", "connections", "patchbay", "tasks", *theirs)
        sys.modules.update(of_the_file)


def _taken_out(*packages: str) -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    return {name: sys.modules.pop(name) for name in names}


_OURS = {name: sys.modules[name] for name in ("tasks", "tasks.operators", base.__name__)}
