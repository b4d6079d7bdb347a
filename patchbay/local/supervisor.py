"""Keeps the services running, and ends them all together, in the reverse order of their start."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from patchbay.local.errors import LocalError, ServiceEnded
from patchbay.local.process import Process, ending
from patchbay.local.services import Service
from patchbay.local.terminal import Terminal

#: Seconds in which a second Ctrl-C counts as the first: some programs pass one on twice.
ONE_CTRL_C = 0.5


class Supervisor:
    """Runs ``start`` and whatever it launches, until a signal, or until a service ends."""

    def __init__(self, *, environment: Mapping[str, str], terminal: Terminal, log: Path) -> None:
        self._environment = environment
        self._terminal = terminal
        self._log = log
        self._processes: list[Process] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._over: asyncio.Future[LocalError | None] = asyncio.get_running_loop().create_future()
        self._interrupted = 0.0

    async def run(self, start: Callable[[Supervisor], Awaitable[None]]) -> int:
        """Return the exit code: 0 after a signal, 1 after a failure, which has been told."""
        self._listen_to_signals()
        starting = asyncio.ensure_future(self._start(start))
        error = await self._over
        if error:
            self._tell(error)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await self._stop_all()
        return 1 if error else 0

    async def launch(self, *services: Service, environment: Mapping[str, str]) -> None:
        """Start services together; return when all of them are ready."""
        processes = [await self._spawn(service, environment) for service in services]
        self._watchers += [asyncio.create_task(self._watch(process)) for process in processes]
        await asyncio.gather(*(process.ready() for process in processes))

    async def complete(self, step: Service, *, environment: Mapping[str, str]) -> list[str]:
        """Run a step to its end; return its last lines. Raise ``ServiceEnded`` if it fails."""
        process = await self._spawn(step, environment)
        await process.completed()
        self._processes.remove(process)
        return list(process.lines)

    async def _spawn(self, service: Service, environment: Mapping[str, str]) -> Process:
        process = await Process.start(
            service,
            environment={**self._environment, **environment},
            terminal=self._terminal,
            log=self._log / f"{service.name}.log",
        )
        self._processes.append(process)
        return process

    async def _start(self, start: Callable[[Supervisor], Awaitable[None]]) -> None:
        try:
            await start(self)
        except LocalError as error:
            self._end(error)
        except Exception as error:
            # A fault of ours must not leave processes behind without a word.
            self._end(LocalError(f"The start failed: {error!r}"))
            raise

    async def _watch(self, process: Process) -> None:
        code = await process.ended()
        self._end(process.failure(ending(code)))

    def _end(self, error: LocalError | None) -> None:
        """The first reason counts; what ends afterwards was ended by it."""
        if not self._over.done():
            self._over.set_result(error)

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._on_interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._end, None)

    def _on_interrupt(self) -> None:
        now = time.monotonic()
        if not self._interrupted:
            self._interrupted = now
            self._end(None)
        elif now - self._interrupted > ONE_CTRL_C:
            self._terminal.say("Killing what still runs.")
            for process in self._processes:
                process.kill()

    async def _stop_all(self) -> None:
        if self._processes:
            self._terminal.say("Stopping; Ctrl-C again kills what still runs.")
        for process in reversed(self._processes):
            await process.stop()
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        if self._processes:
            self._terminal.say("Stopped.")

    def _tell(self, error: LocalError) -> None:
        if isinstance(error, ServiceEnded) and error.lines:
            name = str(error).split(" ", 1)[0]
            self._terminal.error(f"The last lines of {name}:")
            for line in error.lines:
                self._terminal.error(f"    {line}")
        self._terminal.error(str(error))
