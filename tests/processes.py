"""Starts Patchbay's own processes for tests, on the test database and the test's Valkey."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from django.db import connection

from patchbay.local.ports import free_port
from tests.environment import HOME

REPOSITORY = Path(__file__).parent.parent


class Process:
    """A running process and what it printed, which is kept in a file."""

    def __init__(self, name: str, *command: str, **variables: str) -> None:
        self.output = HOME / f"{name}-{time.monotonic_ns()}.log"
        with self.output.open("wb") as file:
            self.popen = subprocess.Popen(
                [sys.executable, "-W", "error::ResourceWarning", *command],
                cwd=REPOSITORY,
                env={**os.environ, **test_variables(), **variables},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_until(self, is_ready: Callable[[], bool], *, seconds: float = 120) -> None:
        """Raise with what the process printed when it ends or isn't ready in time."""
        end = time.monotonic() + seconds
        while not is_ready():
            if self.popen.poll() is not None or time.monotonic() > end:
                self.kill()
                raise AssertionError(f"Not ready. It printed:\n{self.text}")
            time.sleep(0.03)

    def stop(self, *, seconds: float = 40) -> None:
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Like ``kill -9``, for all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def test_variables() -> dict[str, str]:
    """Point at the database that the tests use, not at the one they were made from."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return {"PATCHBAY_DATABASE_URL": f"sqlite:///{settings['NAME']}"}
    host, user = settings["HOST"], settings["USER"]
    port = f"&port={settings['PORT']}" if settings["PORT"] else ""
    url = f"postgresql:///{settings['NAME']}?host={host}&user={user}{port}"
    if settings["PASSWORD"]:
        url += f"&password={settings['PASSWORD']}"
    return {"PATCHBAY_DATABASE_URL": url}


test_variables.__test__ = False  # type: ignore[attr-defined]


@contextlib.contextmanager
def worker(*, slots: int = 8, **variables: str) -> Iterator[Process]:
    """A real Celery worker."""
    options = ["-P", "threads", "-c", str(slots), "--without-gossip", "--without-mingle"]
    process = Process(
        "worker", "-m", "celery", "-A", "patchbay.celery:app", "worker", *options, **variables
    )
    try:
        process.wait_until(lambda: " ready." in process.text)
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def beat(**variables: str) -> Iterator[Process]:
    schedule = str(HOME / f"beat-{time.monotonic_ns()}")
    process = Process(
        "beat", "-m", "celery", "-A", "patchbay.celery:app", "beat", "-s", schedule, **variables
    )
    try:
        yield process
    finally:
        process.stop()


@contextlib.contextmanager
def web(*, port: int = 0, **variables: str) -> Iterator[tuple[Process, str]]:
    """The web process, and its address."""
    port = port or free_port()
    command = ["-m", "uvicorn", "patchbay.asgi:application", "--port", str(port)]
    process = Process("web", *command, "--lifespan", "off", **variables)
    url = f"http://127.0.0.1:{port}"
    try:
        process.wait_until(lambda: _answers(url))
        yield process, url
    finally:
        process.stop()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
