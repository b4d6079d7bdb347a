"""What the buttons of the editor do to a draft, beside checking and saving it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tasks.drafting.catalogue import first_id, is_offered
from tasks.drafting.draft import MOST_TASKS, BadDraft, Draft, DraftTask, Removed
from tasks.drafting.reading import first_texts
from tasks.operators import OPERATORS


def act_on(draft: Draft, act: str) -> Draft:
    """``act`` is a button's value: a name, a task's key, what is chosen. Raise ``BadDraft``."""
    name, _, rest = act.partition(":")
    key, _, chosen = rest.partition(":")
    if name in _ACTS:
        return _ACTS[name](draft)
    if name == "operator":
        return _choose(draft, key, chosen)
    if name not in _ACTS_ON_ONE:
        raise BadDraft(f"no act {name[:20]!r}")
    draft.position(key)
    return _ACTS_ON_ONE[name](draft, key)


def _add(draft: Draft) -> Draft:
    """A task that follows the one that is open, or the last one."""
    if len(draft.tasks) >= MOST_TASKS:
        return draft
    key = draft.free_key()
    before = draft.open or next((task.key for task in reversed(draft.tasks)), "")
    task = DraftTask(key, {}, (before,) if before else ())
    return replace(draft, tasks=(*draft.tasks, task), open=key, is_choosing=True)


def _close(draft: Draft) -> Draft:
    return replace(draft, open="", is_choosing=False)


def _restore(draft: Draft) -> Draft:
    """Put the task that was removed last where it was, with its arrows."""
    if draft.removed is None:
        return draft
    task, position = draft.removed.task, draft.removed.position
    known = {each.key for each in draft.tasks}
    if task.key in known:
        raise BadDraft("restored twice")
    task = replace(task, after=tuple(key for key in task.after if key in known))
    tasks = [
        replace(each, after=(*each.after, task.key)) if each.key in draft.removed.before else each
        for each in draft.tasks
    ]
    tasks.insert(min(position, len(tasks)), task)
    chooses = not task.operator
    return replace(draft, tasks=tuple(tasks), open=task.key, removed=None, is_choosing=chooses)


def _open(draft: Draft, key: str) -> Draft:
    return replace(draft, open=key, is_choosing=not draft.by_key[key].operator)


def _change_operator(draft: Draft, key: str) -> Draft:
    return replace(draft, open=key, is_choosing=True)


def _keep_operator(draft: Draft, key: str) -> Draft:
    return _open(draft, key)


def _remove(draft: Draft, key: str) -> Draft:
    position = draft.position(key)
    followed = tuple(task.key for task in draft.tasks if key in task.after)
    left = tuple(
        replace(task, after=tuple(each for each in task.after if each != key))
        for task in draft.tasks
        if task.key != key
    )
    opened = "" if draft.open == key else draft.open
    return replace(
        draft,
        tasks=left,
        open=opened,
        is_choosing=draft.is_choosing and bool(opened),
        removed=Removed(draft.tasks[position], position, followed),
    )


def _duplicate(draft: Draft, key: str) -> Draft:
    """A copy below it, after the same tasks, under another ID."""
    if len(draft.tasks) >= MOST_TASKS:
        return draft
    position, task = draft.position(key), draft.by_key[key]
    texts = {**task.texts, "task_id": _copied_id(task.task_id, draft)}
    copy = DraftTask(draft.free_key(), texts, task.after)
    tasks = (*draft.tasks[: position + 1], copy, *draft.tasks[position + 1 :])
    return replace(draft, tasks=tasks, open=copy.key, is_choosing=not task.operator)


def _copied_id(task_id: str, draft: Draft) -> str:
    if not task_id:
        return ""
    taken = {task.task_id for task in draft.tasks}
    number = 2
    while f"{task_id}_{number}" in taken:
        number += 1
    return f"{task_id}_{number}"


def _moved(by: int) -> Callable[[Draft, str], Draft]:
    def move(draft: Draft, key: str) -> Draft:
        tasks, position = list(draft.tasks), draft.position(key)
        task = tasks.pop(position)
        tasks.insert(min(max(position + by, 0), len(tasks)), task)
        return replace(draft, tasks=tuple(tasks))

    return move


def _choose(draft: Draft, key: str, name: str) -> Draft:
    """Give the task an operator. What another one had is kept for fields of the same name."""
    draft.position(key)
    operator = OPERATORS.get(name)
    if operator is None or not is_offered(operator):
        raise BadDraft(f"no operator {name[:50]!r}")
    task = draft.by_key[key]
    texts = {**first_texts(operator), **task.texts, "operator": operator.name}
    if not task.task_id:
        texts["task_id"] = first_id(name, {each.task_id for each in draft.tasks})
    return replace(draft.with_task(replace(task, texts=texts)), open=key, is_choosing=False)


_ACTS: dict[str, Callable[[Draft], Draft]] = {
    "add": _add,
    "close": _close,
    "restore": _restore,
    "look": lambda draft: draft,
}
_ACTS_ON_ONE: dict[str, Callable[[Draft, str], Draft]] = {
    "open": _open,
    "change": _change_operator,
    "keep": _keep_operator,
    "remove": _remove,
    "duplicate": _duplicate,
    "up": _moved(-1),
    "down": _moved(1),
}
