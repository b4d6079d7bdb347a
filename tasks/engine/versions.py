"""The specs of DAG versions, kept by each process: a version never changes.

Reading one costs as much as the DAG is large, and every task of a run needs it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasks.models import DagVersion, TaskInstance
from tasks.spec import TRIGGER_RULES, DagSpec, SpecError, TaskSpec, check_dag

logger = logging.getLogger(__name__)

#: Specs that one process keeps. One of a thousand tasks takes some MB.
KEPT = 64


@dataclass(frozen=True)
class UnreadableSpec(DagSpec):
    """What can be read of a version that another release stored, so that its runs can be ended.

    Each of its tasks fails when its turn comes; ``problem`` says why.
    """

    problem: str = ""


@lru_cache(maxsize=KEPT)
def spec_of(version_id: int) -> DagSpec:
    """An ``UnreadableSpec`` where it can't be read. Raise ``DagVersion.DoesNotExist``."""
    data = DagVersion.objects.values_list("spec", flat=True).get(pk=version_id)
    try:
        spec = DagSpec.from_json(data)
        check_dag(spec)
    except (SpecError, AttributeError, ValueError) as error:
        logger.warning("The version %s of a DAG can't be read: %s", version_id, error)
        return _readable_part(version_id, data, problem=str(error))
    return spec


@lru_cache(maxsize=KEPT)
def source_of(version_id: int) -> str:
    """The text of the version's DAG file; empty for a DAG made in the browser."""
    return str(DagVersion.objects.values_list("source", flat=True).get(pk=version_id))


def _readable_part(version_id: int, data: Any, *, problem: str) -> UnreadableSpec:
    """The tasks and the arrows between them. What isn't told at all follows from the runs' rows,
    and then there are no arrows."""
    stored = data if isinstance(data, dict) else {}
    listed = stored.get("tasks")
    known = {}
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and isinstance(each.get("task_id"), str):
            known[each["task_id"]] = each
    rows = TaskInstance.objects.filter(run__version=version_id).order_by()
    for task_id, operator in rows.values_list("task_id", "operator").distinct():
        known.setdefault(task_id, {"task_id": task_id, "operator": operator})
    tasks = tuple(_readable_task(each, list(known)) for each in known.values())
    spec = UnreadableSpec(str(stored.get("dag_id", "")), tasks, problem=problem)
    try:
        check_dag(spec)
    except SpecError:
        alone = tuple(TaskSpec(each.task_id, each.operator) for each in tasks)
        return UnreadableSpec(spec.dag_id, alone, problem=problem)
    return spec


def _readable_task(data: Mapping[str, Any], known: list[str]) -> TaskSpec:
    """Its ID, its rule and its arrows."""
    upstream = data.get("upstream")
    names = upstream if isinstance(upstream, list) else []
    rule = data.get("trigger_rule")
    return TaskSpec(
        data["task_id"],
        str(data.get("operator", "")),
        upstream=tuple(name for name in names if name in known),
        **({"trigger_rule": rule} if rule in TRIGGER_RULES else {}),
    )
