"""The operators of a DAG file, made from the declarations in ``tasks.operators``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.settings import TASK_SETTINGS
from tasks.dagfiles.authoring.values import plain
from tasks.operators.base import Operator
from tasks.spec import check_key

#: The rule of Airflow's REST API. A template is checked once it is filled in.
CONN_ID = re.compile(r"[\w.-]{1,200}")
CONN_ID_TEMPLATE_LENGTH = 250


class Task:
    """One task of a DAG file: what its operator was called with, and the tasks before it.

    The slots make an assignment to an attribute that nothing reads an error.
    """

    __slots__ = ("arguments", "dag", "line", "settings", "task_id", "upstream")

    declaration: ClassVar[type[Operator]]

    def __init_subclass__(cls) -> None:
        if "declaration" not in vars(cls):
            raise ArgumentProblem(f"{cls.__name__}: an operator of your own can't run in Patchbay.")

    def __init__(self, *positional: object, task_id: str = "", **given: Any) -> None:
        name = self.declaration.name
        if positional:
            raise ArgumentProblem(f"{name}: give every argument by its name, task_id='…' too.")
        self.task_id = check_key(task_id, what=f"task_id of {name}")
        self.line = READING.line()
        self.dag = _dag_of(task_id, given.pop("dag", None))
        self.upstream: set[Task] = set()
        merged = self._with_defaults(given)
        self.settings = {key: merged.pop(key) for key in TASK_SETTINGS if key in merged}
        for key, value in self.settings.items():
            TASK_SETTINGS[key].check(f"Task {task_id!r}", value)
        self.arguments = {key: plain(value, where=key) for key, value in merged.items()}
        self.declaration.check(self.arguments)
        _check_conn_id(self.declaration.connection_argument, self.conn_id)
        self.dag.add_task(self)

    def _with_defaults(self, given: dict[str, Any]) -> dict[str, Any]:
        """``default_args`` of the DAG, then of the operator, then what the call gives."""
        own = given.pop("default_args", None) or {}
        known = {argument.name for argument in self.declaration.arguments} | set(TASK_SETTINGS)
        defaults: Mapping[str, Any] = {**self.dag.default_args, **own}
        for key in given:
            if key not in known:  # before its value is looked at: a callback has none to keep
                raise ArgumentProblem(f"{self.declaration.name} has no argument {key!r}.")
        self.dag.used_defaults.update(known & defaults.keys())
        return {**{key: defaults[key] for key in defaults if key in known}, **given}

    @property
    def conn_id(self) -> str:
        given: str | None = self.arguments.get(self.declaration.connection_argument)
        return self.declaration.default_conn_id if given is None else given

    @property
    def doc_md(self) -> str | None:
        """Settable, because Airflow's own examples set it after the task is made."""
        text: str | None = self.settings.get("doc_md")
        return text

    @doc_md.setter
    def doc_md(self, text: str | None) -> None:
        self.settings["doc_md"] = text

    def set_upstream(self, task_or_task_list: object) -> None:
        for task in tasks_in(task_or_task_list):
            link(task, self)

    def set_downstream(self, task_or_task_list: object) -> None:
        for task in tasks_in(task_or_task_list):
            link(self, task)

    def __rshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return other

    def __lshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return other

    def __rrshift__(self, other: Any) -> Task:
        self.set_upstream(other)
        return self

    def __rlshift__(self, other: Any) -> Task:
        self.set_downstream(other)
        return self


def tasks_in(value: object) -> list[Task]:
    """A task, or a list or tuple of tasks, as a list; else ``ArgumentProblem``."""
    items: Iterable[object] = value if isinstance(value, list | tuple) else [value]
    tasks = [item for item in items if isinstance(item, Task)]
    if len(tasks) != len(list(items)):
        raise ArgumentProblem(
            "Only a task or a list of tasks can stand before or after another task."
        )
    return tasks


def link(before: Task, after: Task) -> None:
    """Let ``after`` wait for ``before``; both must be of one DAG."""
    if before.dag is not after.dag:
        raise ArgumentProblem(
            f"{before.task_id!r} of DAG {before.dag.dag_id!r} and {after.task_id!r} of DAG "
            f"{after.dag.dag_id!r} can't be linked: they are of different DAGs."
        )
    after.upstream.add(before)


def operator_class(declaration: type[Operator]) -> type[Task]:
    """The class that a DAG file gets under the declaration's name."""
    body = {
        "__slots__": (),
        "__doc__": declaration.__doc__,
        "__module__": declaration.import_paths[0],
        "declaration": declaration,
    }
    return type(declaration.name, (Task,), body)


def _check_conn_id(argument: str, conn_id: str) -> None:
    is_template = "{{" in conn_id and len(conn_id) <= CONN_ID_TEMPLATE_LENGTH
    if not is_template and not CONN_ID.fullmatch(conn_id):
        raise ArgumentProblem(
            f"{argument}={conn_id!r} can't be a connection: its ID has at most 200 letters, "
            "digits, dashes, dots and underscores."
        )


def _dag_of(task_id: str, dag: object) -> DAG:
    if dag is None and READING.opened:
        return READING.opened[-1]
    if not isinstance(dag, DAG):
        raise ArgumentProblem(
            f"Task {task_id!r} has no DAG: make it inside `with DAG(...)` or give it dag=…"
        )
    return dag
