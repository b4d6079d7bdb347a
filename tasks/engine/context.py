"""What an operator may do beside its session: tell how far it is, log, wait, ask for more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from connections.types.base import LoadedConnection
from tasks.engine.recording import Recorder
from tasks.engine.steps import StepChange
from tasks.engine.versions import source_of
from tasks.models import TaskInstance
from tasks.spec import DagSpec
from tasks.states import StepState


class Broker(Protocol):
    """Fetches connections for a task that asks for them while it runs."""

    def request(self, conn_id: str) -> LoadedConnection: ...

    def opened(self, identity: str) -> None: ...

    def closed(self, problem: str) -> None: ...


class TaskContext:
    """The ``Context`` of ``tasks.operators.base``, for step 4 of one try."""

    broker: Broker

    def __init__(self, recorder: Recorder, spec: DagSpec) -> None:
        row = recorder.row
        self.dag_id = row.run.dag.dag_id
        self.task_id = row.task_id
        self.run_id = row.run.run_id
        self.try_number = row.try_number
        self.look_number = row.looks + 1
        self.job_id = job_id_of(row)
        self.downstream = spec.downstream.get(row.task_id, ())
        self.filename = row.run.dag.filename
        self.names: Mapping[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self._recorder = recorder
        self._retries = 0

    @property
    def source(self) -> str:
        return source_of(self._recorder.row.run.version_id)

    def progress(self, text: str, **facts: Any) -> None:
        self.facts |= {name: value for name, value in facts.items() if value not in (None, "")}
        self.log(", ".join([text, *(f"{name} {value}" for name, value in self.facts.items())]))
        self._change(result=text, facts=self.facts)

    def log(self, text: str, *, level: str = "info") -> None:
        self._recorder.log(text, level=level)

    def flush(self) -> None:
        if self._recorder.lines:
            self._recorder.write([])

    def retried(self, reason: str) -> None:
        self._retries += 1
        self.log(f"retry {self._retries}: {reason}", level="warning")
        self._change(retries=self._retries)

    def wait(self, seconds: float) -> None:
        self._recorder.lease.wait(seconds)

    def check(self) -> None:
        self._recorder.lease.check()

    def stopped_by(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        return self._recorder.lease.stopped_by(stop)

    def request_connection(self, conn_id: str) -> LoadedConnection:
        return self.broker.request(conn_id)

    def mask(self, secrets: set[str]) -> None:
        self._recorder.mask(secrets)

    def session_opened(self, identity: str) -> None:
        self.broker.opened(identity)

    def session_closed(self, problem: str = "") -> None:
        self.broker.closed(problem)

    def _change(self, **columns: Any) -> None:
        self._recorder.write([StepChange(self._recorder.at(4), StepState.RUNNING, columns)])


def job_id_of(row: TaskInstance) -> str:
    """The id of the try's cloud job: readable, and the same whoever runs the try.

    The run's ``uid`` makes it unlike that of any other installation.
    """
    names = f"{row.run.dag.dag_id}_{row.task_id}"
    readable = re.sub(r"[^\w-]", "_", names, flags=re.ASCII)[:120]
    unique = f"{row.run.uid}/{row.task_id}/{row.try_number}"
    return f"patchbay_{readable}_{hashlib.sha256(unique.encode()).hexdigest()[:12]}"
