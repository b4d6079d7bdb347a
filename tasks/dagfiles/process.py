"""Run the child that reads one DAG file, and never wait longer for it than allowed."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tasks.dagfiles.protocol import RESULT_BYTES

CHILD = Path(__file__).with_name("child.py")

#: All of this process's environment that a DAG file may see.
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ")

_OWN_ENVIRONMENT = {
    # The order of a set is the same each time, so that it makes no new version of a DAG.
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    # What the file printed is there also when it crashes.
    "PYTHONUNBUFFERED": "1",
    # Both reserve address space for each thread or core, which the memory limit counts.
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

#: How much of what the file prints is kept: its end.
OUTPUT_BYTES = 1500
_CHUNK = 1 << 20


@dataclass(frozen=True)
class ChildRun:
    """What came of it. ``returncode`` is None where the time was up."""

    result: bytes
    output: bytes
    returncode: int | None


@dataclass
class _Stream:
    """What was read of one pipe; the end of it, where there is a ``keep``."""

    keep: int = 0
    data: bytearray = field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        self.data += chunk
        if self.keep:
            del self.data[: -self.keep]


def run_child(folder: Path, filename: Path, *, timeout: float) -> ChildRun:
    """Both paths are absolute. Raise ``OSError`` where no process can be started there."""
    deadline = time.monotonic() + timeout
    result_end, child_end = os.pipe()
    try:
        process = _start([str(folder), str(filename), str(child_end), str(deadline)], child_end)
    except OSError:
        os.close(result_end)
        raise
    finally:
        os.close(child_end)
    assert process.stdout is not None
    result, output = _Stream(), _Stream(keep=OUTPUT_BYTES)
    try:
        streams = {result_end: result, process.stdout.fileno(): output}
        in_time = _listen(process, streams, result=result, deadline=deadline)
    finally:
        _end(process)
        process.stdout.close()
        os.close(result_end)
    return ChildRun(bytes(result.data), bytes(output.data), process.returncode if in_time else None)


def _start(arguments: list[str], child_end: int) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-s", "-P", str(CHILD), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd=arguments[0],
        env=environment | _OWN_ENVIRONMENT,
        pass_fds=(child_end,),
        start_new_session=True,
    )


def _listen(
    process: subprocess.Popen[bytes],
    streams: dict[int, _Stream],
    *,
    result: _Stream,
    deadline: float,
) -> bool:
    """Read until the result is whole or the child has ended; False if the time is up first.

    The end of a pipe is not waited for: a process that the file started may
    hold it open for as long as it likes.
    """
    with selectors.DefaultSelector() as selector:
        for descriptor, stream in streams.items():
            os.set_blocking(descriptor, False)
            selector.register(descriptor, selectors.EVENT_READ, stream)
        while not _is_whole(result.data):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            ended = process.poll() is not None
            _read_once(selector, wait=0 if ended else min(left, 0.02))
            if ended:
                return True
    return True


def _read_once(selector: selectors.BaseSelector, *, wait: float) -> None:
    for key, _ in selector.select(wait):
        chunk = os.read(key.fd, _CHUNK)
        key.data.add(chunk)
        if not chunk:
            selector.unregister(key.fd)


def _is_whole(data: bytearray) -> bool:
    """The result is one line of JSON; the lines before it don't begin with a brace."""
    if len(data) > 2 * RESULT_BYTES:
        return True
    return data.endswith(b"}\n") and (data.startswith(b"{") or b"\n{" in data)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the child with all that it started, and take its exit code.

    Its process group keeps its number while anything is left in it, and the
    number isn't given out again within the moment since ``poll``.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
