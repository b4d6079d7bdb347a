"""What a DAG file asks for that doesn't happen, told to its author."""

from __future__ import annotations

from typing import Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.operators import Task
from tasks.dagfiles.authoring.settings import DAG_SETTINGS, TASK_SETTINGS, Setting, show


def notices_of(dag: DAG) -> list[str]:
    """One sentence for each thing; tasks that ask for the same share one."""
    notices = []
    if missed := _missed(dag.settings, DAG_SETTINGS):
        notices.append(f"Accepted, but nothing here acts on it: {missed}.")
    notices += _task_notices(dag)
    if idle := sorted(map(repr, dag.default_args.keys() - dag.used_defaults)):
        notices.append(f"default_args: no task here takes {', '.join(idle)}.")
    return notices


def _task_notices(dag: DAG) -> list[str]:
    tasks_by_words: dict[str, list[str]] = {}
    for task in dag.tasks:
        words = [_missed(task.settings, TASK_SETTINGS), *_own_dates(task)]
        if shown := ", ".join(filter(None, words)):
            tasks_by_words.setdefault(shown, []).append(task.task_id)
    return [
        f"Accepted, but nothing here acts on it, of {_names(task_ids, total=len(dag.tasks))}: "
        f"{words}."
        for words, task_ids in tasks_by_words.items()
    ]


def _own_dates(task: Task) -> list[str]:
    """Dates of a task alone: here the DAG's dates bound them all."""
    dag = task.dag
    given = {name: task.settings.get(name) for name in ("start_date", "end_date")}
    known = {
        "start_date": (None, dag.start, dag.settings.get("start_date")),
        "end_date": (None, dag.end, dag.settings.get("end_date")),
    }
    of_all = (dag.default_args.get("start_date"), dag.default_args.get("end_date"))
    return [
        f"{name}={value}"
        for name, value in given.items()
        if dag.start is not None and value not in (*known[name], *of_all)
    ]


def _missed(values: dict[str, Any], settings: dict[str, Setting]) -> str:
    return ", ".join(
        f"{name}={show(values[name])}"
        for name, setting in settings.items()
        if setting.is_missed(values, settings)
    )


def _names(task_ids: list[str], *, total: int) -> str:
    if len(task_ids) == total > 1:
        return "every task"
    more = f" and {len(task_ids) - 3} more" if len(task_ids) > 3 else ""
    return f"task {', '.join(map(repr, task_ids[:3]))}{more}"
