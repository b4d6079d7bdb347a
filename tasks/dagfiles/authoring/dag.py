"""The ``DAG`` of a DAG file, and ``@dag``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.moments import moment, zone_name
from tasks.dagfiles.authoring.params import params_of
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.schedule import schedule_of
from tasks.dagfiles.authoring.settings import DAG_SETTINGS, check_settings
from tasks.dagfiles.authoring.values import plain
from tasks.spec import check_key

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.groups import TaskGroup
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
        "end",
        "folder",
        "groups",
        "interval",
        "line",
        "made_in",
        "open_groups",
        "param_schemas",
        "params",
        "schedule",
        "settings",
        "start",
        "tags",
        "task_dict",
        "timezone",
        "used_defaults",
    )

    def __init__(self, dag_id: str = "", description: str | None = None, **given: Any) -> None:
        self.dag_id = check_key(dag_id, what="dag_id")
        self.line = READING.line()
        self.made_in = READING.module_file()
        self.folder = READING.code_folder()
        self._refuse_unknown(given)
        self.description = description
        self.doc_md: str | None = given.get("doc_md")
        self.default_args = _dict("default_args", given.get("default_args"))
        self.settings = {name: given[name] for name in DAG_SETTINGS if name in given}
        check_settings(lambda: f"DAG {dag_id!r}", self.settings, DAG_SETTINGS)
        self.used_defaults: set[str] = set()
        self.start = moment(self._bound("start_date"), where="start_date")
        self.end = moment(self._bound("end_date"), where="end_date")
        self.timezone = zone_name(self.start.tzinfo if self.start else None, where="start_date")
        self.schedule, self.interval = schedule_of(_schedule(given), self.timezone)
        self.tags = _tags(given.get("tags"))
        self.params, self.param_schemas = params_of(self._params(given.get("params")))
        self.task_dict: dict[str, Task] = {}
        self.groups: dict[str, TaskGroup] = {}
        self.open_groups: list[TaskGroup] = []
        READING.made.append(self)

    def __enter__(self) -> DAG:
        READING.opened.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        READING.opened.pop()
        if self not in READING.entered and self.settings.get("auto_register", True):
            READING.entered.append(self)

    @property
    def tasks(self) -> list[Task]:
        return list(self.task_dict.values())

    @property
    def task_ids(self) -> list[str]:
        return list(self.task_dict)

    def get_task(self, task_id: str) -> Task:
        """Raise ``ArgumentProblem`` where the DAG has no such task."""
        if task_id not in self.task_dict:
            raise ArgumentProblem(f"DAG {self.dag_id!r} has no task {task_id!r}.")
        return self.task_dict[task_id]

    def add_task(self, task: Task) -> None:
        """Raise ``ArgumentProblem`` where the DAG has a task or a group of that id."""
        first: Task | TaskGroup | None = self.task_dict.get(task.task_id)
        if first is not None:
            at = f" (the first in line {first.line})" if first.line else ""
            raise ArgumentProblem(f"DAG {self.dag_id!r} has two tasks {task.task_id!r}{at}.")
        if task.task_id in self.groups:
            raise ArgumentProblem(
                f"DAG {self.dag_id!r} has a task group {task.task_id!r}: "
                "a task can't have the same ID."
            )
        self.task_dict[task.task_id] = task

    def _refuse_unknown(self, given: Mapping[str, Any]) -> None:
        for name in given:
            if name not in _OWN and name not in DAG_SETTINGS:
                raise ArgumentProblem(
                    f"DAG {self.dag_id!r}: the argument {name!r} isn't supported."
                )

    def _bound(self, name: str) -> Any:
        """``start_date`` or ``end_date``, which may stand in ``default_args`` too."""
        if name in self.default_args:
            self.used_defaults.add(name)
        given = self.settings.get(name)
        return self.default_args.get(name) if given is None else given

    def _params(self, given: object) -> dict[str, Any]:
        more = _dict("default_args['params']", self.default_args.pop("params", None))
        return {**_dict("params", given), **more}


def dag(dag_id: object = "", **given: Any) -> Any:
    """Make a DAG of a function: ``@dag`` or ``@dag(schedule=…)``; calling it makes the DAG."""
    if callable(dag_id):
        return _factory(dag_id, "", {})

    def decorate(function: Callable[..., Any]) -> Callable[..., DAG]:
        return _factory(function, dag_id, given)

    return decorate


def _factory(
    function: Callable[..., Any], dag_id: Any, given: dict[str, Any]
) -> Callable[..., DAG]:
    @wraps(function)
    def make(*args: Any, **kwargs: Any) -> DAG:
        made = DAG(dag_id or function.__name__, **{"doc_md": inspect.getdoc(function), **given})
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        taken = {name: _as_param(made, name, value) for name, value in bound.arguments.items()}
        bound.arguments.update(taken)
        with made:
            function(*bound.args, **bound.kwargs)
        return made

    decorated: Callable[..., DAG] = make
    return decorated


def _as_param(made: DAG, name: str, value: object) -> str:
    """An argument of a ``@dag`` function is a param, which a run may give another value."""
    if not isinstance(value, str):
        raise ArgumentProblem(
            f"DAG {made.dag_id!r}: the argument {name!r} of a @dag function must be a text: "
            f"name it in params and write {{{{ params.{name} }}}} for a {type(value).__name__}."
        )
    made.params.setdefault(name, plain(value, where=name))
    return f"{{{{ params.{name} }}}}"


def _schedule(given: Mapping[str, Any]) -> object:
    if "schedule" in given and "schedule_interval" in given:
        raise ArgumentProblem("Give schedule or schedule_interval (its older name), not both.")
    return given.get("schedule", given.get("schedule_interval"))


def _tags(value: object) -> list[str]:
    tags = plain(value or [], where="tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ArgumentProblem("tags must be a list of texts.")
    return tags


def _dict(name: str, value: object) -> dict[str, Any]:
    if value is not None and not isinstance(value, Mapping):
        raise ArgumentProblem(f"{name} must be a dict, not {type(value).__name__}.")
    return dict(value or {})
