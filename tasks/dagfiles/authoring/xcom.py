"""``task.output``: what a task will have left, as an argument of another task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.links import Linkable
from tasks.dagfiles.authoring.values import Reference

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.operators import Task

RETURN_VALUE = "return_value"


class XComArg(Linkable, Reference):
    """Stands for one value that ``operator`` leaves; in an arrow, for the task itself."""

    __slots__ = ("key", "operator")

    def __init__(self, operator: Task, key: str = RETURN_VALUE) -> None:
        self.operator: Task = operator
        self.key = key

    @property
    def roots(self) -> list[Task]:
        return [self.operator]

    @property
    def leaves(self) -> list[Task]:
        return [self.operator]

    def __getitem__(self, key: object) -> XComArg:
        if not isinstance(key, str):
            raise ArgumentProblem(
                f"The output of task {self.operator.task_id!r} can be taken by a key that is a "
                f"text, not by {key!r}: take it apart inside the task that gets it."
            )
        return XComArg(self.operator, key)

    def __iter__(self) -> Iterator[Any]:
        raise ArgumentProblem(
            f"The output of task {self.operator.task_id!r} isn't known while the file is read, "
            "so nothing can loop over it."
        )

    def __str__(self) -> str:
        """As a template, as Airflow has it: for use inside a longer text."""
        key = "" if self.key == RETURN_VALUE else f", key={self.key!r}"
        return f"{{{{ ti.xcom_pull(task_ids={self.operator.task_id!r}{key}) }}}}"

    def _refuse(self, *given: object, **named: object) -> NoReturn:
        del given, named
        raise ArgumentProblem(
            "map, zip and concat belong to dynamic task mapping, which Patchbay doesn't have."
        )

    map = zip = concat = _refuse
