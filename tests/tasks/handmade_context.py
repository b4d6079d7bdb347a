"""A context made by hand, for operators that are tried without the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Stopped(Exception):
    """What the engine raises out of ``wait`` and ``check`` when a task is to stop."""


class HandmadeContext:
    """Keeps what the operator tells. ``stop()`` does what a cancel does; waits take no time.

    ``checks_left`` stops it by itself, after so many checks.
    """

    def __init__(self, *, checks_left: int | None = None) -> None:
        self.dag_id, self.task_id, self.run_id = "sales", "the_task", "manual__1"
        self.try_number, self.look_number = 1, 1
        self.job_id = "patchbay_1"
        self.downstream: tuple[str, ...] = ()
        self.names: Mapping[str, Any] = {}
        self.source = self.filename = ""
        self.logs: list[str] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.retries: list[str] = []
        self.waits: list[float] = []
        self.checks_left = checks_left
        self._stopped = threading.Event()
        self._stops: list[Callable[[], object]] = []

    def stop(self) -> None:
        self._stopped.set()
        for each in self._stops:
            each()

    def progress(self, text: str, **facts: Any) -> None:
        self.told.append((text, facts))

    def log(self, text: str, *, level: str = "info") -> None:
        self.logs.append(text)

    def flush(self) -> None:
        pass

    def mask(self, secrets: set[str]) -> None:
        raise AssertionError("the session's secrets are masked by others")

    def retried(self, reason: str) -> None:
        self.retries.append(reason)

    def wait(self, seconds: float) -> None:
        self.check()
        self.waits.append(seconds)

    def check(self) -> None:
        if self.checks_left is not None:
            self.checks_left -= 1
            if self.checks_left < 0:
                self._stopped.set()
        if self._stopped.is_set():
            raise Stopped

    @contextmanager
    def stopped_by(self, stop: Callable[[], object]) -> Iterator[None]:
        self._stops.append(stop)
        try:
            yield
        finally:
            self._stops.remove(stop)

    def request_connection(self, conn_id: str) -> Any:
        raise AssertionError("no further connection is needed")

    def session_opened(self, identity: str) -> None:
        raise AssertionError("the session is open")

    def session_closed(self, problem: str = "") -> None:
        raise AssertionError("the session is closed by others")
