"""One child process: started tethered, its output passed on, ended within a bounded time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from patchbay.local.errors import ServiceEnded
from patchbay.local.logfile import open_log
from patchbay.local.services import Service
from patchbay.local.terminal import Terminal

TETHER = Path(__file__).with_name("tether.py")
#: A line longer than this is passed on in pieces.
LONGEST_LINE = 65_536
#: Lines that are shown when a service ends by itself.
LAST_LINES = 15
#: Seconds for what is left in the pipe, once the process has ended.
DRAIN = 1.0
LINE_END = re.compile(rb"\r\n|\n|\r")


class Process:
    """A running service. Make one with ``Process.start``."""

    def __init__(
        self, service: Service, child: asyncio.subprocess.Process, *, terminal: Terminal, log: Path
    ) -> None:
        self.service = service
        self._child = child
        self._terminal = terminal
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self._reading = asyncio.create_task(self._read(log))

    @classmethod
    async def start(
        cls, service: Service, *, environment: Mapping[str, str], terminal: Terminal, log: Path
    ) -> Process:
        # A session of its own: the terminal's Ctrl-C reaches only the supervisor, which then
        # ends the services in order, and what a service starts can be ended with it.
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
            *service.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**environment, **service.environment},
            start_new_session=True,
        )
        return cls(service, child, terminal=terminal, log=log)

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def running(self) -> bool:
        return self._child.returncode is None

    async def ended(self) -> int:
        """Wait for the end, and for the last of the output; return the exit code."""
        code = await self._child.wait()
        # What it started and left behind would hold the pipe open, and live on.
        self._signal_all(signal.SIGKILL)
        await asyncio.wait({self._reading}, timeout=DRAIN)
        return code

    async def ready(self) -> None:
        """Wait until the service does its work. Raise ``ServiceEnded`` after ``start_seconds``."""
        seconds = self.service.start_seconds
        try:
            await asyncio.wait_for(self.service.ready(), seconds)
        except TimeoutError:
            raise self.failure(f"isn't ready after {seconds:.0f} s") from None

    async def completed(self) -> None:
        """Wait for a step to end well. Raise ``ServiceEnded`` where it doesn't."""
        seconds = self.service.start_seconds
        try:
            code = await asyncio.wait_for(self.ended(), seconds)
        except TimeoutError:
            raise self.failure(f"isn't done after {seconds:.0f} s") from None
        if code != 0:
            raise self.failure(ending(code))

    def failure(self, what: str) -> ServiceEnded:
        return ServiceEnded(f"{self.name} {what}.", lines=tuple(self.lines))

    async def stop(self) -> None:
        """Ask for an orderly end; kill after the service's own time for that."""
        if self.running:
            with suppress(ProcessLookupError):
                self._child.terminate()
            try:
                await asyncio.wait_for(self._child.wait(), self.service.stop_seconds)
            except TimeoutError:
                seconds = self.service.stop_seconds
                self._terminal.say(f"{self.name} didn't end in {seconds:.0f} s and is killed.")
                self.kill()
        await self.ended()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def kill(self) -> None:
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)

    async def _read(self, log: Path) -> None:
        """Pass lines on until nobody can write any more."""
        stdout = self._child.stdout
        assert stdout is not None  # it is a pipe
        rest = b""
        with open_log(log) as file:
            while chunk := await stdout.read(LONGEST_LINE):
                *lines, rest = LINE_END.split(rest + chunk)
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._pass_on(line, file=file)
            if rest:
                self._pass_on(rest, file=file)

    def _pass_on(self, line: bytes, *, file: TextIO) -> None:
        text = line.decode(errors="replace").rstrip()
        file.write(text + "\n")
        if not text:
            return
        self.lines.append(text)
        if not self.service.quiet:
            self._terminal.line(self.name, text)


def ending(code: int) -> str:
    """The words for an exit code, which is negative after a signal."""
    how = f"with exit code {code}" if code >= 0 else f"by {signal.Signals(-code).name}"
    return f"ended by itself, {how}"
