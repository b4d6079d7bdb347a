"""Writes a DAG as an Airflow DAG file, for who made it in the browser and takes it along.

Reading the file gives the same DAG, so no new version. Exceptions: a task that
takes what another leaves waits for it; a time zone without a start date gets
one long ago, because a file can name the zone only there; and groups of one
name under parents that don't prefix it are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from typing import Any
from zoneinfo import ZoneInfo

from tasks.dagfiles.literals import INDENT, Raw, call, literal, seconds_as_text
from tasks.dagfiles.naming import Groups, variables
from tasks.operators import OPERATORS
from tasks.operators.base import Argument
from tasks.spec import XCOM_MARK, DagSpec, RetryOn, TaskSpec

_LONG_AGO = datetime(2021, 1, 1)
_FROM_DATETIME = ("datetime", "timedelta", "timezone")


class NotWritable(ValueError):
    """The words of why a DAG can't be written as a file."""


def airflow_file(spec: DagSpec) -> str:
    """The text of a file for Airflow 3. Raise ``NotWritable`` for a DAG with Python code."""
    if spec.source_digest:
        raise NotWritable(f"DAG {spec.dag_id!r} has Python code: its own file is the one to take.")
    return _File(spec).write()


class _File:
    """One file while it is written."""

    def __init__(self, spec: DagSpec) -> None:
        self.spec = spec
        self.references = {
            task.task_id: _references(task.arguments, spec.by_id) for task in spec.tasks
        }
        self.tasks = self._in_order()
        self.groups = Groups(spec)
        names = {OPERATORS[task.operator].name for task in spec.tasks}
        self.variable = variables(spec, self.groups, taken=names)
        self.used = {"DAG"}
        #: The tasks that need a variable.
        self.named = set().union(
            *self.references.values(),
            *(task.upstream for task in spec.tasks),
            (task.task_id for task in spec.tasks if task.upstream),
        )

    def write(self) -> str:
        head = self._dag()
        body = [*self._tasks(), *self._arrows()]
        return "\n".join([*self._imports(), "", "", f"with {head}:", *body, ""])

    def _in_order(self) -> list[TaskSpec]:
        """As in the DAG, unless a task refers to one that comes later."""
        place = {task.task_id: at for at, task in enumerate(self.spec.tasks)}
        named = self.references
        if all(place[other] < place[name] for name in named for other in named[name]):
            return list(self.spec.tasks)
        before = {task.task_id: {*task.upstream, *named[task.task_id]} for task in self.spec.tasks}
        return [self.spec.by_id[name] for name in TopologicalSorter(before).static_order()]

    # Imports

    def _imports(self) -> Iterator[str]:
        if dates := [name for name in _FROM_DATETIME if name in self.used]:
            yield f"from datetime import {', '.join(dates)}"
        if "ZoneInfo" in self.used:
            yield "from zoneinfo import ZoneInfo"
        if dates or "ZoneInfo" in self.used:
            yield ""
        places: dict[str, set[str]] = {"airflow.sdk": self.used & {"DAG", "Param", "TaskGroup"}}
        for task in self.tasks:
            places.setdefault(_place(task), set()).add(OPERATORS[task.operator].name)
        for path in sorted(places):
            yield f"from {path} import {', '.join(sorted(places[path]))}"

    # The DAG

    def _dag(self) -> str:
        given = {name: value for name, value in self._dag_arguments() if value is not None}
        return call("DAG", [("", self.spec.dag_id), *given.items()])

    def _dag_arguments(self) -> Iterator[tuple[str, Any]]:
        spec = self.spec
        yield "description", spec.description or None
        yield "schedule", self._length(spec.interval) if spec.interval else spec.schedule or None
        yield "start_date", self._moment(spec.start_date or self._date_for_the_zone())
        yield "end_date", self._moment(spec.end_date)
        yield "catchup", spec.catchup or None
        yield "is_paused_upon_creation", spec.is_paused_upon_creation
        yield "max_active_runs", spec.max_active_runs
        yield "max_active_tasks", spec.max_active_tasks
        yield "dagrun_timeout", self._length(spec.dagrun_timeout)
        yield "tags", list(spec.tags) or None
        yield "params", self._params() or None
        yield "doc_md", spec.doc_md or None

    def _date_for_the_zone(self) -> str | None:
        if self.spec.timezone == "UTC":
            return None
        return _LONG_AGO.replace(tzinfo=ZoneInfo(self.spec.timezone)).isoformat()

    def _moment(self, text: str | None) -> Raw | None:
        if text is None:
            return None
        self.used.add("datetime")
        if self.spec.timezone == "UTC":
            self.used.add("timezone")
            zone, at = "timezone.utc", datetime.fromisoformat(text).astimezone(UTC)
        else:
            self.used.add("ZoneInfo")
            zone = f"ZoneInfo({literal(self.spec.timezone)})"
            at = datetime.fromisoformat(text).astimezone(ZoneInfo(self.spec.timezone))
        parts = [at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond]
        while len(parts) > 3 and not parts[-1]:
            parts.pop()
        fold = ", fold=1" if at.fold else ""
        return Raw(f"datetime({', '.join(map(str, parts))}{fold}, tzinfo={zone})")

    def _length(self, seconds: float | None) -> Raw | None:
        if seconds is None:
            return None
        self.used.add("timedelta")
        return seconds_as_text(seconds)

    def _params(self) -> dict[str, Any]:
        spec = self.spec
        names = [*spec.params, *(name for name in spec.param_schemas if name not in spec.params)]
        return {name: self._param(name) for name in names}

    def _param(self, name: str) -> Any:
        if name not in self.spec.param_schemas:
            return self.spec.params[name]
        self.used.add("Param")
        given = [("", self.spec.params[name])] if name in self.spec.params else []
        schema = self.spec.param_schemas[name]
        return Raw(call("Param", [*given, ("schema", schema)], INDENT * 2))

    # Tasks

    def _tasks(self) -> Iterator[str]:
        open_groups: list[str] = []
        for task in self.tasks:
            yield from self._enter(task.group if self.groups.are_kept else "", open_groups)
            yield self._task(task, INDENT * (len(open_groups) + 1))
        for path in self.groups.empty():
            yield from self._enter(path, open_groups)
            yield f"{INDENT * (len(open_groups) + 1)}pass"

    def _enter(self, path: str, open_groups: list[str]) -> Iterator[str]:
        while open_groups and not f"{path}.".startswith(f"{open_groups[-1]}."):
            open_groups.pop()
        for each in self.groups.still_to_open(path, open_groups):
            indent = INDENT * (len(open_groups) + 1)
            if self.groups.is_made(each):
                yield f"{indent}with {self.variable[each, 'group']}:"
            else:
                self.used.add("TaskGroup")
                made = self._group(each, indent)
                yield f"{indent}with {made} as {self.variable[each, 'group']}:"
            open_groups.append(each)

    def _group(self, path: str, indent: str) -> str:
        label = path.rpartition(".")[2]
        given: list[tuple[str, Any]] = [("", label)]
        if not self.groups.make(path):
            given.append(("prefix_group_id", False))
        if tooltip := self.spec.groups.get(path):
            given.append(("tooltip", tooltip))
        return call("TaskGroup", given, indent)

    def _task(self, task: TaskSpec, indent: str) -> str:
        made = call(OPERATORS[task.operator].name, self._task_arguments(task), indent)
        start = f"{self.variable[task.task_id, 'task']} = " if task.task_id in self.named else ""
        return f"{indent}{start}{made}"

    def _task_arguments(self, task: TaskSpec) -> Iterator[tuple[str, Any]]:
        declaration = OPERATORS[task.operator]
        yield "task_id", self.groups.label_of(task)
        for argument in declaration.arguments:
            if argument.name in task.arguments:
                yield argument.name, self._value(task.arguments[argument.name], argument)
        if declaration.connection_argument and task.conn_id:
            yield declaration.connection_argument, task.conn_id
        for name, value in self._settings(task):
            if value is not None:
                yield name, value

    def _settings(self, task: TaskSpec) -> Iterator[tuple[str, Any]]:
        backoff = task.retry_exponential_backoff
        is_own_delay = task.retry_delay != TaskSpec.retry_delay
        yield "trigger_rule", _unless_default(task, "trigger_rule")
        yield "retries", _unless_default(task, "retries")
        yield "retry_delay", self._length(task.retry_delay) if is_own_delay else None
        yield "retry_exponential_backoff", (True if backoff == 2 else backoff) if backoff else None
        yield "max_retry_delay", self._length(task.max_retry_delay)
        yield "execution_timeout", self._length(task.execution_timeout)
        yield "queue", _unless_default(task, "queue")
        if task.retry_on != RetryOn.TRANSIENT.value:
            yield "executor_config", {"patchbay": {"retry_on": task.retry_on}}
        yield "doc_md", task.doc_md or None

    def _value(self, value: Any, argument: Argument) -> Any:
        if isinstance(value, str):
            # A text that ends like a file's name would be taken for one.
            return f"{value}\n" if argument.files and value.endswith(argument.files) else value
        if isinstance(value, list):
            return [self._value(item, argument) for item in value]
        if not isinstance(value, dict):
            return value
        if XCOM_MARK not in value:
            return {key: self._value(item, argument) for key, item in value.items()}
        key = value.get("key", "return_value")
        taken = "" if key == "return_value" else f"[{literal(key)}]"
        return Raw(f"{self.variable[value[XCOM_MARK], 'task']}.output{taken}")

    # Arrows

    def _arrows(self) -> list[str]:
        lines: list[str] = []
        last = ""
        for task in self.tasks:
            wanted = [name for name in task.upstream if name not in self.references[task.task_id]]
            if not wanted:
                continue
            after = self.variable[task.task_id, "task"]
            if wanted == [last]:
                lines[-1] += f" >> {after}"
            else:
                names = Raw(", ".join(self.variable[name, "task"] for name in wanted))
                before = names if len(wanted) == 1 else f"[{names}]"
                lines.append(f"{INDENT}{before} >> {after}")
            last = task.task_id
        return ["", *lines] if lines else []


def _place(task: TaskSpec) -> str:
    """The module of Airflow 3 where there are several."""
    paths = OPERATORS[task.operator].import_paths
    return next((path for path in paths if path.startswith("airflow.providers.")), paths[0])


def _unless_default(task: TaskSpec, name: str) -> Any:
    value = getattr(task, name)
    return None if value == getattr(TaskSpec, name) else value


def _references(value: Any, known: dict[str, TaskSpec]) -> set[str]:
    """The tasks whose outputs stand in ``value``."""
    if isinstance(value, dict):
        if XCOM_MARK in value:
            return {value[XCOM_MARK]} & known.keys()
        return set().union(*(_references(item, known) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(item, known) for item in value))
    return set()
