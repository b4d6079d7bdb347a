"""The names of variables and groups in a DAG file that is written."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from tasks.spec import DagSpec, TaskSpec

GROUP_ID = re.compile(r"[\w-]+")
#: Names that the file itself uses.
_TAKEN = frozenset({"DAG", "Param", "TaskGroup", "ZoneInfo", "datetime", "timedelta", "timezone"})


class Groups:
    """The task groups of a DAG: what each is called in the file, and which are made so far.

    A group prefixes the IDs of its tasks if they all begin so. ``are_kept`` is
    false where a file couldn't have them: then the tasks keep their whole IDs.
    """

    def __init__(self, spec: DagSpec) -> None:
        paths = {task.group for task in spec.tasks if task.group} | spec.groups.keys()
        self._paths = sorted({outer for path in paths for outer in _with_outer(path)})
        self._tasks: dict[str, list[str]] = {}
        for task in spec.tasks:
            self._tasks.setdefault(task.group, []).append(task.task_id)
        #: The ID that Airflow gives each group, and whether it prefixes what is in it.
        self._ids: dict[str, str] = {}
        self._prefixes: dict[str, bool] = {}
        for path in self._paths:
            self._settle(path)
        self._made: set[str] = set()
        labels = [path.rpartition(".")[2] for path in self._paths]
        ids = [*self._ids.values(), *spec.by_id]
        self.are_kept = all(map(GROUP_ID.fullmatch, labels)) and len(set(ids)) == len(ids)

    @property
    def paths(self) -> list[str]:
        return self._paths if self.are_kept else []

    def _settle(self, path: str) -> None:
        outer, _, label = path.rpartition(".")
        prefix = f"{self._ids[outer]}." if outer and self._prefixes[outer] else ""
        self._ids[path] = f"{prefix}{label}"
        start = f"{self._ids[path]}."
        names = self._tasks.get(path, [])
        self._prefixes[path] = all(name.startswith(start) and name != start for name in names)

    def make(self, path: str) -> bool:
        """Count the group as made; return whether it prefixes."""
        self._made.add(path)
        return self._prefixes[path]

    def is_made(self, path: str) -> bool:
        return path in self._made

    def empty(self) -> Iterator[str]:
        """Those that no task has made, as long as there are any."""
        for path in self.paths:
            if path not in self._made:
                yield path

    def still_to_open(self, path: str, open_groups: list[str]) -> list[str]:
        """The groups whose ``with`` is needed to be in ``path``, outermost first."""
        if not path or path in open_groups:
            return []
        if path in self._made:
            return [path]
        return [each for each in _with_outer(path) if each not in open_groups]

    def label_of(self, task: TaskSpec) -> str:
        """The task's ID as its group's block has it."""
        if not self.are_kept or not task.group or not self._prefixes[task.group]:
            return task.task_id
        return task.task_id.removeprefix(f"{self._ids[task.group]}.")


def variables(spec: DagSpec, groups: Groups, *, taken: set[str]) -> dict[tuple[str, str], str]:
    """A variable for each ``(task_id, "task")`` and ``(path, "group")``, no two the same."""
    used = {*_TAKEN, *taken}
    found = {}
    for task in spec.tasks:
        found[task.task_id, "task"] = _free(groups.label_of(task), used, spare="task")
    for path in groups.paths:
        found[path, "group"] = _free(path.rpartition(".")[2], used, spare="group")
    return found


def _free(name: str, used: set[str], *, spare: str) -> str:
    core = re.sub(r"[^0-9A-Za-z_]", "_", name)
    if not core.strip("_") or core[0].isdigit() or keyword.iskeyword(core) or core in _TAKEN:
        core = f"{spare}_{core}".rstrip("_")
    if core in used and f"{core}_{spare}" not in used:
        core = f"{core}_{spare}"
    number, chosen = 2, core
    while chosen in used:
        chosen, number = f"{core}_{number}", number + 1
    used.add(chosen)
    return chosen


def _with_outer(path: str) -> list[str]:
    parts = path.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]
