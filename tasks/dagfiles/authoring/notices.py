"""What a DAG file asks for that doesn't happen yet, told to its author."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.settings import DAG_SETTINGS, TASK_SETTINGS, Setting

_SHOWN = 60


def notices_of(dag: DAG) -> list[str]:
    """One sentence for each thing; tasks that ask for the same share one."""
    notices = []
    if dag.schedule is not None:
        notices.append(
            f"schedule {dag.schedule!r} is shown but not run yet: trigger the DAG by hand."
        )
    if unused := _unused(dag.settings, DAG_SETTINGS):
        notices.append(f"Not used yet: {unused}.")
    notices += _task_notices(dag)
    if idle := sorted(map(repr, dag.default_args.keys() - dag.used_defaults)):
        notices.append(f"default_args: no task here takes {', '.join(idle)}.")
    return notices


def _task_notices(dag: DAG) -> list[str]:
    tasks_by_words: dict[str, list[str]] = {}
    for task in dag.tasks.values():
        if words := _unused(task.settings, TASK_SETTINGS):
            tasks_by_words.setdefault(words, []).append(task.task_id)
    return [
        f"Not used yet, of {_names(task_ids, total=len(dag.tasks))}: {words}."
        for words, task_ids in tasks_by_words.items()
    ]


def _unused(values: dict[str, Any], settings: dict[str, Setting]) -> str:
    return ", ".join(
        f"{name}={_show(values[name])}"
        for name, setting in settings.items()
        if setting.matters(values, settings)
    )


def _names(task_ids: list[str], *, total: int) -> str:
    if len(task_ids) == total > 1:
        return "every task"
    more = f" and {len(task_ids) - 3} more" if len(task_ids) > 3 else ""
    return f"task {', '.join(map(repr, task_ids[:3]))}{more}"


def _show(value: object) -> str:
    text = str(value) if isinstance(value, timedelta) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
