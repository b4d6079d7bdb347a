"""Which process of pytest-xdist runs which test, and when."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

_REAL = re.compile(r"^pytestmark = .*\bmark\.e2e\b", re.MULTILINE)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives whoever is free the next test, or the next file of those that start processes.

    The tests of such a file share a worker and a browser.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _starts_processes(self.config.rootpath / file) else nodeid


@cache
def _starts_processes(file: Path) -> bool:
    return _REAL.search(file.read_text(encoding="utf-8")) is not None


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    return Scheduling(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores: the tests of real processes wait for much of their time."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(2, (cores or 1) * 3 // 2)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts real processes comes last, and of it what takes longest first.

    That is what starts all of Patchbay, and the last by name: their order is turned round.
    """
    real = [item for item in items if item.get_closest_marker("e2e")]
    others = [item for item in items if item.get_closest_marker("e2e") is None]
    places = {path: at for at, path in enumerate(sorted({item.path for item in real}))}
    items[:] = [*others, *sorted(real, key=lambda item: -places[item.path])]
