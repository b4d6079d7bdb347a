"""``>>`` and ``<<`` between tasks, groups of tasks, what a task leaves, and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.dagfiles.authoring.errors import ArgumentProblem

if TYPE_CHECKING:
    from tasks.dagfiles.authoring.operators import Task


class Linkable:
    """What can stand on either side of an arrow."""

    __slots__ = ()

    @property
    def roots(self) -> list[Task]:
        """The tasks that wait for what comes before."""
        raise NotImplementedError

    @property
    def leaves(self) -> list[Task]:
        """The tasks that what comes after waits for."""
        raise NotImplementedError

    def precede(self, after: Linkable) -> None:
        after.follow(self)

    def follow(self, before: Linkable) -> None:
        leaves = before.leaves
        for root in self.roots:
            for leaf in leaves:
                link(leaf, root)

    def set_upstream(self, task_or_task_list: object, edge_modifier: object = None) -> None:
        del edge_modifier
        join(task_or_task_list, self)

    def set_downstream(self, task_or_task_list: object, edge_modifier: object = None) -> None:
        del edge_modifier
        join(self, task_or_task_list)

    def __rshift__(self, other: Any) -> Any:
        join(self, other)
        return other

    def __lshift__(self, other: Any) -> Any:
        join(other, self)
        return other

    def __rrshift__(self, other: Any) -> Linkable:
        join(other, self)
        return self

    def __rlshift__(self, other: Any) -> Linkable:
        join(self, other)
        return self


class Label(Linkable):
    """The words on an arrow: ``a >> Label("words") >> b``. They are not shown here."""

    __slots__ = ("after", "before", "label")

    def __init__(self, label: str = "") -> None:
        self.label = label
        self.before: list[Linkable] = []
        self.after: list[Linkable] = []

    @property
    def roots(self) -> list[Task]:
        return [task for each in self.after for task in each.roots]

    @property
    def leaves(self) -> list[Task]:
        return [task for each in self.before for task in each.leaves]

    def precede(self, after: Linkable) -> None:
        self.after.append(after)
        for before in self.before:
            before.precede(after)

    def follow(self, before: Linkable) -> None:
        self.before.append(before)
        for after in self.after:
            before.precede(after)


def link(before: Task, after: Task) -> None:
    """Let ``after`` wait for ``before``; both must be of one DAG."""
    if before.dag is not after.dag:
        raise ArgumentProblem(
            f"{before.task_id!r} of DAG {before.dag.dag_id!r} and {after.task_id!r} of DAG "
            f"{after.dag.dag_id!r} can't be linked: they are of different DAGs."
        )
    after.upstream.add(before)


def join(before: object, after: object) -> None:
    """Let all of ``after`` wait for all of ``before``; either may be a list."""
    to_the_right = linkables(after)
    for left in linkables(before):
        for right in to_the_right:
            left.precede(right)


def linkables(value: object) -> Sequence[Linkable]:
    """Raise ``ArgumentProblem`` for what can't be linked."""
    items: Sequence[object] = value if isinstance(value, list | tuple) else [value]
    found = [item for item in items if isinstance(item, Linkable)]
    if len(found) != len(items):
        wrong = next(item for item in items if not isinstance(item, Linkable))
        raise ArgumentProblem(
            "Only a task, a task group or a list of them can stand before or after a task, "
            f"not {_words(wrong)}."
        )
    return found


def _words(value: object) -> str:
    name = getattr(value, "__name__", "")
    if callable(value) and name:
        return f"the function {name}: call it with {name}()"
    return "None" if value is None else f"{type(value).__name__} {value!r}"[:80]
