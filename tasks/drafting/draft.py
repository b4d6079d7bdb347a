"""What stands in the editor: texts as they were typed, right or wrong, so that none is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from connections.types.json_text import NotJson, parse

#: A DAG of more is written as a file.
MOST_TASKS = 200
#: The form's names: those of the open task begin with this.
TASK = "task-"
#: The settings of the DAG, by their names in the form.
SETTINGS = (
    *("dag_id", "description", "schedule", "timezone", "start_date", "end_date", "catchup"),
    *("max_active_runs", "max_active_tasks", "dagrun_timeout", "tags", "params", "doc_md"),
)
_KEY = re.compile(r"t[1-9][0-9]{0,5}")


class BadDraft(ValueError):
    """What came can't have come from the editor's form."""


@dataclass(frozen=True)
class DraftTask:
    """A task by a ``key`` of its own, which stays when the task is renamed.

    ``texts`` are what stands in its fields, ``after`` the keys of the tasks before it.
    """

    key: str
    texts: dict[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()

    @property
    def operator(self) -> str:
        """Its name; empty as long as none is chosen."""
        return self.texts.get("operator", "")

    @property
    def task_id(self) -> str:
        return self.texts.get("task_id", "").strip()


@dataclass(frozen=True)
class Removed:
    """The task that was removed last, where it stood, and before which tasks."""

    task: DraftTask
    position: int
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """All that the form holds. ``open`` is the key of the task whose fields are shown.

    ``is_told``: the author has asked what is wrong, and is told from then on.
    ``is_choosing``: the operator of the open task is being chosen.
    """

    texts: dict[str, str] = field(default_factory=dict)
    tasks: tuple[DraftTask, ...] = ()
    open: str = ""
    removed: Removed | None = None
    is_told: bool = False
    is_choosing: bool = False

    @property
    def by_key(self) -> dict[str, DraftTask]:
        return {task.key: task for task in self.tasks}

    @property
    def open_task(self) -> DraftTask | None:
        return self.by_key.get(self.open)

    def position(self, key: str) -> int:
        """Raise ``BadDraft`` where there is no such task."""
        for position, task in enumerate(self.tasks):
            if task.key == key:
                return position
        raise BadDraft(f"no task {key[:10]!r}")

    def name_of(self, key: str) -> str:
        """What the author knows the task by."""
        position = self.position(key)
        return self.tasks[position].task_id or f"task {position + 1}"

    def with_task(self, task: DraftTask) -> Draft:
        """``task`` in the place of the one with its key."""
        return replace(
            self, tasks=tuple(task if each.key == task.key else each for each in self.tasks)
        )

    def free_key(self) -> str:
        keys = [task.key for task in self.tasks]
        keys += [self.removed.task.key] if self.removed else []
        return f"t{max((int(key[1:]) for key in keys), default=0) + 1}"

    def tasks_as_json(self) -> str:
        return _as_json([_task_as_json(task) for task in self.tasks])

    def removed_as_json(self) -> str:
        if self.removed is None:
            return ""
        rest = {"position": self.removed.position, "before": list(self.removed.before)}
        return _as_json({**_task_as_json(self.removed.task), **rest})


def new_draft() -> Draft:
    """An empty form, with a first task whose operator is to be chosen."""
    return Draft({"timezone": "UTC"}, (DraftTask("t1"),), open="t1", is_choosing=True)


def draft_of_form(sent: QueryDict) -> Draft:
    """The draft that a browser sent. Raise ``BadDraft``."""
    tasks = tuple(_task(each) for each in _list(_parsed(sent.get("tasks") or "[]")))
    if len({task.key for task in tasks}) < len(tasks) or len(tasks) > 2 * MOST_TASKS:
        raise BadDraft("tasks")
    draft = Draft(
        texts={name: _lines(sent.get(name, "")) for name in SETTINGS},
        tasks=tasks,
        open=sent.get("open", ""),
        removed=_removed(sent.get("removed", "")),
        is_told=bool(sent.get("told")),
        is_choosing=bool(sent.get("choosing")),
    )
    task = draft.open_task
    if task is None:
        return replace(draft, open="")
    return draft.with_task(_with_sent(task, sent, draft.by_key)) if sent.get("shown") else draft


def _with_sent(task: DraftTask, sent: QueryDict, known: Mapping[str, object]) -> DraftTask:
    """The open task with what its fields hold now."""
    texts = {
        name.removeprefix(TASK): _lines(sent.get(name, ""))
        for name in sent
        if name.startswith(TASK) and name != f"{TASK}after"
    }
    after = _known(sent.getlist(f"{TASK}after"), known, own=task.key)
    return replace(task, texts={**task.texts, **texts}, after=after)


def _known(keys: Iterable[str], known: Mapping[str, object], *, own: str) -> tuple[str, ...]:
    return tuple(key for key in dict.fromkeys(keys) if key in known and key != own)


def _lines(text: str) -> str:
    """Browsers send other line ends than people type."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _task_as_json(task: DraftTask) -> dict[str, Any]:
    return {"key": task.key, "texts": task.texts, "after": list(task.after)}


def _as_json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _parsed(text: str) -> Any:
    try:
        return parse(text)
    except NotJson as error:
        raise BadDraft(str(error)) from None


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise BadDraft("no list")
    return data


def _task(data: Any) -> DraftTask:
    if not isinstance(data, dict):
        raise BadDraft("no task")
    key, texts, after = data.get("key"), data.get("texts"), data.get("after")
    is_key = isinstance(key, str) and _KEY.fullmatch(key)
    if not is_key or not isinstance(texts, dict) or not isinstance(after, list):
        raise BadDraft("no task")
    if not all(isinstance(text, str) for text in (*texts.values(), *after)):
        raise BadDraft("no texts")
    return DraftTask(str(key), texts, tuple(after))


def _removed(text: str) -> Removed | None:
    if not text:
        return None
    data = _parsed(text)
    task = _task(data)
    position = data.get("position")
    if not isinstance(position, int) or not 0 <= position <= 2 * MOST_TASKS:
        raise BadDraft("no position")
    before = _list(data.get("before"))
    return Removed(task, position, tuple(key for key in before if isinstance(key, str)))
