"""What calls about runs and their tasks send and get, field by field as in Airflow's REST API."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Query
from pydantic import AfterValidator, BaseModel, Field, model_validator

from connections.api.schemas import Body
from tasks.acts import LONGEST_NOTE, MARKS
from tasks.api.dag_schemas import DagVersionResponse
from tasks.api.moments import Moment, MomentSent, Ranges
from tasks.api.states import DagRunMutableState, DagRunState, TaskInstanceState


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("A note has no NUL.")
    return text


UpdateMask = Annotated[
    list[str] | None, Query(description="Only these of the keys are changed. Repeats.")
]
Note = Annotated[str, Field(max_length=LONGEST_NOTE), AfterValidator(_storable)]


class Paged(BaseModel):
    """A page, and how many there are in all. Patchbay pages by offset, never by cursor."""

    total_entries: int | None
    total_entries_limit: int | None = None
    next_cursor: str | None = None
    previous_cursor: str | None = None


class TriggerDAGRunPostBody(Body):
    """A run to make."""

    dag_run_id: str | None = None
    data_interval_start: MomentSent | None = None
    data_interval_end: MomentSent | None = None
    logical_date: MomentSent | None = Field(description="Now, for null.")
    run_after: MomentSent | None = Field(None, description="Not in the future.")
    conf: dict[str, Any] | None = None
    note: Note | None = None
    partition_key: str | None = Field(None, description="Only null: there are no partitions.")

    @model_validator(mode="after")
    def _has_both_ends(self) -> Self:
        if (self.data_interval_start is None) != (self.data_interval_end is None):
            raise ValueError(
                "Either both data_interval_start and data_interval_end must be provided or both "
                "must be None"
            )
        return self


class DAGRunResponse(BaseModel):
    """A run. Its state is one of Airflow's: what is cancelled is `failed` here."""

    dag_run_id: str
    dag_id: str
    logical_date: Moment | None
    queued_at: Moment | None
    start_date: Moment | None
    end_date: Moment | None
    duration: float | None
    data_interval_start: Moment | None
    data_interval_end: Moment | None
    run_after: Moment
    last_scheduling_decision: Moment | None
    run_type: str
    state: DagRunState
    triggered_by: str | None
    triggering_user_name: str | None
    conf: dict[str, Any] | None
    note: str | None
    dag_versions: list[DagVersionResponse]
    bundle_version: str | None
    dag_display_name: str
    partition_key: str | None
    partition_date: Moment | None


class DAGRunCollection(Paged):
    """A page of runs."""

    dag_runs: list[DAGRunResponse]


class DAGRunPatchBody(Body):
    """What of a run may be changed. Only the keys that are sent are."""

    state: DagRunMutableState | None = None
    note: Note | None = None


class DAGRunClearBody(Body):
    """Which tasks of a run shall run again."""

    dry_run: bool = True
    only_failed: bool = False
    only_new: bool = False
    run_on_latest_version: bool | None = None
    note: Note | None = None


class DAGRunsBatchBody(Body, Ranges):
    """Which runs of all DAGs to list."""

    order_by: str | None = None
    page_offset: int = Field(0, ge=0)
    page_limit: int = Field(100, ge=0)
    dag_ids: list[str] | None = None
    states: list[DagRunState | None] | None = None


class TaskInstanceFields(BaseModel):
    """What is known of every try of a task."""

    task_id: str
    dag_id: str
    dag_run_id: str
    map_index: int = Field(description="Always -1: no tasks are mapped here.")
    start_date: Moment | None
    end_date: Moment | None
    duration: float | None
    state: str | None = Field(description="Null while it waits for the tasks before it.")
    try_number: int
    max_tries: int = Field(description="How often it may be tried again after the first time.")
    task_display_name: str
    dag_display_name: str
    hostname: str | None
    unixname: str | None
    pool: str
    pool_slots: int
    queue: str | None
    priority_weight: int | None
    operator: str | None
    operator_name: str | None
    queued_when: Moment | None
    scheduled_when: Moment | None
    pid: int | None
    executor: str | None
    executor_config: str
    dag_version: DagVersionResponse | None


