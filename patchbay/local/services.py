"""The services of a local Patchbay: what each runs, and when it is ready."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from patchbay.local import readiness
from patchbay.local.demo import PROJECT
from patchbay.local.home import Home
from patchbay.local.ports import HOST

TASKS_AT_ONCE = 16


@dataclass(frozen=True)
class Service:
    """One process: a service that runs until it is stopped, or a step that ends by itself."""

    name: str
    command: tuple[str, ...]
    #: Returns when the service does its work; asked for ever, until ``start_seconds`` are over.
    ready: Callable[[], Awaitable[None]] = readiness.at_once
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Its output goes to its log file only; the last lines are shown if it ends by itself.
    quiet: bool = False
    start_seconds: float = 60.0
    stop_seconds: float = 5.0


def valkey(home: Home, *, executable: str, port: int, password: str) -> Service:
    return Service(
        "valkey",
        (executable, str(home.valkey / "valkey.conf")),
        ready=lambda: readiness.valkey_answers(port, password),
        quiet=True,
    )


def storage(home: Home, *, port: int) -> Service:
    return Service(
        "storage",
        (
            *(sys.executable, "-m", "patchbay.local.storage", "--host", HOST),
            *("--port", str(port), "--folder", str(home.storage)),
        ),
        ready=lambda: readiness.web_answers(port, "/"),
        quiet=True,
    )


def bigquery(home: Home, *, port: int, storage_port: int) -> Service:
    options = ("--rest-host", HOST, "--rest-port", str(port), "--grpc-host", HOST)
    return Service(
        "bigquery",
        (
            *(sys.executable, "-m", "patchbay.local.bigquery", *options, "--grpc-port", "0"),
            *("--persistent", "--data-dir", str(home.bigquery / "data")),
            *("--project", PROJECT, "--log-level", "info", "--log-format", "json"),
            *("--storage", f"http://{HOST}:{storage_port}"),
            *("--objects", str(home.bigquery / "objects")),
        ),
        ready=lambda: readiness.web_answers(port, "/readyz"),
        # DuckDB keeps its extensions in the home folder; a local Patchbay changes nothing there.
        environment={
            "HOME": str(home.bigquery),
            "BQEMU_UPLOAD_STAGING_DIR": str(home.bigquery / "uploads"),
        },
        quiet=True,
        stop_seconds=10.0,
    )


def web(*, port: int) -> Service:
    return Service(
        "web",
        (
            *(sys.executable, "-m", "uvicorn", "patchbay.asgi:application"),
            *("--host", HOST, "--port", str(port), "--lifespan", "off"),
            *("--no-access-log", "--no-server-header", "--log-level", "warning"),
            # Streams of server-sent events stay open for as long as somebody watches.
            *("--timeout-graceful-shutdown", "2"),
        ),
        ready=lambda: readiness.web_answers(port, "/healthz"),
    )


def worker(*, broker_port: int, broker_password: str) -> Service:
    return Service(
        "worker",
        (
            *(sys.executable, "-m", "celery", "--quiet", "-A", "patchbay.celery:app", "worker"),
            *("-P", "threads", "-c", str(TASKS_AT_ONCE), "--without-gossip", "--without-mingle"),
        ),
        # Not by its words "… ready.": PATCHBAY_LOG_LEVEL=WARNING leaves those out.
        ready=lambda: readiness.somebody_waits_for_messages(broker_port, broker_password),
        # Celery warns everybody who is root, in six lines; a try-out on a fresh machine often is.
        environment={"PYTHONWARNINGS": "ignore:You're running the worker with superuser"},
        # It waits for its running tasks; a task that takes longer is taken over after the next
        # start, when its lease has run out.
        stop_seconds=10.0,
    )


def beat(home: Home) -> Service:
    return Service(
        "beat",
        (
            *(sys.executable, "-m", "celery", "--quiet", "-A", "patchbay.celery:app", "beat"),
            *("-s", str(home.schedule)),
        ),
        # It can't be asked whether it is ready. One that can't start ends, and so all end.
    )


def seed(*, demo_port: int, storage_port: int, admin_password: str) -> Service:
    """A step: migrate, make the first user and the demo connection, read the DAG files."""
    return Service(
        "setup",
        (
            *(sys.executable, "-m", "patchbay.local.seed"),
            *("--demo-endpoint", f"http://{HOST}:{demo_port}"),
            *("--demo-storage", f"http://{HOST}:{storage_port}"),
        ),
        environment={"PATCHBAY_ADMIN_PASSWORD": admin_password},
        start_seconds=300.0,
    )


def weather(*, port: int, storage_port: int) -> Service:
    """A step: bring the demo's data into both local servers, where it isn't there yet."""
    endpoints = (f"http://{HOST}:{port}", f"http://{HOST}:{storage_port}")
    return Service(
        "data",
        (sys.executable, "-m", "patchbay.local.weather", *endpoints),
        start_seconds=120.0,
    )
