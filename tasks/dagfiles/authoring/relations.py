"""Airflow's ``chain`` and ``cross_downstream``."""

from __future__ import annotations

from itertools import pairwise

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.operators import link, tasks_in


def chain(*tasks: object) -> None:
    """Link each to the next. Two lists in a row must be as long, and are linked in pairs."""
    for before, after in pairwise(tasks):
        first, second = tasks_in(before), tasks_in(after)
        if not (isinstance(before, list | tuple) and isinstance(after, list | tuple)):
            cross_downstream(before, after)
        elif len(first) == len(second):
            for left, right in zip(first, second, strict=True):
                link(left, right)
        else:
            raise ArgumentProblem(
                f"chain can't link a list of {len(first)} tasks to a list of {len(second)}."
            )


def cross_downstream(from_tasks: object, to_tasks: object) -> None:
    """Let every task of ``to_tasks`` wait for every task of ``from_tasks``."""
    for before in tasks_in(from_tasks):
        for after in tasks_in(to_tasks):
            link(before, after)
