"""What a DAG is, as data: read from a DAG file, stored by version, run by the worker.

Only the standard library is used here, because the process that parses a
user's DAG file imports this module and must start fast.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from tasks.task_order import Place, in_order

#: Airflow's rule for ``dag_id`` and ``task_id`` (``airflow.utils.helpers.validate_key``).
KEY_PATTERN = re.compile(r"^[\w.-]+\Z")
KEY_MAX_LENGTH = 250
#: A DAG with more would make its pages and its first transaction too long.
MOST_TASKS = 10_000


class SpecError(ValueError):
    """The words of what is wrong with a DAG. They are shown to the author of the DAG."""


class TriggerRule(StrEnum):
    """When a task runs, by how the tasks before it ended. Names and meaning are Airflow's."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


class RetryOn(StrEnum):
    """Which failures a task with ``retries`` tries again after."""

    #: All but those of type ``configuration``, which stay until a person mends them.
    TRANSIENT = "transient"
    ANY = "any"


@dataclass(frozen=True)
class TaskSpec:
    """One task: which operator runs, with which arguments, after which tasks.

    Times are in seconds. ``retry_exponential_backoff`` is the factor by which
    the delay grows with each try; 0 for a delay that stays. ``group`` is the id
    of the TaskGroup that holds it, with those around it before it and dots
    between. In ``arguments`` and ``params``, ``{"__xcom__": task_id, "key":
    key}`` stands for what another task left (``XCOM_MARK``).
    """

    task_id: str
    operator: str
    conn_id: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()
    line: int | None = None
    trigger_rule: str = TriggerRule.ALL_SUCCESS.value
    retries: int = 0
    retry_delay: float = 300.0
    retry_exponential_backoff: float = 0.0
    max_retry_delay: float | None = None
    retry_on: str = RetryOn.TRANSIENT.value
    execution_timeout: float | None = None
    queue: str = "default"
    group: str = ""
    doc_md: str = ""


@dataclass(frozen=True)
class DagSpec:
    """A DAG and its tasks, in the order in which the file names them.

    ``schedule`` is a cron text, a preset such as ``@daily``, or empty; with
    ``interval`` (seconds) runs come that far apart instead. Dates are ISO 8601
    with an offset. ``param_schemas`` has the JSON Schema of the params that
    were given as ``Param``. ``groups`` are the ids of TaskGroups with their
    tooltips. ``source_digest`` is the hash of the file where its own code runs
    as a task, so that a change of the code is a change of the DAG.
    """

    dag_id: str
    tasks: tuple[TaskSpec, ...]
    description: str = ""
    doc_md: str = ""
    schedule: str = ""
    interval: float | None = None
    timezone: str = "UTC"
    start_date: str | None = None
    end_date: str | None = None
    catchup: bool = False
    is_paused_upon_creation: bool | None = None
    max_active_runs: int | None = None
    max_active_tasks: int | None = None
    dagrun_timeout: float | None = None
    tags: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    param_schemas: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, str] = field(default_factory=dict)
    source_digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """What is stored: values that are the default are left out."""
        data = _without_defaults(self)
        data["tasks"] = [_without_defaults(task) for task in self.tasks]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DagSpec:
        """Raise ``SpecError`` where ``data`` is not what ``to_json`` gives."""
        try:
            tasks = tuple(_task_from_json(task) for task in data["tasks"])
            known = {**data, "tasks": tasks, "tags": tuple(data.get("tags", ()))}
            # Before there were schedules, a DAG without one had null here.
            known["schedule"] = data.get("schedule") or ""
            return cls(**known)
        except (KeyError, TypeError) as error:
            raise SpecError(f"Not a DAG spec: {error}") from None

    @cached_property
    def by_id(self) -> dict[str, TaskSpec]:
        return {task.task_id: task for task in self.tasks}

    @cached_property
    def ordered(self) -> tuple[TaskSpec, ...]:
        """The tasks as they are shown: each after those that it waits for, groups together."""
        places = [Place(task.task_id, task.upstream, task.group) for task in self.tasks]
        return tuple(self.by_id[name] for name in in_order(places))

    @cached_property
    def position_of(self) -> dict[str, int]:
        """Where each task stands among those of ``ordered``; a run has it as ``position``."""
        return {task.task_id: position for position, task in enumerate(self.ordered)}

    @cached_property
    def downstream(self) -> dict[str, tuple[str, ...]]:
        """The tasks that directly follow each task."""
        after: dict[str, list[str]] = {task.task_id: [] for task in self.tasks}
        for task in self.tasks:
            for name in task.upstream:
                after[name].append(task.task_id)
        return {name: tuple(names) for name, names in after.items()}

    def task(self, task_id: str) -> TaskSpec:
        """Raise ``KeyError`` where the DAG has no such task."""
        return self.by_id[task_id]

    def all_downstream(self, task_ids: Iterable[str]) -> set[str]:
        """Every task that follows one of ``task_ids``, however far; they themselves are not in."""
        found: set[str] = set()
        todo = list(task_ids)
        while todo:
            new = [name for name in self.downstream[todo.pop()] if name not in found]
            found.update(new)
            todo += new
        return found

    @property
    def is_scheduled(self) -> bool:
        return bool(self.schedule or self.interval)

    @property
    def schedule_words(self) -> str:
        """The schedule as pages show it; empty without one."""
        if self.interval:
            return f"every {_interval_words(self.interval)}"
        if self.schedule and self.timezone != "UTC" and not self.schedule.startswith("@"):
            return f"{self.schedule} {self.timezone}"
        return self.schedule

    @property
    def conn_ids(self) -> tuple[str, ...]:
        """The connections that the tasks name, each once, in the tasks' order."""
        return tuple(dict.fromkeys(task.conn_id for task in self.tasks if task.conn_id))

    def digest(self) -> str:
        """A hash of all that matters when the DAG runs: equal digests, same version."""
        data = self.to_json()
        for task in data["tasks"]:
            task.pop("line", None)
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _interval_words(seconds: float) -> str:
    """``15 min``, ``1 d 6 h``, ``90.5 s``."""
    parts = []
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count:g} {word}")
    if seconds or not parts:
        parts.append(f"{seconds:g} s")
    return " ".join(parts)


TRIGGER_RULES = frozenset(rule.value for rule in TriggerRule)
#: The key that marks a reference to what another task left, in arguments.
XCOM_MARK = "__xcom__"


def _without_defaults(spec: DagSpec | TaskSpec) -> dict[str, Any]:
    values = ((each, getattr(spec, each.name)) for each in fields(spec))
    return {
        each.name: list(value) if isinstance(value, tuple) else value
        for each, value in values
        if value != (each.default if each.default_factory is MISSING else each.default_factory())
    }


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
    if len(dag.tasks) > MOST_TASKS:
        raise SpecError(f"DAG {dag.dag_id!r} has {len(dag.tasks):,} tasks; {MOST_TASKS:,} may be.")
    known: set[str] = set()
    for task in dag.tasks:
        check_key(task.task_id, what="task_id")
        if task.task_id in known:
            raise SpecError(f"DAG {dag.dag_id!r} has two tasks {task.task_id!r}.")
        known.add(task.task_id)
    for task in dag.tasks:
        if task.trigger_rule not in TRIGGER_RULES:
            raise SpecError(f"Task {task.task_id!r} has the unknown rule {task.trigger_rule!r}.")
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
