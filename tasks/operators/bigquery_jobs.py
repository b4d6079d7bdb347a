"""The life of one BigQuery job: insert it, wait for its end, read what became of it; or cancel it.

Imported on first use, because it needs Google's client. Follows
https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import urlsplit

from google.api_core.exceptions import Conflict, GoogleAPICallError, NotFound
from google.cloud import bigquery

from connections.exceptions import Failure
from connections.hooks.bigquery_failures import job_failure, refused
from tasks.operators.base import AlreadyDone, Context, TaskResult
from tasks.operators.bigquery_outcome import console_url, result_of
from tasks.operators.bigquery_places import location_of
from tasks.operators.bigquery_requests import TRY_LABEL, JobRequest, try_of
from tasks.operators.google_calls import RETRIED_WHILE_WAITING, Caller, caller_of

JOB_CLASSES: dict[str, Any] = {
    "query": bigquery.QueryJob,
    "load": bigquery.LoadJob,
    "extract": bigquery.ExtractJob,
    "copy": bigquery.CopyJob,
}
#: Seconds that BigQuery may hold the question for a query's end. A worker that stops waits so long.
LONGEST_LOOK = 2.0
#: The first look comes at once: a cached result is there as soon as the job is.
FIRST_POLL = 0.05


def run_job(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    """Insert the job and wait until it has ended well. ``values`` are the operator's."""
    caller = caller_of(values, session, context)
    job, statistics = finished_job(caller, JobRequest.of(values))
    return result_of(job, statistics, is_googles=is_googles(session))


def finished_job(caller: Caller, request: JobRequest) -> tuple[Any, dict[str, Any]]:
    """The job of Google's client, and the statistics that it left. Raise ``Failure``."""
    session = caller.session
    project = project_of(request.project_id, session)
    try:
        job = _insert(caller, request, project=project)
        link = {"console_url": console_url(job)} if is_googles(session) else {}
        caller.context.progress(
            "Cloud job started successfully",
            job_id=job.job_id,
            project=job.project,
            location=job.location or "",
            **link,
        )
        return job, _wait(caller, request, job)
    except GoogleAPICallError as error:
        raise refused(error, project=project, identity=session.identity) from None


def cancel_job(caller: Caller, request: JobRequest) -> str:
    """Ask BigQuery to end the job of this try, and wait until it has. See ``Operator.cancel``."""
    project = project_of(request.project_id, caller.session)
    try:
        job = _found(caller, request, project=project)
        if job is None:
            return ""
        if request.is_shared and job.labels.get(TRY_LABEL) != try_of(caller.context):
            return f"The job {job.job_id} was started by another run, and goes on."
        if job.state != "DONE" and not request.cancel_on_kill:
            return f"The job {job.job_id} goes on in BigQuery: cancel_on_kill is False."
        return _ended(caller, request, job)
    except GoogleAPICallError as error:
        raise refused(error, project=project, identity=caller.session.identity) from None


def project_of(given: str | None, session: Any) -> str:
    if project := given or session.project:
        return str(project)
    raise Failure("session:no-project")


def is_googles(session: Any) -> bool:
    """Whether the session calls Google, and not a server that takes its place."""
    host = urlsplit(session.api_endpoint).hostname or "googleapis.com"
    return host == "googleapis.com" or host.endswith(".googleapis.com")


# Inserting


def _insert(caller: Caller, request: JobRequest, *, project: str) -> Any:
    client = caller.session.bigquery
    reference = {"projectId": project, "jobId": request.id_for(caller.context)}
    if location := request.location or client.location:
        reference["location"] = location
    configuration = request.labelled(caller.context)

    def insert() -> Any:
        resource = {"jobReference": reference, "configuration": configuration}
        job = JOB_CLASSES[request.kind].from_api_repr(resource, client)
        # The client's public calls choose the job id or wait for the result; this one doesn't.
        job._begin(client=client, retry=None)
        return job

    try:
        return caller.call(insert)
    except Conflict as error:
        return _attach(caller, request, reference=reference, error=error)


def _attach(
    caller: Caller, request: JobRequest, *, reference: dict[str, str], error: Conflict
) -> Any:
    """The job is there: inserted by us before an answer was lost or a worker died, or before."""
    found = re.search(r"Already Exists: Job [^\s:]+(?::[^\s:.]+)*:([\w-]+)\.", str(error.message))
    location = reference.get("location") or (found and found.group(1))
    job = _get(caller, reference["projectId"], reference["jobId"], location)
    is_ours = not request.is_shared or job.labels.get(TRY_LABEL) == try_of(caller.context)
    if not is_ours and job.state not in request.reattach_states:
        raise Failure("job:id-taken", job_id=job.job_id, state=job.state)
    caller.context.log(f"found job {job.job_id} in state {job.state}; waiting for it")
    return job


