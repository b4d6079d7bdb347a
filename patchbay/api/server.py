"""What anybody may ask of the server: its version, and whether it is well."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from tasks.engine.workers import workers

router = Router(tags=["Server"])


class VersionInfo(BaseModel):
    """The version of Patchbay."""

    version: str = Field(examples=["0.1.0"])
    git_version: str | None = Field(description="Always null here.")


class MetadatabaseInfo(BaseModel):
    status: str | None


class SchedulerInfo(BaseModel):
    status: str | None
    latest_scheduler_heartbeat: str | None


class TriggererInfo(BaseModel):
    status: str | None
    latest_triggerer_heartbeat: str | None


class DagProcessorInfo(BaseModel):
    status: str | None
    latest_dag_processor_heartbeat: str | None


class HealthInfo(BaseModel):
    """Airflow's shape. Each status is `healthy`, `unhealthy`, or null for what isn't there."""

    metadatabase: MetadatabaseInfo
    scheduler: SchedulerInfo
    triggerer: TriggererInfo
    dag_processor: DagProcessorInfo


@router.get("/version", auth=None, summary="The version", response=VersionInfo)
def get_version(request: HttpRequest) -> dict[str, Any]:
    """Patchbay's own version, not one of Airflow's."""
    return {"version": settings.PATCHBAY_VERSION, "git_version": None}


@router.get("/monitor/health", auth=None, summary="Health", response=HealthInfo)
def get_health(request: HttpRequest) -> dict[str, Any]:
    """Whether the database answers, and whether a worker lives, who is what Airflow calls the
    scheduler: here workers also decide what is ready. Nothing here is a triggerer or a separate
    DAG processor. The answer is 200 also when something is unhealthy, as in Airflow."""
    return {
        "metadatabase": {"status": _status(_database_answers())},
        "scheduler": {"status": _status(bool(workers())), "latest_scheduler_heartbeat": None},
        "triggerer": {"status": None, "latest_triggerer_heartbeat": None},
        "dag_processor": {"status": None, "latest_dag_processor_heartbeat": None},
    }


def _status(is_well: bool) -> str:
    return "healthy" if is_well else "unhealthy"


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
