"""The order in which a DAG's tasks are shown and numbered: each after those that it waits for.

Tasks of a group stand together, where that can be; whatever is left open by
that follows the order of the file. Only the standard library is used here, for
the same reason as in ``tasks.spec``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

#: Begins the key of a group, which no task_id can.
_GROUP = "group:"


class Place(NamedTuple):
    """What the order of a task follows from."""

    task_id: str
    upstream: tuple[str, ...]
    group: str


def in_order(tasks: Sequence[Place]) -> list[str]:
    """The task_ids. Tasks in a loop stand as in the file, before what is behind them."""
    if _is_in_order(tasks):
        return [task.task_id for task in tasks]
    flat: set[str] = set()
    while True:
        paths = {task.task_id: _path(task, flat) for task in tasks}
        looped: set[str] = set()
        levels = {
            level: _sorted(members, links, looped)
            for level, (members, links) in _levels(tasks, paths).items()
        }
        # A group before and behind the same task can't stand together.
        flat_too = {key.removeprefix(_GROUP) for key in looped if key.startswith(_GROUP)}
        if not flat_too:
            return _unfolded(levels)
        flat |= flat_too


def _is_in_order(tasks: Sequence[Place]) -> bool:
    """Most are: a file names first what comes first."""
    seen: set[str] = set()
    left: set[str] = set()
    around: tuple[str, ...] = ()
    for task in tasks:
        groups = _path(task, ())[:-1]
        if groups != around:
            left.update(name for name in around if name not in groups)
            around = groups
        if not seen.issuperset(task.upstream) or not left.isdisjoint(groups):
            return False
        seen.add(task.task_id)
    return True


def _path(task: Place, flat: Collection[str]) -> tuple[str, ...]:
    """The groups around a task, from the outermost on, and the task."""
    parts = task.group.split(".") if task.group else []
    names = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return (*(_GROUP + name for name in names if name not in flat), task.task_id)


def _levels(
    tasks: Sequence[Place], paths: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[list[str], set[tuple[str, str]]]]:
    """What stands directly in each group, and what of it follows what; "" is the DAG itself."""
    members: dict[str, dict[str, None]] = {"": {}}
    links: dict[str, set[tuple[str, str]]] = {}
    for path in paths.values():
        for level, key in zip(("", *path), path, strict=False):
            members.setdefault(level, {})[key] = None
    for task in tasks:
        for name in task.upstream:
            if name in paths and name != task.task_id:
                level, a, b = _meeting(paths[name], paths[task.task_id])
                links.setdefault(level, set()).add((a, b))
    return {level: (list(keys), links.get(level, set())) for level, keys in members.items()}


def _meeting(start: tuple[str, ...], end: tuple[str, ...]) -> tuple[str, str, str]:
    """The level that holds both, and what of it holds the one and the other."""
    level = ""
    for a, b in zip(start, end, strict=False):
        if a != b:
            return level, a, b
        level = a
    raise AssertionError(f"{start} and {end} are one.")


def _sorted(keys: list[str], links: Iterable[tuple[str, str]], looped: set[str]) -> list[str]:
    """``keys`` with none before one that it follows; those in a loop are added to ``looped``,
    and stand last with those behind them."""
    place = {key: at for at, key in enumerate(keys)}
    after: dict[str, list[str]] = {key: [] for key in keys}
    left = dict.fromkeys(keys, 0)
    for a, b in links:
        after[a].append(b)
        left[b] += 1
    ready = [place[key] for key in keys if not left[key]]
    heapify(ready)
    found: list[str] = []
    while ready:
        key = keys[heappop(ready)]
        found.append(key)
        for follower in after[key]:
            left[follower] -= 1
            if not left[follower]:
                heappush(ready, place[follower])
    missing = [key for key in keys if left[key] > 0]
    looped |= _in_loops(missing, after)
    return found + missing


def _in_loops(missing: list[str], after: Mapping[str, list[str]]) -> set[str]:
    """Of those in or behind a loop, the ones that lead to one."""
    found = set(missing)
    left = dict.fromkeys(missing, 0)
    before: dict[str, list[str]] = {key: [] for key in missing}
    for key in missing:
        for follower in after[key]:
            left[key] += 1
            before[follower].append(key)
    ends = [key for key in missing if not left[key]]
    while ends:
        key = ends.pop()
        found.discard(key)
        for earlier in before[key]:
            left[earlier] -= 1
            if not left[earlier]:
                ends.append(earlier)
    return found


def _unfolded(levels: Mapping[str, list[str]]) -> list[str]:
    """The tasks, where each group stands for what is in it."""
    found: list[str] = []
    todo = levels[""][::-1]
    while todo:
        key = todo.pop()
        if key.startswith(_GROUP):
            todo += levels[key][::-1]
        else:
            found.append(key)
    return found
