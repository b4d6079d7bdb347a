"""What a task's code may ask for while it runs, under Airflow's names.

While a DAG file is read nothing of it is there. The process that runs the code
puts it into ``RUNNING`` before it calls the task's function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from tasks.dagfiles.authoring.errors import ArgumentProblem


def _not_running(*given: object, **named: object) -> NoReturn:
    del given, named
    raise ArgumentProblem(
        "Only the code of a task can ask for that, while it runs: move it into the function."
    )


@dataclass
class Running:
    """How the running code gets at its run; all of them refuse while a file is read."""

    #: ``get_current_context()``: the names that templates have, ``ti`` and ``params`` too.
    context: Callable[[], Mapping[str, Any]] = _not_running
    #: A hook for a ``conn_id``; asking for it is recorded as a step of the run.
    hook: Callable[..., Any] = _not_running
    #: The connection itself, as Airflow's ``Connection`` has it.
    connection: Callable[[str], Any] = _not_running


RUNNING = Running()


def get_current_context() -> Mapping[str, Any]:
    return RUNNING.context()


def get_hook(conn_id: str) -> Any:
    return RUNNING.hook(conn_id)
