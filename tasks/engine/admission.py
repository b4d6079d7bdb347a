"""Lets runs begin: at once, or when a place among the active runs of their DAG is free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tasks import live
from tasks.engine import database_time, places, writing
from tasks.engine.places import Message
from tasks.engine.resettling import resettle
from tasks.engine.versions import spec_of
from tasks.models import DagRun
from tasks.spec import DagSpec

#: Runs that begin in one transaction, which holds up their DAG; the sweep goes on with the others.
MOST_AT_ONCE = 500


def columns(spec: DagSpec, *, is_admitted: bool) -> dict[str, Any]:
    """What a run has that has its place, or waits for one."""
    if not is_admitted:
        return {"admitted_at": None, "deadline_at": None}
    now = database_time.now()
    limit = spec.dagrun_timeout
    return {"admitted_at": now, "deadline_at": now + timedelta(seconds=limit) if limit else None}


def admit(dag_pk: int, limit: int) -> list[Message]:
    """Let runs that wait begin, as many as have a place now; their messages.

    One that is over as soon as it begins leaves its place to the next one.
    """
    messages: list[Message] = []
    begun = 0
    while begun < MOST_AT_ONCE and (runs := places.next_runs(dag_pk, limit)):
        for run in runs:
            number = writing.take_number(run.pk)
            messages += _begin(run, number=number)
            live.publish_on_commit(run.pk)
        begun += len(runs)
    return messages


def _begin(run: DagRun, *, number: int) -> list[Message]:
    spec = spec_of(run.version_id)
    waiting = DagRun.objects.filter(pk=run.pk, admitted_at__isnull=True)
    if not waiting.update(**columns(spec, is_admitted=True)):
        return []  # Who came first has let it begin.
    return resettle(run.pk, spec, number=number, admits=False)
