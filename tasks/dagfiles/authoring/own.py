"""Patchbay's own modules in the process that executes a DAG file: hidden, but not gone.

A file of the user's may be called tasks.py, or stand in a folder of that name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

_PROJECT = str(Path(__file__).absolute().parents[3])
_PACKAGES = ("access", "connections", "patchbay", "tasks")
_hidden: dict[str, ModuleType] = {}
#: One for each ``shown`` block that runs.
_shown: list[bool] = []


def hide() -> None:
    """Take our modules out of reach; what has imported them keeps them."""
    _hidden.update(_taken_out())


@contextmanager
def shown() -> Iterator[None]:
    """While the block runs, our modules can be imported, and the user's of such names can't."""
    theirs = _taken_out()
    sys.modules.update(_hidden)
    sys.path.insert(0, _PROJECT)
    _shown.append(True)
    try:
        yield
    finally:
        _shown.pop()
        sys.path.remove(_PROJECT)
        hide()
        sys.modules.update(theirs)


def is_for_us(package: str) -> bool:
    """Whether an import of that package now is Patchbay's own affair, not the DAG file's."""
    return bool(_shown) or package in _PACKAGES


def own_module(name: str) -> ModuleType:
    """Import one more of our modules, which a DAG file can't; the file's own stay as they are."""
    if not _hidden:
        return import_module(name)
    with shown():
        return import_module(name)


def leave(package: str) -> None:
    """Let a package of ours, with what is imported of it, be found where the user has no such."""
    if package not in sys.modules and find_spec(package) is None:
        ours = {name: each for name, each in _hidden.items() if name.partition(".")[0] == package}
        sys.modules.update(ours)


def _taken_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] in _PACKAGES]
    return {name: sys.modules.pop(name) for name in names}
