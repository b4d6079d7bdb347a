"""What a DAG is, as data: read from a DAG file, stored by version, run by the worker.

Only the standard library is used here, because the process that parses a
user's DAG file imports this module and must start fast.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

#: Airflow's rule for ``dag_id`` and ``task_id`` (``airflow.utils.helpers.validate_key``).
KEY_PATTERN = re.compile(r"^[\w.-]+\Z")
KEY_MAX_LENGTH = 250


class SpecError(ValueError):
    """The words of what is wrong with a DAG. They are shown to the author of the DAG."""


@dataclass(frozen=True)
class TaskSpec:
    """One task: which operator runs, with which arguments, after which tasks."""

    task_id: str
    operator: str
    conn_id: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    line: int | None = None


@dataclass(frozen=True)
class DagSpec:
    """A DAG and its tasks, in the order in which the file names them."""

    dag_id: str
    tasks: tuple[TaskSpec, ...]
    description: str = ""
    doc_md: str = ""
    schedule: str | None = None
    tags: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DagSpec:
        """Raise ``SpecError`` where ``data`` is not what ``to_json`` gives."""
        try:
            tasks = tuple(_task_from_json(task) for task in data["tasks"])
            return cls(**{**data, "tasks": tasks, "tags": tuple(data.get("tags", ()))})
        except (KeyError, TypeError) as error:
            raise SpecError(f"Not a DAG spec: {error}") from None

    def task(self, task_id: str) -> TaskSpec:
        """Raise ``KeyError`` where the DAG has no such task."""
        for task in self.tasks:
            if task.task_id == task_id:
                return task
        raise KeyError(task_id)

    @property
    def conn_ids(self) -> tuple[str, ...]:
        """The connections that the tasks name, each once, in the tasks' order."""
        return tuple(dict.fromkeys(task.conn_id for task in self.tasks if task.conn_id))

    def digest(self) -> str:
        """A hash of all that matters when the DAG runs: equal digests, same version."""
        data = self.to_json()
        for task in data["tasks"]:
            task.pop("line")
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _task_from_json(data: Mapping[str, Any]) -> TaskSpec:
    return TaskSpec(**{**data, "upstream": tuple(data.get("upstream", ()))})


def check_key(key: object, *, what: str) -> str:
    """Return ``key`` if it may be a ``dag_id`` or ``task_id``, else raise ``SpecError``."""
    if not isinstance(key, str) or not key:
        raise SpecError(f"{what} must be a text, not {key!r}.")
    if len(key) > KEY_MAX_LENGTH:
        raise SpecError(f"{what} has {len(key)} characters; {KEY_MAX_LENGTH} are allowed.")
    if not KEY_PATTERN.match(key):
        raise SpecError(
            f"{what} {key!r} may have only letters, digits, dashes, dots and underscores."
        )
    return key


def check_dag(dag: DagSpec) -> None:
    """Raise ``SpecError`` for a bad or double id, an unknown upstream, or a loop."""
    check_key(dag.dag_id, what="dag_id")
    if not dag.tasks:
        raise SpecError(f"DAG {dag.dag_id!r} has no tasks.")
    known: set[str] = set()
    for task in dag.tasks:
        check_key(task.task_id, what="task_id")
        if task.task_id in known:
            raise SpecError(f"DAG {dag.dag_id!r} has two tasks {task.task_id!r}.")
        known.add(task.task_id)
    for task in dag.tasks:
        for upstream in task.upstream:
            if upstream not in known:
                raise SpecError(f"Task {task.task_id!r} waits for unknown task {upstream!r}.")
    _check_no_loop(dag)


def _check_no_loop(dag: DagSpec) -> None:
    try:
        TopologicalSorter({task.task_id: task.upstream for task in dag.tasks}).prepare()
    except CycleError as error:
        loop = " → ".join(error.args[1])
        raise SpecError(f"DAG {dag.dag_id!r} has a loop: {loop}.") from None
