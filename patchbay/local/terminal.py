"""What the person at the terminal sees: the lines of all services, each with its name before it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TextIO

#: The widest name, so that all lines begin in one column.
WIDTH = len("patchbay")
#: ANSI colours; red is left for trouble.
COLOURS = {
    "web": 36,
    "worker": 32,
    "beat": 33,
    "bigquery": 34,
    "storage": 34,
    "valkey": 35,
    "patchbay": 1,
}


@dataclass
class Terminal:
    stream: TextIO = field(default_factory=lambda: sys.stdout)
    errors: TextIO = field(default_factory=lambda: sys.stderr)

    @property
    def coloured(self) -> bool:
        """Only on a terminal, and not against https://no-color.org."""
        return self.stream.isatty() and not os.environ.get("NO_COLOR")

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:<{WIDTH}} |"
        if self.coloured:
            prefix = f"\033[{COLOURS.get(name, 0)}m{prefix}\033[0m"
        self._write(self.stream, f"{prefix} {text}\n")

    def say(self, text: str) -> None:
        """A line of the supervisor's own."""
        self.line("patchbay", text)

    def plain(self, text: str) -> None:
        self._write(self.stream, f"{text}\n")

    def error(self, text: str) -> None:
        self._write(self.errors, f"{text}\n")

    def _write(self, stream: TextIO, text: str) -> None:
        # A terminal that is gone (closed window, `| head`) must not keep the services from an
        # orderly end; their output is in the log files too.
        try:
            stream.write(text)
            stream.flush()
        except (OSError, ValueError):
            pass
