"""Which tags DAGs have, and how many runs in each state, as Airflow tells it."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from django.db.models import Count
from django.db.models.fields.json import KeyTransform
from django.http import HttpRequest
from ninja import Query
from pydantic import BaseModel

from access.bearer import Bearer
from access.filtering import Pattern
from access.paging import Limit, Offset, page_of
from access.problems import Problem, Refused, refusals
from access.rights import Right
from tasks.api.finding import is_possible
from tasks.api.routing import dags
from tasks.api.states import RUN, DagRunState
from tasks.models import Dag, DagRun
from tasks.states import RunState


class DagTagCollection(BaseModel):
    """A page of tags, and how many there are in all."""

    tags: list[str]
    total_entries: int


class StateCount(BaseModel):
    state: DagRunState
    count: int


class DagStats(BaseModel):
    """How many runs a DAG has in each of Airflow's states."""

    dag_id: str
    dag_display_name: str
    stats: list[StateCount]


class DagStatsCollection(BaseModel):
    """The DAGs that have runs."""

    dags: list[DagStats]
    total_entries: int


@dags.get(
    "/dagTags",
    auth=Bearer(Right.SEE),
    summary="The tags of DAGs",
    response={200: DagTagCollection, 400: Problem, **refusals()},
)
def get_dag_tags(
    request: HttpRequest,
    limit: Limit = 50,
    offset: Offset = 0,
    tag_name_pattern: Pattern = None,
    order_by: Annotated[str, Query(description="name or -name.")] = "name",
) -> dict[str, Any]:
    """A page of tags, each once, by their names. `|` in the pattern is or."""
    if order_by.lstrip("-") != "name":
        words = "is disallowed or the attribute does not exist on the model"
        raise Refused(400, f"Ordering with '{order_by.lstrip('-')}' {words}")
    rows = Dag.objects.annotate(tags=KeyTransform("tags", "current_version__spec"))
    found = {tag for tags in rows.values_list("tags", flat=True) for tag in tags or ()}
    if tag_name_pattern and tag_name_pattern != "~":
        parts = [part.strip().strip("%").lower() for part in tag_name_pattern.split("|")]
        found = {tag for tag in found if any(part in tag.lower() for part in parts if part)}
    names = sorted(found, reverse=order_by.startswith("-"))
    page = names[page_of(limit=limit, offset=offset)]
    return {"tags": page, "total_entries": len(names)}


@dags.get(
    "/dagStats",
    auth=Bearer(Right.SEE),
    summary="How many runs DAGs have in each state",
    response={200: DagStatsCollection, **refusals()},
)
def get_dag_stats(
    request: HttpRequest,
    dag_ids: Annotated[list[str] | None, Query(description="Only of these DAGs. Repeats.")] = None,
) -> dict[str, Any]:
    """Of the DAGs that have runs; what is cancelled counts as failed."""
    rows = DagRun.objects.order_by().values_list("dag__dag_id", "state")
    if dag_ids:
        rows = rows.filter(dag__dag_id__in=[name for name in dag_ids if is_possible(name)])
    counts: dict[str, Counter[str]] = {}
    for dag_id, state, count in rows.annotate(Count("pk")):
        counts.setdefault(dag_id, Counter())[RUN[RunState(state)]] += count
    found = [
        {
            "dag_id": dag_id,
            "dag_display_name": dag_id,
            "stats": [{"state": state, "count": counts[dag_id][state]} for state in DagRunState],
        }
        for dag_id in sorted(counts)
    ]
    return {"dags": found, "total_entries": len(found)}