def _get(caller: Caller, project: str, job_id: str, location: str | None) -> Any:
    client = caller.session.bigquery
    return caller.call(
        lambda: client.get_job(job_id, project=project, location=location, retry=None),
        retried=RETRIED_WHILE_WAITING,
    )


# Waiting


def _wait(caller: Caller, request: JobRequest, job: Any) -> dict[str, Any]:
    """Wait until the job is done; return its statistics. Raise ``Failure`` if it ended badly."""
    look = _query_results if job.job_type == "query" else _reloaded
    started = time.monotonic()
    timeout = request.result_timeout
    pause = 0.0
    while (statistics := look(caller, request, job)) is None:
        if timeout and time.monotonic() - started > timeout:
            if request.cancel_on_kill:
                caller.call(lambda: job.cancel(retry=None))
            raise Failure("job:timeout", seconds=f"{timeout:g}", job_id=job.job_id)
        caller.context.wait(min(pause, request.interval))
        pause = max(FIRST_POLL, pause * 1.5)
    return statistics


def _query_results(caller: Caller, request: JobRequest, job: Any) -> dict[str, Any] | None:
    """Ask for the result of a query without its rows: one call tells the end and the counts.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
    """
    longest = min(request.interval, caller.session.read_timeout / 2, LONGEST_LOOK)
    parameters = {"maxResults": 0, "timeoutMs": int(1000 * longest)}
    if job.location:
        parameters["location"] = job.location
    # The client's public call for this also waits for the end, and reads the first rows.
    connection = caller.session.bigquery._connection
    path = f"/projects/{job.project}/queries/{job.job_id}"
    try:
        answer: dict[str, Any] = caller.call(
            lambda: connection.api_request("GET", path, query_params=parameters),
            retried=RETRIED_WHILE_WAITING,
        )
    except GoogleAPICallError:
        # A job that failed, or a call that did: only the job itself can tell.
        statistics = _reloaded(caller, request, job)
        if statistics is not None:
            # It went well, and only its result can't be read.
            return statistics
        raise
    return {"query": answer} if answer.get("jobComplete") else None


def _reloaded(caller: Caller, _: JobRequest, job: Any) -> dict[str, Any] | None:
    """The statistics of a job that is done. Raise ``Failure`` if it ended badly."""
    if job.state != "DONE":
        caller.call(lambda: job.reload(retry=None), retried=RETRIED_WHILE_WAITING)
    if job.state != "DONE":
        return None
    if job.error_result:
        raise _ended_badly(job, caller.session)
    statistics: dict[str, Any] = job._properties.get("statistics", {})
    return statistics


def _ended_badly(job: Any, session: Any) -> Failure:
    result = job.error_result
    failure = job_failure(
        str(result.get("reason", "")),
        str(result.get("message", "")),
        project=job.project,
        identity=session.identity,
    )
    failure.facts["job_id"] = job.job_id
    return failure


# Cancelling


def _found(caller: Caller, request: JobRequest, *, project: str) -> Any | None:
    """The job of this try; ``None`` where none was inserted.

    Outside of the multi-regions US and EU a job is found only where its
    location is known: a worker that took over may have to ask for it.
    """
    job_id = request.id_for(caller.context)
    location = request.location or caller.session.bigquery.location
    try:
        return _get(caller, project, job_id, location)
    except NotFound:
        location = None if location else location_of(caller, request, project=project)
    try:
        return _get(caller, project, job_id, location) if location else None
    except NotFound:
        return None


def _ended(caller: Caller, request: JobRequest, job: Any) -> str:
    """Cancel the job, and wait until it is done, however that comes."""
    context = caller.context
    was_done = job.state == "DONE"
    if not was_done:
        caller.call(lambda: job.cancel(retry=None), retried=RETRIED_WHILE_WAITING)
        context.progress("BigQuery was asked to cancel the job", job_id=job.job_id)
    pause = FIRST_POLL
    while job.state != "DONE":
        context.wait(min(pause, request.interval))
        caller.call(lambda: job.reload(retry=None), retried=RETRIED_WHILE_WAITING)
        pause *= 1.5
    if not job.error_result:
        statistics = job._properties.get("statistics", {})
        raise AlreadyDone(result_of(job, statistics, is_googles=is_googles(caller.session)))
    if was_done or job.error_result.get("reason") != "stopped":
        return f"The job {job.job_id} had ended before: {job.error_result.get('message', '')}"
    return f"BigQuery cancelled the job {job.job_id}."
