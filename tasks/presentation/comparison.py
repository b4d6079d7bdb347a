"""Two versions of a DAG: which tasks came and went, what of them changed, the source's lines."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tasks.models import DagVersion
from tasks.spec import DagSpec, TaskSpec

#: Comparing more lines takes long, and nobody reads it.
MOST_LINES = 5_000
CONTEXT = 3
#: These are told in other ways, or mean nothing to a reader.
_NOT_SETTINGS = frozenset({"dag_id", "tasks", "source_digest"})
_NOT_FIELDS = frozenset({"task_id", "arguments", "line"})


@dataclass(frozen=True)
class DiffLine:
    """A line of a text that changed; ``kind`` is ``same``, ``added``, ``removed`` or ``gap``.

    The numbers are those of the line in the old and the new text; 0 where it isn't.
    """

    kind: str
    text: str
    old: int = 0
    new: int = 0


@dataclass(frozen=True)
class Change:
    """A field before and after, as words; texts of several lines as a ``diff`` instead."""

    name: str
    before: str
    after: str
    diff: tuple[DiffLine, ...] = ()


@dataclass(frozen=True)
class TaskChange:
    task_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    """``source`` is empty where the text is the same; ``is_long`` where it is too long."""

    added: tuple[TaskSpec, ...]
    removed: tuple[TaskSpec, ...]
    changed: tuple[TaskChange, ...]
    settings: tuple[Change, ...]
    source: tuple[DiffLine, ...]
    is_reordered: bool
    is_long: bool

    @property
    def is_same(self) -> bool:
        parts = (self.added, self.removed, self.changed, self.settings, self.source)
        return not any(parts) and not self.is_reordered and not self.is_long


def compare(old: DagVersion, new: DagVersion) -> Comparison:
    """What changed from ``old`` to ``new``."""
    before, after = old.parsed, new.parsed
    both = [task_id for task_id in after.by_id if task_id in before.by_id]
    changed = [
        TaskChange(task_id, changes)
        for task_id in both
        if (changes := _task_changes(before.task(task_id), after.task(task_id)))
    ]
    is_long = max(old.source.count("\n"), new.source.count("\n")) > MOST_LINES
    return Comparison(
        added=tuple(task for task in after.tasks if task.task_id not in before.by_id),
        removed=tuple(task for task in before.tasks if task.task_id not in after.by_id),
        changed=tuple(changed),
        settings=_setting_changes(before, after),
        source=() if is_long else line_diff(old.source, new.source),
        is_reordered=[each for each in before.by_id if each in after.by_id] != both,
        is_long=is_long and old.source != new.source,
    )


def _setting_changes(before: DagSpec, after: DagSpec) -> tuple[Change, ...]:
    names = [each.name for each in fields(DagSpec) if each.name not in _NOT_SETTINGS]
    return _changes({name: (getattr(before, name), getattr(after, name)) for name in names})


def _task_changes(before: TaskSpec, after: TaskSpec) -> tuple[Change, ...]:
    names = [each.name for each in fields(TaskSpec) if each.name not in _NOT_FIELDS]
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return _changes(pairs) + _changes(_leaves(before.arguments, after.arguments))


def _leaves(
    before: Mapping[str, Any], after: Mapping[str, Any], path: str = ""
) -> dict[str, tuple[Any, Any]]:
    """The values at each path, down to where one side is no object."""
    found: dict[str, tuple[Any, Any]] = {}
    for key in dict.fromkeys([*before, *after]):
        old, new, name = before.get(key), after.get(key), f"{path}{key}"
        if isinstance(old, dict) and isinstance(new, dict):
            found |= _leaves(old, new, f"{name}.")
        else:
            found[name] = old, new
    return found


def _changes(pairs: Mapping[str, tuple[Any, Any]]) -> tuple[Change, ...]:
    return tuple(_change(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1])


def _change(name: str, before: Any, after: Any) -> Change:
    old, new = _as_text(before), _as_text(after)
    if "\n" in old or "\n" in new:
        return Change(name, "", "", line_diff(old, new))
    return Change(name, old, new)


def _as_text(value: Any) -> str:
    """Empty for nothing."""
    if isinstance(value, str):
        return value
    if value is None or value in ((), [], {}):
        return ""
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict) else None)


def line_diff(old: str, new: str) -> tuple[DiffLine, ...]:
    """The lines that differ, with some around them; empty where none does."""
    a, b = old.splitlines(), new.splitlines()
    if a == b:
        return ()
    lines: list[DiffLine] = []
    groups = difflib.SequenceMatcher(None, a, b).get_grouped_opcodes(CONTEXT)
    for group in groups:
        if lines or group[0][1] > 0:
            lines.append(DiffLine("gap", "…"))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                pairs = zip(range(i1, i2), range(j1, j2), strict=True)
                lines += [DiffLine("same", a[i], i + 1, j + 1) for i, j in pairs]
                continue
            lines += [DiffLine("removed", a[i], old=i + 1) for i in range(i1, i2)]
            lines += [DiffLine("added", b[j], new=j + 1) for j in range(j1, j2)]
    return tuple(lines)
