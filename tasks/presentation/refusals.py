"""Connections that a task asked for in vain the last time: no details, or no session."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection as database

from tasks.models import Step

#: The newest step 2 or 3 that failed with each of many conn_ids, which are one parameter, unless a
#: session was opened or a test went well since. Each costs a look into three indexes.
_REFUSED = """
    SELECT failed.id FROM (
        SELECT (
            SELECT id FROM tasks_step
            WHERE number IN (2, 3) AND state = 'failed' AND conn_id = ids.value
            ORDER BY ended_at DESC LIMIT 1
        ) AS id FROM {} AS ids{}
    ) AS newest JOIN tasks_step AS failed ON failed.id = newest.id
    WHERE NOT EXISTS (
        SELECT 1 FROM tasks_step AS asked JOIN tasks_step AS opened
            ON opened.task_instance_id = asked.task_instance_id
            AND opened.try_number = asked.try_number
            AND opened.number = 3 AND opened.state = 'success'
        WHERE asked.number = 2 AND asked.state = 'success' AND asked.conn_id = failed.conn_id
            AND asked.started_at > failed.started_at
    ) AND NOT EXISTS (
        SELECT 1 FROM connections_connectiontest AS test JOIN connections_connection AS stored
            ON stored.id = test.connection_id AND stored.version = test.version
        WHERE stored.conn_id = failed.conn_id AND test.state = 'success'
            AND test.ended_at > failed.ended_at
    )
"""
_IDS = {
    "postgresql": ("jsonb_array_elements_text(%s::jsonb)", "(value)"),
    "sqlite": ("json_each(%s)", ""),
}


@dataclass(frozen=True)
class Refusal:
    """When and where a task could not use its connection; ``conn_version`` is null where it
    got none."""

    at: datetime
    run_pk: int
    task_id: str
    conn_version: int | None


def last_refusals(conn_ids: Iterable[str]) -> dict[str, Refusal]:
    """The refusals that nothing since has put right, by conn_id. Two queries."""
    with database.cursor() as cursor:
        cursor.execute(_REFUSED.format(*_IDS[database.vendor]), [json.dumps(list(conn_ids))])
        found = [pk for (pk,) in cursor.fetchall()]
    steps = Step.objects.filter(pk__in=found, ended_at__isnull=False, task_instance__isnull=False)
    columns = ("ended_at", "run_id", "task_instance__task_id", "task_instance__conn_version")
    return {
        conn_id: Refusal(*values) for conn_id, *values in steps.values_list("conn_id", *columns)
    }
