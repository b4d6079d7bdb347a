"""What calls about many runs, or many tasks of runs, send and get, as in Airflow's REST API."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from connections.api.schemas import Body, OnNonExistence
from tasks.api.run_schemas import (
    DAGRunClearBody,
    DAGRunPatchBody,
    PatchTaskInstanceBody,
    TaskInstanceResponse,
)

_NOT_ONE = (
    "Exactly one of dag_runs (non-empty), partition_key, or a partition date window "
    "(partition_date_start / partition_date_end) must be provided."
)


class BulkDAGRunBody(DAGRunPatchBody):
    """A run, and what of it shall change."""

    dag_run_id: str
    dag_id: str | None = Field(None, description="Needed where the address has `~`.")


class BulkTaskInstanceBody(PatchTaskInstanceBody):
    """A task of a run, and what of it shall change."""

    task_id: str
    map_index: int | None = Field(None, description="Only -1: no tasks are mapped here.")
    dag_id: str | None = Field(None, description="Needed where the address has `~`.")
    dag_run_id: str | None = Field(None, description="Needed where the address has `~`.")


class _Create(Body):
    """Refused: runs are triggered, and their tasks come with them."""

    action: Literal["create"]
    entities: list[dict[str, Any]]
    action_on_existence: Literal["fail", "skip", "overwrite"] = "fail"


class UpdateRuns(Body):
    """Change runs: all of these, or none."""

    action: Literal["update"]
    entities: list[BulkDAGRunBody]
    update_mask: list[str] | None = Field(None, description="Only these keys are changed.")
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


class DeleteRuns(Body):
    """Delete runs: all of these, or none."""

    action: Literal["delete"]
    entities: list[str | BulkDAGRunBody]
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


class UpdateTaskInstances(Body):
    """Change tasks of runs: all of these, or none."""

    action: Literal["update"]
    entities: list[BulkTaskInstanceBody]
    update_mask: list[str] | None = Field(None, description="Only these keys are changed.")
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


class DeleteTaskInstances(Body):
    """Refused: a run has all tasks of its version."""

    action: Literal["delete"]
    entities: list[str | BulkTaskInstanceBody]
    action_on_non_existence: OnNonExistence = OnNonExistence.FAIL


class BulkRunsBody(Body):
    """Several acts, one after the other. Each is one transaction."""

    actions: list[Annotated[_Create | UpdateRuns | DeleteRuns, Field(discriminator="action")]]


class BulkTaskInstancesBody(Body):
    """Several acts, one after the other. Each is one transaction."""

    actions: list[
        Annotated[
            _Create | UpdateTaskInstances | DeleteTaskInstances, Field(discriminator="action")
        ]
    ]


class BulkDAGRunClearBody(DAGRunClearBody):
    """Which runs shall run again."""

    dag_runs: list[BulkDAGRunBody] = []
    partition_key: None = Field(None, description="Only null: there are no partitions.")
    partition_date_start: None = None
    partition_date_end: None = None

    @model_validator(mode="after")
    def _names_runs(self) -> Self:
        if not self.dag_runs:
            raise ValueError(_NOT_ONE)
        return self


class ClearedTasks(BaseModel):
    """The tasks that would run again."""

    task_instances: list[TaskInstanceResponse]
    total_entries: int
