"""What a DAG file may use while it is read. The time limit is the caller's."""

from __future__ import annotations

import resource
import sys

#: Enough for a DAG file that imports pandas, which it had better not.
MEMORY_BYTES = 512 << 20
#: Room to report that the memory was used up.
SPARE_BYTES = 64 << 20
#: The largest file that it may write.
FILE_BYTES = 1 << 20
OPEN_FILES = 128


def apply(*, cpu_seconds: int) -> None:
    """Limit this process and those it starts, for good."""
    # At the first the process gets SIGXCPU, which says what it was; at the last SIGKILL.
    _limit(resource.RLIMIT_CPU, cpu_seconds, spare=1)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    limit_memory(MEMORY_BYTES)


def limit_memory(most: int) -> None:
    """Limit it for good, in bytes; a crash leaves no copy of it on the disk."""
    _limit(resource.RLIMIT_CORE, 0)
    # macOS counts what every process shares, hundreds of GB, against this one.
    if sys.platform == "linux":
        _limit(resource.RLIMIT_AS, most, spare=SPARE_BYTES)


def spend_spare_memory() -> None:
    """Lift the memory limit as far as it was kept in reserve."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _limit(what: int, value: int, *, spare: int = 0) -> None:
    _, hard = resource.getrlimit(what)
    most = value + spare if hard == resource.RLIM_INFINITY else min(value + spare, hard)
    resource.setrlimit(what, (min(value, most), most))
