"""A context made by hand, for tasks that run Python code without the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from textwrap import dedent, indent
from typing import Any

from connections.exceptions import ConnectionFailure
from connections.types.base import LoadedConnection
from tasks.operators import OPERATORS
from tasks.operators.base import TaskResult

MOMENT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Stopped(Exception):
    """What the engine raises out of ``check`` when a task is to stop."""


class LeftByOthers:
    """The ``ti`` of the engine: what other tasks left, by task and key."""

    max_tries = 2
    start_date = MOMENT

    def __init__(self, **left: Any) -> None:
        self.left = left

    def xcom_pull(self, task_ids: list[str], key: str) -> list[Any]:
        return [self.left.get(f"{task_id}__{key}") for task_id in task_ids]


class PythonContext:
    """Keeps what the operator tells. ``stop()`` does what a cancel does."""

    def __init__(self, source: str, **left: Any) -> None:
        self.dag_id, self.task_id, self.run_id = "sales", "work", "manual__1"
        self.try_number, self.look_number, self.job_id = 2, 1, "patchbay_1"
        self.downstream: tuple[str, ...] = ("small", "large", "group.one", "group.two")
        self.source, self.filename = source, "sales.py"
        self.names: Mapping[str, Any] = {
            "ds": "2026-01-02",
            "logical_date": MOMENT,
            "params": {"country": "SE"},
            "dag_run": {"conf": {"day": 3}, "run_id": "manual__1", "logical_date": MOMENT},
            "ti": LeftByOthers(**left),
            "macros": object(),
        }
        self.lines: list[tuple[str, str]] = []
        self.connections: dict[str, LoadedConnection] = {}
        self.masked: set[str] = set()
        #: What happened, in order.
        self.events: list[str] = []
        self.on_log: Callable[[str], object] = lambda text: None
        self._stopped = threading.Event()
        self._stops: list[Callable[[], object]] = []

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.lines]

    def stop(self) -> None:
        self._stopped.set()
        for each in self._stops:
            each()

    def progress(self, text: str, **facts: Any) -> None:
        raise AssertionError("the code tells by its log")

    def log(self, text: str, *, level: str = "info") -> None:
        self.lines.append((level, text))
        self.on_log(text)

    def flush(self) -> None:
        self.events.append("shown")

    def retried(self, reason: str) -> None:
        raise AssertionError("nothing is retried inside a try")

    def wait(self, seconds: float) -> None:
        raise AssertionError("the child is waited for")

    def check(self) -> None:
        if self._stopped.is_set():
            raise Stopped

    @contextmanager
    def stopped_by(self, stop: Callable[[], object]) -> Iterator[None]:
        self._stops.append(stop)
        try:
            yield
        finally:
            self._stops.remove(stop)

    def request_connection(self, conn_id: str) -> LoadedConnection:
        self.events.append(f"asked for {conn_id}")
        if conn_id not in self.connections:
            raise ConnectionFailure("connection:not-found", conn_id=conn_id)
        return self.connections[conn_id]

    def mask(self, secrets: set[str]) -> None:
        self.masked |= secrets

    def session_opened(self, identity: str) -> None:
        self.events.append(f"opened as {identity}")

    def session_closed(self, problem: str = "") -> None:
        self.events.append(f"closed {problem}".strip())


HEAD = """
import logging, os, signal, subprocess, sys, threading, time
from airflow import DAG
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.operators.python import PythonOperator, get_current_context
from airflow.hooks.base import BaseHook
"""


def dag_file(body: str, *, head: str = "", parameters: str = "", more: str = "") -> str:
    """A DAG file whose task ``work`` runs ``body``."""
    function = f"def work({parameters}):\n{indent(dedent(body).strip(), '    ')}\n"
    dag = f"with DAG('sales'):\n    PythonOperator(task_id='work', python_callable=work{more})\n"
    return f"{HEAD}{dedent(head)}\n{function}\n{dag}"


def run_code(
    context: PythonContext, *, operator: str = "PythonOperator", **arguments: Any
) -> TaskResult:
    result = OPERATORS[operator](arguments).execute(None, context)
    assert result is not None
    return result
