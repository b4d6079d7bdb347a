"""Each service's output in a file of its own, which doesn't grow for ever."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

#: Bytes. A bigger file is put aside at the start; the one put aside before goes.
LARGEST = 5 * 1024 * 1024


def open_log(path: Path) -> TextIO:
    """Open ``path`` for appending, one line at a time."""
    if path.exists() and path.stat().st_size > LARGEST:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("a", encoding="utf-8", buffering=1)
