"""What holds a task of a run back, where its cloud jobs are seen, and the addresses of mapped
tasks, as Airflow has them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from access.bearer import Bearer
from access.problems import Refused, refusals
from access.rights import Right
from tasks.api.finding import known_instance
from tasks.api.instance_reading import one_try, shapes_of_tries
from tasks.api.routing import task_instances
from tasks.api.run_schemas import (
    TaskInstanceHistoryCollection,
    TaskInstanceHistoryResponse,
    TaskInstanceResponse,
)
from tasks.api.run_shapes import instance_shapes
from tasks.models import TaskInstance
from tasks.presentation.execution_table import step_row
from tasks.presentation.waits import Circumstances, waits_of
from tasks.states import TaskState

_TASK = "/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}"
#: The step that works in the cloud.
_WORK = 4
LINK = "Cloud console"


class TaskDependency(BaseModel):
    """One thing that a task waits for."""

    name: str
    reason: str = Field(description="What it waits for, in words.")


class TaskDependencyCollection(BaseModel):
    """What holds a task back; empty for one that waits for nothing."""

    dependencies: list[TaskDependency]


class ExtraLinkCollection(BaseModel):
    """Addresses at which the cloud shows what the task did, by their names."""

    extra_links: dict[str, str | None]
    total_entries: int


@task_instances.get(
    f"{_TASK}/dependencies",
    auth=Bearer(Right.SEE),
    summary="What a task of a run waits for",
    response={200: TaskDependencyCollection, **refusals(404)},
)
def get_task_instance_dependencies(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str, map_index: int = -1
) -> dict[str, Any]:
    """The tasks before it, a place, a session of its connection, a worker, or its next try."""
    return _dependencies(_known(dag_id, dag_run_id, task_id, map_index))


@task_instances.get(
    f"{_TASK}/{{map_index}}/dependencies",
    auth=Bearer(Right.SEE),
    summary="The same for a mapped task: only -1",
    response={200: TaskDependencyCollection, **refusals(404)},
)
def get_task_instance_dependencies_by_map_index(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str, map_index: int
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    return _dependencies(_known(dag_id, dag_run_id, task_id, map_index))


def _dependencies(row: TaskInstance) -> dict[str, Any]:
    waits = waits_of([row], Circumstances(row.run))
    name = "Trigger Rule" if row.state == TaskState.PENDING else "Task Instance State"
    found = [{"name": name, "reason": str(wait)} for wait in waits.values()]
    return {"dependencies": found}


@task_instances.get(
    f"{_TASK}/links",
    auth=Bearer(Right.SEE),
    summary="Where the cloud shows what a task did",
    response={200: ExtraLinkCollection, **refusals(404)},
)
def get_extra_links(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    map_index: int = -1,
    try_number: int | None = None,
) -> dict[str, Any]:
    """The links to the cloud's console, of its last try unless `try_number` names another."""
    row = _known(dag_id, dag_run_id, task_id, map_index, words="TaskInstance not found")
    number = row.try_number if try_number is None else try_number
    steps = row.steps.filter(try_number=number, number=_WORK) if 0 < number < 2**31 else []
    url = next(filter(None, (step_row(step, row).console_url for step in steps)), None)
    links = {LINK: url} if url else {}
    return {"extra_links": links, "total_entries": len(links)}


@task_instances.get(
    f"{_TASK}/listMapped",
    auth=Bearer(Right.SEE),
    summary="Always refused: no tasks are mapped here",
    response=refusals(404),
)
def get_mapped_task_instances(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str
) -> dict[str, Any]:
    """404, as for each task that isn't mapped."""
    known_instance(dag_id, dag_run_id, task_id, words=f"Task id {task_id} not found")
    raise Refused(404, f"Task id {task_id} is not mapped")


@task_instances.get(
    f"{_TASK}/{{map_index}}",
    auth=Bearer(Right.SEE),
    summary="A task of a run by the index of a mapped one: only -1",
    response={200: TaskInstanceResponse, **refusals(404)},
)
def get_mapped_task_instance(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str, map_index: int
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    place = f"dag_id: `{dag_id}`, run_id: `{dag_run_id}`, task_id: `{task_id}`, and map_index"
    words = f"The Mapped Task Instance with {place}: `{map_index}` was not found"
    return instance_shapes([_known(dag_id, dag_run_id, task_id, map_index, words=words)])[0]


@task_instances.get(
    f"{_TASK}/{{map_index}}/tries",
    auth=Bearer(Right.SEE),
    summary="The tries of a mapped task: only -1",
    response={200: TaskInstanceHistoryCollection, **refusals(404)},
)
def get_mapped_task_instance_tries(
    request: HttpRequest, dag_id: str, dag_run_id: str, task_id: str, map_index: int
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    return shapes_of_tries(_known(dag_id, dag_run_id, task_id, map_index))


@task_instances.get(
    f"{_TASK}/{{map_index}}/tries/{{task_try_number}}",
    auth=Bearer(Right.SEE),
    summary="A try of a mapped task: only -1",
    response={200: TaskInstanceHistoryResponse, **refusals(404)},
)
def get_mapped_task_instance_try_details(
    request: HttpRequest,
    dag_id: str,
    dag_run_id: str,
    task_id: str,
    map_index: int,
    task_try_number: int,
) -> dict[str, Any]:
    """No tasks are mapped here, and so -1 is the task itself."""
    return one_try(dag_id, dag_run_id, task_id, task_try_number, map_index=map_index)


def _known(
    dag_id: str, run_id: str, task_id: str, map_index: int, *, words: str = ""
) -> TaskInstance:
    """Raise ``Refused``, also for the index of a mapped task."""
    place = f"dag_id: `{dag_id}`, run_id: `{run_id}`, task_id: `{task_id}`"
    words = words or f"The Task Instance with {place} and map_index: `{map_index}` was not found"
    if map_index != -1:
        raise Refused(404, words)
    return known_instance(dag_id, run_id, task_id, words=words)
