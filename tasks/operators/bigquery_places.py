"""Asks BigQuery where a job runs that is found only by its location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from connections.exceptions import SessionFailure
from tasks.operators.bigquery_requests import JobRequest
from tasks.operators.google_calls import RETRIED_WHILE_WAITING, Caller


def location_of(caller: Caller, request: JobRequest, *, project: str) -> str | None:
    """Where BigQuery runs the job; ``None`` where it doesn't say.

    A query is tried dry, which costs nothing; any other job runs where the
    data set of its table is.
    """
    body = dict(request.configuration[request.kind])
    table = body.get("sourceTable" if request.kind == "extract" else "destinationTable") or {}
    if request.kind == "query":
        configuration = {"query": body, "dryRun": True}
        return _asked(caller, "POST", f"/projects/{project}/jobs", configuration=configuration)
    owner = table.get("projectId") or project
    return _asked(caller, "GET", f"/projects/{owner}/datasets/{table.get('datasetId', '')}")


def _asked(caller: Caller, method: str, path: str, **data: Mapping[str, Any]) -> str | None:
    connection = caller.session.bigquery._connection
    try:
        answer = caller.call(
            lambda: connection.api_request(method, path, data=data or None),
            retried=RETRIED_WHILE_WAITING,
        )
    except (GoogleAPICallError, SessionFailure):
        # Who may not know it, or asks for what is gone, is told that nothing was found.
        return None
    place = answer.get("jobReference", answer).get("location")
    return str(place) if place else None
