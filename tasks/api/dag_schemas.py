"""What calls about DAGs send and get, field by field as in Airflow's REST API.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from connections.api.schemas import Body
from tasks.api.moments import Moment


class DagTag(BaseModel):
    name: str
    dag_id: str
    dag_display_name: str


class DagVersionResponse(BaseModel):
    """What a DAG was at a time."""

    id: UUID
    version_number: int
    dag_id: str
    bundle_name: str | None
    bundle_version: str | None
    created_at: Moment
    dag_display_name: str
    bundle_url: str | None


class DagVersionCollection(BaseModel):
    """A page of versions, and how many there are in all."""

    dag_versions: list[DagVersionResponse]
    total_entries: int


class DAGResponse(BaseModel):
    """A DAG. What Patchbay doesn't know of it is null."""

    dag_id: str
    dag_display_name: str
    is_paused: bool
    is_stale: bool = Field(description="Its file no longer defines it.")
    last_parsed_time: Moment | None = Field(description="When it last changed.")
    last_parse_duration: float | None
    last_expired: Moment | None
    bundle_name: str | None = Field(description="Null for a DAG that was made in the browser.")
    bundle_version: str | None
    relative_fileloc: str | None
    fileloc: str
    description: str | None
    timetable_summary: str | None
    timetable_description: str | None
    timetable_partitioned: bool
    timetable_periodic: bool
    tags: list[DagTag]
    max_active_tasks: int = Field(description="10,000, the most tasks of a DAG, without a limit.")
    max_active_runs: int | None
    max_consecutive_failed_dag_runs: int
    has_task_concurrency_limits: bool
    has_import_errors: bool
    next_dagrun_logical_date: Moment | None
    next_dagrun_data_interval_start: Moment | None
    next_dagrun_data_interval_end: Moment | None
    next_dagrun_run_after: Moment | None
    allowed_run_types: list[str] | None
    owners: list[str] = Field(description="Always empty here.")
    is_backfillable: bool
    file_token: str


class DAGDetailsResponse(DAGResponse):
    """A DAG with all that its file says of it."""

    catchup: bool
    dag_run_timeout: str | None = Field(description="An ISO 8601 duration.")
    asset_expression: dict[str, Any] | None
    doc_md: str | None
    start_date: Moment | None
    end_date: Moment | None
    is_paused_upon_creation: bool | None
    params: dict[str, Any] | None
    render_template_as_native_obj: bool
    template_search_path: list[str] | None
    timezone: str | None
    last_parsed: Moment | None
    default_args: dict[str, Any] | None
    rerun_with_latest_version: bool | None
    owner_links: dict[str, str] | None
    is_favorite: bool
    active_runs_count: int
    concurrency: int
    latest_dag_version: DagVersionResponse | None


class DAGCollection(BaseModel):
    """A page of DAGs, and how many there are in all."""

    dags: list[DAGResponse]
    total_entries: int


class DAGPatchBody(Body):
    """What of a DAG may be changed."""

    is_paused: bool


class DagSourceResponse(BaseModel):
    """The text of a DAG's file."""

    content: str | None
    dag_id: str
    version_number: int | None
    dag_display_name: str


class TimeDelta(BaseModel):
    type_: str = Field("TimeDelta", alias="__type")
    days: int
    seconds: int
    microseconds: int


class TaskResponse(BaseModel):
    """A task of a DAG's present version."""

    task_id: str
    task_display_name: str
    owner: str | None
    start_date: Moment | None
    end_date: Moment | None
    trigger_rule: str
    depends_on_past: bool
    wait_for_downstream: bool
    retries: float
    queue: str
    pool: str
    pool_slots: float
    execution_timeout: TimeDelta | None
    retry_delay: TimeDelta
    retry_exponential_backoff: float
    priority_weight: float
    weight_rule: str
    ui_color: str
    ui_fgcolor: str
    template_fields: list[str]
    downstream_task_ids: list[str]
    doc_md: str | None
    operator_name: str
    params: dict[str, Any]
    class_ref: dict[str, Any]
    is_mapped: bool
    extra_links: list[str]


class TaskCollection(BaseModel):
    """The tasks of a DAG."""

    tasks: list[TaskResponse]
    total_entries: int


class ImportErrorResponse(BaseModel):
    """Why a DAG file can't be read."""

    import_error_id: int
    timestamp: Moment
    filename: str
    bundle_name: str | None
    stack_trace: str = Field(description="What is wrong in words, with the line.")


class ImportErrorCollection(BaseModel):
    """A page of DAG files that can't be read, and how many there are in all."""

    import_errors: list[ImportErrorResponse]
    total_entries: int
