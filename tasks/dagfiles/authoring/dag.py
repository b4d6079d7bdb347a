"""The ``DAG`` of a DAG file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.schedule import schedule_text
from tasks.dagfiles.authoring.settings import DAG_SETTINGS
from tasks.dagfiles.authoring.values import plain
from tasks.spec import check_key

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.operators import Task

_OWN = ("schedule", "schedule_interval", "default_args", "tags", "params", "doc_md")


class DAG:
    """Airflow's ``DAG`` with the arguments that Patchbay knows.

    An argument that it doesn't know is an ``ArgumentProblem``. The slots make
    an assignment to anything else an error too, instead of a silent nothing.
    """

    __slots__ = (
        "dag_id",
        "default_args",
        "description",
        "doc_md",
        "line",
        "made_in",
        "params",
        "schedule",
        "settings",
        "tags",
        "tasks",
        "used_defaults",
    )

    def __init__(self, dag_id: str = "", description: str | None = None, **given: Any) -> None:
        self.dag_id = check_key(dag_id, what="dag_id")
        self._refuse_unknown(given)
        self.description = description
        self.doc_md: str | None = given.get("doc_md")
        self.schedule = _schedule(given)
        self.tags = _tags(given.get("tags"))
        self.params: dict[str, Any] = _dict("params", given.get("params"))
        self.default_args = _dict("default_args", given.get("default_args"))
        self.settings = {name: given[name] for name in DAG_SETTINGS if name in given}
        for name, value in self.settings.items():
            DAG_SETTINGS[name].check(f"DAG {dag_id!r}", value)
        self.tasks: dict[str, Task] = {}
        self.used_defaults: set[str] = set()
        self.line = READING.line()
        self.made_in = READING.module_file()
        READING.made.append(self)

    def __enter__(self) -> DAG:
        READING.opened.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        READING.opened.pop()
        if self not in READING.entered:
            READING.entered.append(self)

    def add_task(self, task: Task) -> None:
        """Raise ``ArgumentProblem`` where the DAG has a task of that id."""
        first = self.tasks.get(task.task_id)
        if first is not None:
            at = f" (the first in line {first.line})" if first.line else ""
            raise ArgumentProblem(f"DAG {self.dag_id!r} has two tasks {task.task_id!r}{at}.")
        self.tasks[task.task_id] = task

    def _refuse_unknown(self, given: Mapping[str, Any]) -> None:
        for name in given:
            if name not in _OWN and name not in DAG_SETTINGS:
                raise ArgumentProblem(
                    f"DAG {self.dag_id!r}: the argument {name!r} isn't supported."
                )


def _schedule(given: Mapping[str, Any]) -> str | None:
    if "schedule" in given and "schedule_interval" in given:
        raise ArgumentProblem("Give schedule or schedule_interval (its older name), not both.")
    return schedule_text(given.get("schedule", given.get("schedule_interval")))


def _tags(value: object) -> list[str]:
    tags = plain(value or [], where="tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ArgumentProblem("tags must be a list of texts.")
    return tags


def _dict(name: str, value: object) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise ArgumentProblem(f"{name} must be a dict, not {type(value).__name__}.")
    return dict(value or {})