class TaskInstanceHistoryResponse(TaskInstanceFields):
    """One try of a task."""


class TaskInstanceResponse(TaskInstanceFields):
    """A task of a run, in its last try."""

    id: UUID
    logical_date: Moment | None
    run_after: Moment
    note: str | None
    rendered_map_index: str | None
    rendered_fields: dict[str, Any]
    trigger: None
    triggerer_job: None


class TaskInstanceCollection(Paged):
    """A page of tasks of runs."""

    task_instances: list[TaskInstanceResponse]


class TaskInstanceHistoryCollection(BaseModel):
    """The tries of a task, the first one first."""

    task_instances: list[TaskInstanceHistoryResponse]
    total_entries: int


class ClearedTaskInstances(BaseModel):
    """The tasks that would run again."""

    task_instances: list[TaskInstanceResponse]
    total_entries: int


class TaskInstancesBatchBody(Body, Ranges):
    """Which tasks of which runs to list."""

    dag_ids: list[str] | None = None
    dag_run_ids: list[str] | None = None
    task_ids: list[str] | None = None
    state: list[TaskInstanceState | None] | None = None
    queue: list[str] | None = None
    pool: list[str] | None = None
    executor: list[str] | None = None
    page_offset: int = Field(0, ge=0)
    page_limit: int = Field(100, ge=0)
    order_by: str | None = None


class ClearTaskInstancesBody(Body):
    """Which tasks shall run again: of one run, or of those whose logical dates are in a range."""

    dry_run: bool = True
    start_date: MomentSent | None = None
    end_date: MomentSent | None = None
    only_failed: bool = True
    only_running: bool = Field(False, description="Only false: cancel it first.")
    reset_dag_runs: Literal[True] = Field(True, description="Only true: their runs go on.")
    task_ids: list[str | tuple[str, int]] | None = None
    dag_run_id: str | None = None
    include_upstream: bool = False
    include_downstream: bool = False
    include_future: bool = False
    include_past: bool = False
    run_on_latest_version: bool | None = None
    prevent_running_task: bool = Field(False, description="Here it is always so.")
    note: Note | None = None

    @model_validator(mode="after")
    def _is_one_run_or_a_range(self) -> Self:
        if self.dag_run_id is not None and (self.start_date or self.end_date):
            raise ValueError("Exactly one of dag_run_id or start_date must be provided")
        if self.only_failed and self.only_running:
            raise ValueError("only_failed and only_running both are set to True")
        if self.start_date and self.end_date and self.end_date < self.start_date:
            raise ValueError("end_date is sooner than start_date")
        if self.task_ids == []:
            raise ValueError("task_ids list should have at least 1 element.")
        return self


def _is_a_mark(state: str | None) -> str:
    if state is None:
        raise ValueError("'new_state' should not be empty")
    names = [mark.value for mark in MARKS]
    if state not in names:
        raise ValueError(f"'{state}' is not one of {names}")
    return state


class PatchTaskInstanceBody(Body):
    """How a task shall have ended, and why. Only the keys that are sent are changed."""

    new_state: Annotated[str | None, AfterValidator(_is_a_mark)] = None
    note: Note | None = Field(None, description="With a state: why.")
    include_upstream: bool = False
    include_downstream: bool = False
    include_future: Literal[False] = Field(False, description="Only false.")
    include_past: Literal[False] = Field(False, description="Only false.")


class XComResponse(BaseModel):
    """What a task left for others, without the value."""

    key: str
    timestamp: Moment
    logical_date: Moment | None
    map_index: int
    task_id: str
    dag_id: str
    run_id: str
    dag_display_name: str
    task_display_name: str
    run_after: Moment


class XComCollection(BaseModel):
    """A page of what tasks left for others."""

    xcom_entries: list[XComResponse]
    total_entries: int


class XComValue(XComResponse):
    """What a task left for others."""

    value: Any = Field(description="JSON, or a text with `stringify`.")
