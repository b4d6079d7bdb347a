"""What an operator may do beside its session: tell how far it is, log, and wait."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Protocol

from tasks import steps
from tasks.exceptions import LeaseLost, WorkerStopping
from tasks.leases import Lease, stopping
from tasks.models import LogLine, TaskInstance
from tasks.states import StepState
from tasks.steps import StepChange


class Writer(Protocol):
    """Writes changes of the task instance while its lease is held, masked."""

    def __call__(self, changes: list[StepChange], *, lines: list[LogLine]) -> None: ...


class TaskContext:
    """The ``Context`` of ``tasks.operators.base``, for step 4 of one try."""

    def __init__(self, row: TaskInstance, lease: Lease, write: Writer) -> None:
        self.dag_id = row.run.dag.dag_id
        self.task_id = row.task_id
        self.run_id = row.run.run_id
        self.try_number = row.try_number
        self.job_id = job_id_of(row)
        self.facts: dict[str, Any] = {}
        self.lines: list[LogLine] = []
        self._row = row
        self._lease = lease
        self._write = write
        self._retries = 0

    def progress(self, text: str, **facts: Any) -> None:
        self.facts |= {name: value for name, value in facts.items() if value not in (None, "")}
        self.log(", ".join([text, *(f"{name} {value}" for name, value in self.facts.items())]))
        self._change(result=text, facts=self.facts)

    def log(self, text: str, *, level: str = "info") -> None:
        self.lines.append(LogLine(task_instance=self._row, text=text, level=level))

    def retried(self, reason: str) -> None:
        self._retries += 1
        self.log(f"retry {self._retries}: {reason}", level="warning")
        self._change(retries=self._retries)

    def wait(self, seconds: float) -> None:
        if self._lease.over.wait(seconds):
            if stopping.is_set():
                raise WorkerStopping(self.task_id)
            raise LeaseLost(self.task_id)

    def taken_lines(self) -> list[LogLine]:
        """The lines that are not written yet."""
        lines, self.lines = self.lines, []
        return lines

    def _change(self, **columns: Any) -> None:
        position = steps.position_of(4, self._row.position)
        self._write([StepChange(position, StepState.RUNNING, columns)], lines=self.taken_lines())


def job_id_of(row: TaskInstance) -> str:
    """The id of the try's cloud job: readable, and the same whoever runs the try.

    The run's ``uid`` makes it unlike that of any other installation.
    """
    names = f"{row.run.dag.dag_id}_{row.task_id}"
    readable = re.sub(r"[^\w-]", "_", names, flags=re.ASCII)[:120]
    unique = f"{row.run.uid}/{row.task_id}/{row.try_number}"
    return f"patchbay_{readable}_{hashlib.sha256(unique.encode()).hexdigest()[:12]}"
