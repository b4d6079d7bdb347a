"""The life of one BigQuery job: insert it, wait for its end, read what became of it.

Imported on first use, because it needs Google's client. Follows
https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable
from typing import Any, TypeVar

from google.api_core.exceptions import Conflict, GoogleAPICallError
from google.cloud import bigquery

from connections.exceptions import Failure
from connections.hooks.bigquery_failures import job_failure, refused
from connections.hooks.google_failures import EXPECTED
from tasks.operators.base import Context, TaskResult

JOB_CLASSES: dict[str, Any] = {
    "query": bigquery.QueryJob,
    "load": bigquery.LoadJob,
    "extract": bigquery.ExtractJob,
    "copy": bigquery.CopyJob,
}
RETRIED = frozenset({"cloud:unavailable", "cloud:rate-limited", "cloud:dropped"})
#: Once a job runs, a call that asks for its state may fail in more ways before the task does.
RETRIED_WHILE_WAITING = RETRIED | {"cloud:timeout", "cloud:unreachable"}
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: Seconds that BigQuery may hold the question for a query's end. A worker that stops waits so long.
LONGEST_LOOK = 2.0
#: The first look comes at once: a cached result is there as soon as the job is.
FIRST_POLL = 0.05
#: A ``poll_interval`` below it counts as this: BigQuery is not to be flooded.
SHORTEST_INTERVAL = 0.5

T = TypeVar("T")


class _Caller:
    """Makes calls with the session, retrying what may pass, and counting it on the step."""

    def __init__(self, session: Any, context: Context) -> None:
        self.session = session
        self.context = context

    def call(self, function: Callable[[], T], *, retried: frozenset[str]) -> T:
        pause = FIRST_PAUSE
        attempt = 0
        while True:
            attempt += 1
            try:
                return function()
            except EXPECTED as error:
                failure = self.session.failure_of(error)
                if failure is None:
                    raise
                if failure.code not in retried or attempt > self.session.num_retries:
                    failure.facts["attempts"] = attempt
                    raise failure from None
            self.context.retried(failure.code)
            asked = min(failure.retry_after or 0, LONGEST_PAUSE)
            self.context.wait(asked or pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 2, LONGEST_PAUSE)


def run_job(values: dict[str, Any], session: Any, context: Context) -> TaskResult:
    """Insert the job and wait. ``values`` are the arguments of the operator."""
    caller = _Caller(session, context)
    project = values["project_id"] or session.project
    if not project:
        raise Failure("session:no-project")
    job_id = _job_id(values, context)
    try:
        job = _insert(caller, values, project=project, job_id=job_id)
        context.progress(
            "Cloud job started successfully",
            job_id=job.job_id,
            project=job.project,
            location=job.location or "",
        )
        statistics = _wait(caller, values, job)
    except GoogleAPICallError as error:
        raise refused(error, project=project, identity=session.identity) from None
    facts = _facts(job.job_id, statistics)
    return TaskResult(_summary(facts), facts)


def _job_id(values: dict[str, Any], context: Context) -> str:
    """The same for the same run, task and try, so that a takeover finds the job.

    Without ``force_rerun`` the id comes from the configuration alone, as in
    Airflow, so that the same job isn't paid for twice.
    """
    if values["force_rerun"] or not values["job_id"]:
        return "_".join(part for part in (_safe(values["job_id"]), context.job_id) if part)
    text = json.dumps(values["configuration"], sort_keys=True)
    return f"{_safe(values['job_id'])}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _safe(text: str | None) -> str:
    return re.sub(r"[^\w-]", "_", text or "", flags=re.ASCII)


def _insert(caller: _Caller, values: dict[str, Any], *, project: str, job_id: str) -> Any:
    client = caller.session.bigquery
    reference = {"projectId": project, "jobId": job_id}
    if location := values["location"] or client.location:
        reference["location"] = location
    configuration = {**values["configuration"]}
    configuration["labels"] = {**_labels(caller.context), **configuration.get("labels", {})}
    kind = next(kind for kind in JOB_CLASSES if kind in configuration)

    def insert() -> Any:
        resource = {"jobReference": reference, "configuration": configuration}
        job = JOB_CLASSES[kind].from_api_repr(resource, client)
        # The client's public calls choose the job id or wait for the result; this one doesn't.
        job._begin(client=client, retry=None)
        return job

    try:
        return caller.call(insert, retried=RETRIED)
    except Conflict as error:
        return _attach(caller, values, reference=reference, error=error)


def _attach(
    caller: _Caller, values: dict[str, Any], *, reference: dict[str, str], error: Conflict
) -> Any:
    """The job is there: inserted by us before an answer was lost or a worker died, or before."""
    found = re.search(r"Already Exists: Job [^\s:]+(?::[^\s:.]+)*:([\w-]+)\.", str(error.message))
    location = reference.get("location") or (found and found.group(1))
    job = caller.call(
        lambda: caller.session.bigquery.get_job(
            reference["jobId"], project=reference["projectId"], location=location, retry=None
        ),
        retried=RETRIED,
    )
    is_ours = values["force_rerun"] or not values["job_id"]
    if not is_ours and job.state not in (values["reattach_states"] or ()):
        raise Failure("job:id-taken", job_id=job.job_id, state=job.state)
    caller.context.log(f"found job {job.job_id} in state {job.state}; waiting for it")
    return job


def _labels(context: Context) -> dict[str, str]:
    """Airflow's labels. A label has at most 63 small letters, digits, dashes, underscores."""
    names = {"airflow-dag": context.dag_id, "airflow-task": context.task_id}
    labels = {key: re.sub(r"[^a-z0-9_-]", "_", name.lower())[:63] for key, name in names.items()}
    return {key: value for key, value in labels.items() if re.match(r"[a-z0-9]", value)}


