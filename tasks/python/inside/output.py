"""Makes log lines of what the code prints and logs, and sends each as soon as it is whole."""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from contextlib import suppress

from tasks.python.inside.channel import Channel
from tasks.python.lines import Budget, Splitter


class Log:
    """Sends lines until there are more than are kept."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._budget = Budget()
        self._lock = threading.Lock()
        self._is_over = False

    def add(self, lines: list[str], level: str) -> None:
        if not self._channel.is_here:
            # Another process that the code forked: the worker reads what it prints by a pipe.
            with suppress(OSError):
                os.write(2, "".join(f"{line}\n" for line in lines).encode(errors="replace"))
            return
        if self._is_over or not lines:
            return
        with self._lock:
            kept = list(self._budget.spend(lines))
            # One more than is kept: the worker's own count says that the rest is left out.
            self._is_over = len(kept) < len(lines)
            kept += lines[len(kept) :][:1]
        self._channel.send({"kind": "lines", "level": level, "lines": kept})


class Printed(io.TextIOBase):
    """Stands for ``sys.stdout`` or ``sys.stderr``, which is file ``number``."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, number: int, log: Log, level: str) -> None:
        self._number = number
        self._log = log
        self._level = level
        self._splitter = Splitter()
        self._lock = threading.RLock()
        #: For code that writes bytes; these take the way of other programs' output.
        self.buffer = open(number, "wb", buffering=0, closefd=False)  # noqa: SIM115

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    def write(self, text: str) -> int:
        with self._lock:
            lines = self._splitter.add(text)
        self._log.add(lines, self._level)
        return len(text)

    def finish(self) -> None:
        """Send the line that was not ended."""
        with self._lock:
            lines = self._splitter.rest()
        self._log.add(lines, self._level)


class Records(logging.Handler):
    """Sends records of ``logging`` with their level."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        splitter = Splitter()
        try:
            text = self.format(record)
        except (TypeError, ValueError, KeyError) as error:
            text = f"{record.msg!r} could not be formatted: {error}"
        self._log.add(splitter.add(f"{text}\n"), _level(record.levelno))


def _level(number: int) -> str:
    levels = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"))
    return next((name for least, name in levels if number >= least), "debug")


def capture(channel: Channel) -> tuple[Printed, Printed]:
    """Let all that this process prints and logs go to the worker."""
    log = Log(channel)
    sys.stdout, sys.stderr = Printed(1, log, "info"), Printed(2, log, "warning")
    root = logging.getLogger()
    root.handlers[:] = [Records(log)]
    root.setLevel(logging.INFO)
    return sys.stdout, sys.stderr
