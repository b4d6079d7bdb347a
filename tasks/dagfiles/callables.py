"""The function of one task, taken from the text of its DAG file. For the process that runs it.

Call ``load`` once, in a fresh process, after every module of Patchbay that it
will need is imported: from then on ``tasks`` and the like are the DAG folder's,
as they are while a file is read.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.execution import execute, prepare_imports


@dataclass(frozen=True)
class CallableTask:
    """``takes`` are the names of the function's parameters; ``takes_any_name``: it has ``**``.

    With ``multiple_outputs`` each key of the dict that it returns is an XCom of its own.
    """

    function: Callable[..., Any]
    takes: tuple[str, ...]
    takes_any_name: bool
    multiple_outputs: bool


class NotLoaded(Exception):
    """The file has no such task with code, in the process that was to run it."""


def load(source: str, filename: str, folder: str, dag_id: str, task_id: str) -> CallableTask:
    """Execute ``source``, which is the file ``filename`` below ``folder``, and find the function.

    Raise ``NotLoaded``, and whatever the file raises.
    """
    READING.folder, READING.filename = folder, str(Path(folder, filename))
    prepare_imports(folder, READING.filename)
    execute(source)
    return _callable_task(_dag(dag_id), task_id)


def _dag(dag_id: str) -> DAG:
    for dag in READING.made:
        if dag.dag_id == dag_id:
            return dag
    raise NotLoaded(f"The file makes no DAG {dag_id!r} now, in the process that runs the task.")


def _callable_task(dag: DAG, task_id: str) -> CallableTask:
    task = dag.task_dict.get(task_id)
    if task is None or task.function is None:
        raise NotLoaded(
            f"DAG {dag.dag_id!r} has no task {task_id!r} with code now, "
            "in the process that runs the task."
        )
    names, takes_any_name = _parameters(task.function)
    return CallableTask(
        function=task.function,
        takes=names,
        takes_any_name=takes_any_name,
        multiple_outputs=bool(getattr(task, "multiple_outputs", False)),
    )


def _parameters(function: Callable[..., Any]) -> tuple[tuple[str, ...], bool]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):  # some functions written in C don't tell
        return (), False
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = [each.name for each in parameters if each.kind not in stars]
    return tuple(named), any(each.kind is each.VAR_KEYWORD for each in parameters)