def _wait(caller: _Caller, values: dict[str, Any], job: Any) -> dict[str, Any]:
    """Wait until the job is done; return its statistics. Raise ``Failure`` if it ended badly."""
    look = _query_results if job.job_type == "query" else _reloaded
    started = time.monotonic()
    timeout = values["result_timeout"]
    pause = 0.0
    while (statistics := look(caller, values, job)) is None:
        if timeout and time.monotonic() - started > timeout:
            _cancel(caller, values, job)
            raise Failure("job:timeout", seconds=f"{timeout:g}", job_id=job.job_id)
        caller.context.wait(min(pause, max(values["poll_interval"], SHORTEST_INTERVAL)))
        pause = max(FIRST_POLL, pause * 1.5)
    return statistics


def _query_results(caller: _Caller, values: dict[str, Any], job: Any) -> dict[str, Any] | None:
    """Ask for the result of a query without its rows: one call tells the end and the counts.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults
    """
    interval = max(values["poll_interval"], SHORTEST_INTERVAL)
    longest = min(interval, caller.session.read_timeout / 2, LONGEST_LOOK)
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
        statistics = _reloaded(caller, values, job)
        if statistics is not None:
            # It went well, and only its result can't be read.
            return statistics
        raise
    return {"query": answer} if answer.get("jobComplete") else None


def _reloaded(caller: _Caller, values: dict[str, Any], job: Any) -> dict[str, Any] | None:
    """The statistics of a job that is done. Raise ``Failure`` if it ended badly."""
    if job.state != "DONE":
        caller.call(lambda: job.reload(retry=None), retried=RETRIED_WHILE_WAITING)
    if job.state != "DONE":
        return None
    if job.error_result:
        raise _ended_badly(job, caller.session)
    statistics: dict[str, Any] = job._properties.get("statistics", {})
    return statistics


def _cancel(caller: _Caller, values: dict[str, Any], job: Any) -> None:
    if values["cancel_on_kill"]:
        caller.call(lambda: job.cancel(retry=None), retried=RETRIED)


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


def _facts(job_id: str, statistics: dict[str, Any]) -> dict[str, Any]:
    """What the job did: rows, bytes and files, as far as BigQuery tells."""
    query = statistics.get("query", {})
    load = statistics.get("load", {})
    changed = _first_int(query.get("numDmlAffectedRows"))
    extracted = statistics.get("extract", {}).get("destinationUriFileCounts")
    facts = {
        "job_id": job_id,
        "rows": _first_int(
            load.get("outputRows"),
            statistics.get("copy", {}).get("copiedRows"),
            query.get("totalRows") if changed is None else None,
        ),
        "changed_rows": changed,
        "files": sum(map(int, extracted)) if extracted else None,
        "bytes": _first_int(
            query.get("totalBytesProcessed"),
            load.get("outputBytes"),
            statistics.get("totalBytesProcessed"),
        ),
        "cache_hit": True if query.get("cacheHit") else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _first_int(*values: Any) -> int | None:
    return next((int(value) for value in values if value is not None), None)


def _summary(facts: dict[str, Any]) -> str:
    parts = [
        f"{facts[name]:,} {one if facts[name] == 1 else many}"
        for name, one, many in (
            ("rows", "row", "rows"),
            ("changed_rows", "row changed", "rows changed"),
            ("files", "file", "files"),
        )
        if name in facts
    ]
    if "bytes" in facts:
        parts.append(f"{_size(facts['bytes'])} read")
    return ", ".join(["Cloud job done", *parts])


def _size(count: int) -> str:
    number = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 1000 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
