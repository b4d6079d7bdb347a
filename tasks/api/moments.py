"""Moments in queries, bodies and answers, and the ranges by which a list is narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Expression,
    ExpressionWrapper,
    F,
    QuerySet,
    When,
)
from django.db.models.functions import Coalesce
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, PlainSerializer

from access.moments import wrong_moment

Rows = TypeVar("Rows", bound=QuerySet[Any])
BOUNDS = ("gte", "gt", "lte", "lt")
#: In seconds: longer than any run, and less than an interval can hold.
LONGEST = 1e10


def written(moment: datetime) -> str:
    """With all its digits: who asks for what began since then must not miss it by some µs."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _known(moment: datetime) -> datetime:
    """As every database can hold it; without a time zone it is in UTC."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if words := wrong_moment(moment):
        raise ValueError(words)
    return moment


Moment = Annotated[datetime, PlainSerializer(written, return_type=str)]
MomentSent = Annotated[AwareDatetime, AfterValidator(_known)]
Asked = Annotated[datetime, AfterValidator(_known)]
_Seconds = Annotated[float, Field(ge=-LONGEST, le=LONGEST)]


class Ranges(BaseModel):
    """Bounds of moments, and of durations in seconds. Times without a time zone are UTC."""

    run_after_gte: Asked | None = None
    run_after_gt: Asked | None = None
    run_after_lte: Asked | None = None
    run_after_lt: Asked | None = None
    logical_date_gte: Asked | None = None
    logical_date_gt: Asked | None = None
    logical_date_lte: Asked | None = None
    logical_date_lt: Asked | None = None
    start_date_gte: Asked | None = None
    start_date_gt: Asked | None = None
    start_date_lte: Asked | None = None
    start_date_lt: Asked | None = None
    end_date_gte: Asked | None = None
    end_date_gt: Asked | None = None
    end_date_lte: Asked | None = None
    end_date_lt: Asked | None = None
    duration_gte: _Seconds | None = None
    duration_gt: _Seconds | None = None
    duration_lte: _Seconds | None = None
    duration_lt: _Seconds | None = None


def within(rows: Rows, sent: BaseModel, columns: Mapping[str, str], *, prefix: str = "") -> Rows:
    """``rows`` within the bounds of ``sent`` for each name of ``columns``."""
    for name, column in columns.items():
        for bound in BOUNDS:
            value = getattr(sent, f"{prefix}{name}_{bound}", None)
            if value is not None:
                wanted = timedelta(seconds=value) if isinstance(value, float) else value
                rows = rows.filter(**{f"{column}__{bound}": wanted})
    return rows


def run_after(prefix: str = "") -> Expression:
    """When a run may begin at the earliest; ``prefix`` leads from the row to its run."""
    return Case(
        When(
            **{f"{prefix}run_type": "scheduled", f"{prefix}data_interval_end__isnull": False},
            then=F(f"{prefix}data_interval_end"),
        ),
        default=F(f"{prefix}queued_at"),
        output_field=DateTimeField(),
    )


def started() -> Expression:
    """What needed no worker began when it ended, as in Airflow."""
    return Coalesce(F("started_at"), F("ended_at"))


def duration() -> Expression:
    return ExpressionWrapper(F("ended_at") - started(), output_field=DurationField())
