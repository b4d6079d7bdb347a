"""Airflow's ``chain``, ``chain_linear`` and ``cross_downstream``."""

from __future__ import annotations

from itertools import pairwise

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.links import join, linkables


def chain(*tasks: object) -> None:
    """Link each to the next. Two lists in a row must be as long, and are linked in pairs."""
    for before, after in pairwise(tasks):
        first, second = linkables(before), linkables(after)
        if not (isinstance(before, list | tuple) and isinstance(after, list | tuple)):
            join(before, after)
        elif len(first) == len(second):
            for left, right in zip(first, second, strict=True):
                left.precede(right)
        else:
            raise ArgumentProblem(
                f"chain can't link a list of {len(first)} tasks to a list of {len(second)}."
            )


def chain_linear(*elements: object) -> None:
    """Let all of each element wait for all of the one before; empty lists are passed over."""
    there = [each for each in elements if not (isinstance(each, list | tuple) and not each)]
    for before, after in pairwise(there):
        join(before, after)


def cross_downstream(from_tasks: object, to_tasks: object) -> None:
    """Let every task of ``to_tasks`` wait for every task of ``from_tasks``."""
    join(from_tasks, to_tasks)
