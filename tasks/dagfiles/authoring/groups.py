"""``TaskGroup`` and ``@task_group``: tasks that are linked and shown together."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.links import Linkable
from tasks.dagfiles.authoring.reading import READING
from tasks.spec import KEY_MAX_LENGTH

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.operators import Task

#: Airflow's rule: as for a task, but a dot parts a group from what is in it.
GROUP_ID = re.compile(r"[\w-]+")
#: Accepted, and not shown here.
_SHOWN_ELSEWHERE = frozenset({"doc_md", "group_display_name", "ui_color", "ui_fgcolor"})


class TaskGroup(Linkable):
    """Tasks under one name. An arrow to it leads to its first tasks, one from it to its last.

    ``path`` has the names of the groups around it before its own;  ``group_id``
    only those that prefix what is in them, as in Airflow.
    """

    __slots__ = (
        "before",
        "dag",
        "default_args",
        "group_id",
        "line",
        "parent_group",
        "path",
        "prefix_group_id",
        "tasks",
        "tooltip",
    )

    def __init__(
        self,
        group_id: str = "",
        prefix_group_id: bool = True,
        parent_group: TaskGroup | None = None,
        dag: DAG | None = None,
        default_args: dict[str, Any] | None = None,
        tooltip: str = "",
        add_suffix_on_collision: bool = False,
        **shown: Any,
    ) -> None:
        label = _check_group_id(group_id)
        _refuse_unknown(label, shown)
        self.line = READING.line()
        self.dag: DAG = dag_around(
            f"Task group {label!r}", dag or (parent_group and parent_group.dag)
        )
        self.parent_group: TaskGroup | None = parent_group or open_group(self.dag)
        if add_suffix_on_collision:
            label = self._free(label)
        self.group_id = child_id(self.parent_group, label)
        outer = self.parent_group
        self.path: str = f"{outer.path}.{label}" if outer else label
        self.prefix_group_id = prefix_group_id
        self.default_args: dict[str, Any] = {
            **(outer.default_args if outer else {}),
            **(default_args or {}),
        }
        self.tooltip = tooltip
        self.tasks: list[Task] = []
        self.before: list[Linkable] = []
        self._register()

    def _free(self, label: str) -> str:
        return suffixed(label, self.dag.groups, lambda name: child_id(self.parent_group, name))

    def _register(self) -> None:
        if self.group_id in self.dag.groups or self.group_id in self.dag.task_dict:
            raise ArgumentProblem(
                f"DAG {self.dag.dag_id!r} has a task or a task group {self.group_id!r} already."
            )
        if len(self.path) > KEY_MAX_LENGTH:
            raise ArgumentProblem(
                f"The ID of task group {self.path[:40]!r}… is longer than {KEY_MAX_LENGTH}."
            )
        self.dag.groups[self.group_id] = self

    def child_id(self, label: str) -> str:
        """The ID of what is called ``label`` in this group."""
        return child_id(self, label)

    def add(self, task: Task) -> None:
        """Count a new task as one of this group and of those around it."""
        self.tasks.append(task)
        if self.parent_group:
            self.parent_group.add(task)

    @property
    def roots(self) -> list[Task]:
        inside = set(self.tasks)
        return [task for task in self.tasks if inside.isdisjoint(task.upstream)]

    @property
    def leaves(self) -> list[Task]:
        """Without tasks of its own, those that it was linked after."""
        if not self.tasks:
            return [task for each in self.before for task in each.leaves]
        followed = {other for task in self.tasks for other in task.upstream}
        return [task for task in self.tasks if task not in followed]

    def follow(self, before: Linkable) -> None:
        self.before.append(before)
        super().follow(before)

    def __enter__(self) -> TaskGroup:
        self.dag.open_groups.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        self.dag.open_groups.pop()


class GroupFunction:
    """What ``@task_group`` makes of a function: calling it makes the group."""

    def __init__(self, function: Callable[..., Any], given: dict[str, Any]) -> None:
        self.function = function
        self.given = given
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns, or the group itself where that is nothing."""
        name = getattr(self.function, "__name__", "")
        defaults = {"group_id": name, "tooltip": (self.function.__doc__ or "").strip()}
        with TaskGroup(**{**defaults, "add_suffix_on_collision": True, **self.given}) as group:
            returned = self.function(*args, **kwargs)
        return group if returned is None else returned

    def override(self, **given: Any) -> GroupFunction:
        return GroupFunction(self.function, {**self.given, **given})

    def expand(self, *args: object, **kwargs: object) -> None:
        del args, kwargs
        raise ArgumentProblem("Dynamic task mapping (expand, partial) isn't supported.")

    partial = expand_kwargs = expand


def task_group(group_id: object = "", **given: Any) -> Any:
    """``@task_group`` or ``@task_group(group_id=…, tooltip=…)``."""
    if callable(group_id):
        return GroupFunction(group_id, given)
    if group_id:
        given["group_id"] = group_id
    return lambda function: GroupFunction(function, given)


def dag_around(what: str, dag: object) -> DAG:
    """The DAG that was given, or whose ``with`` is open; else ``ArgumentProblem``."""
    if dag is None and READING.opened:
        return READING.opened[-1]
    if not isinstance(dag, DAG):
        raise ArgumentProblem(f"{what} has no DAG: make it inside `with DAG(...)` or give it dag=…")
    return dag


def open_group(dag: DAG) -> TaskGroup | None:
    return dag.open_groups[-1] if dag.open_groups else None


def child_id(group: TaskGroup | None, label: str) -> str:
    if group is None or not group.prefix_group_id:
        return label
    return f"{group.group_id}.{label}"


def suffixed(label: str, taken: Any, whole: Callable[[str], str]) -> str:
    """``label``, or the next free of ``label__1``, ``label__2`` …; ``whole`` makes it an ID."""
    if whole(label) not in taken:
        return label
    core = re.sub(r"__\d+$", "", label)
    pattern = re.compile(rf"{re.escape(whole(core))}__(\d+)")
    numbers = [int(found[1]) for found in map(pattern.fullmatch, taken) if found]
    return f"{core}__{max(numbers, default=0) + 1}"


def _check_group_id(group_id: object) -> str:
    if not isinstance(group_id, str) or not GROUP_ID.fullmatch(group_id):
        raise ArgumentProblem(
            f"group_id {group_id!r} can't be: it may have only letters, digits, dashes and "
            "underscores."
        )
    return group_id


def _refuse_unknown(group_id: str, given: dict[str, Any]) -> None:
    for name in given:
        if name not in _SHOWN_ELSEWHERE:
            raise ArgumentProblem(f"Task group {group_id!r}: {name!r} isn't supported.")
