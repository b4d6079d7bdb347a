"""All jobs of the fake: inserting them once, finding, cancelling and awaiting them.

https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert (and ``get``,
``cancel``).
"""

import hashlib
import re
import threading
import time
import uuid
from dataclasses import replace

from tests.fakes.google.answers import GoogleError, Json, invalid, not_found
from tests.fakes.google.jobs import Job, JobState
from tests.fakes.google.plans import JobPlan
from tests.fakes.google.schedule import Schedule

_KINDS = ("query", "load", "extract", "copy")
_MULTI_REGIONS = frozenset({"US", "EU"})
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_LABEL = re.compile(r"[\w-]{0,63}")


class JobStore:
    """The jobs by id, and the plans for those to come. Thread-safe."""

    def __init__(self, base_url: str) -> None:
        self.plans: Schedule[str, JobPlan] = Schedule()
        self._base_url = base_url
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._closed = False

    def insert(self, project: str, body: Json, *, user_email: str) -> Job:
        """Create a job as ``jobs.insert`` does; a dry run is planned but not kept.

        Raises:
            GoogleError: 400 for a request that names no job, or names it badly; 409 for an
                id that is taken.
        """
        configuration = _checked(body)
        reference = body.get("jobReference") or {}
        job_id = str(reference.get("jobId") or f"job_{uuid.uuid4().hex}")
        if not _JOB_ID.fullmatch(job_id):
            raise invalid(f'Invalid job ID "{job_id}"')
        with self._changed:
            if job_id in self._jobs:
                raise _duplicate(self._jobs[job_id])
            plan = self.plans.take(_text(job_id, configuration)) or JobPlan()
            job = Job(
                id=job_id,
                project=project,
                location=str(reference.get("location") or plan.location),
                kind=next(kind for kind in _KINDS if kind in configuration),
                configuration=_completed(configuration, project, job_id),
                plan=plan,
                user_email=user_email,
                base_url=self._base_url,
            )
            if not configuration.get("dryRun"):
                self._jobs[job_id] = job
        return job

    def get(self, project: str, job_id: str, location: str | None) -> Job:
        """Find a job. Outside of the US and EU multi-regions its location must be named.

        Raises:
            GoogleError: 404, also for the wrong project or location.
        """
        job = self._jobs.get(job_id)
        regions = {location.upper()} if location else _MULTI_REGIONS
        if job is None or job.project != project or job.location.upper() not in regions:
            place = f"{location}." if location else ""
            raise not_found(f"Not found: Job {project}:{place}{job_id}")
        return job

    def cancel(self, job: Job) -> None:
        """Ask for the end of a job; one that is done stays as it is."""
        with self._changed:
            if job.state is not JobState.DONE and job.cancel_requested is None:
                job.cancel_requested = time.time()
            self._changed.notify_all()

    def finish(self) -> None:
        """Let every job that isn't done end now, as its plan says."""
        with self._changed:
            for job in self._jobs.values():
                if job.state is not JobState.DONE:
                    past = time.time() - job.created
                    pending = min(job.plan.pending, past)
                    job.plan = replace(job.plan, pending=pending, running=past - pending)
            self._changed.notify_all()

    def wait(self, job: Job, *, seconds: float) -> bool:
        """Wait until the job is done, at most so long; whether it is."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while job.state is not JobState.DONE and not self._closed:
                left = min(deadline - time.monotonic(), job.ended - time.time() + 0.001)
                if deadline <= time.monotonic():
                    return False
                self._changed.wait(max(left, 0.001))
        return job.state is JobState.DONE

    def all(self) -> dict[str, Job]:
        """A copy: the jobs by id, oldest first."""
        with self._changed:
            return dict(self._jobs)

    def clear(self) -> None:
        """Forget the jobs and the plans."""
        self.plans.clear()
        with self._changed:
            self._jobs.clear()

    def close(self) -> None:
        """Wake up whoever waits for a job."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _checked(body: Json) -> Json:
    configuration = body.get("configuration") or {}
    found = [kind for kind in _KINDS if kind in configuration]
    if len(found) != 1:
        raise invalid(
            "Job configuration must contain exactly one job-specific configuration object "
            f"(e.g., query, load, extract, spreadsheetExtract), but there were {len(found)}: "
            + ", ".join(found)
        )
    if found == ["query"] and not configuration["query"].get("query"):
        raise invalid("Required parameter is missing: query")
    for key, value in (configuration.get("labels") or {}).items():
        if not _is_label(key) or not key[:1].isalpha():
            raise invalid(f'Label key "{key}" has invalid characters.')
        if not _is_label(value):
            raise invalid(f'Label value "{value}" has invalid characters.')
    return dict(configuration)


def _is_label(text: str) -> bool:
    """https://cloud.google.com/bigquery/docs/labels-intro#requirements"""
    return bool(_LABEL.fullmatch(text)) and text == text.lower()


def _text(job_id: str, configuration: Json) -> str:
    """What a plan is matched against: the id and the SQL, or the whole configuration."""
    return f"{job_id}\n{configuration.get('query', {}).get('query', configuration)}"


def _completed(configuration: Json, project: str, job_id: str) -> Json:
    """Fill in what the service does: a query's result lands in an anonymous table."""
    if "query" not in configuration or "destinationTable" in configuration["query"]:
        return configuration
    digest = hashlib.sha1(job_id.encode()).hexdigest()
    table = {"projectId": project, "datasetId": f"_{digest}", "tableId": f"anon{digest}"}
    return configuration | {"query": configuration["query"] | {"destinationTable": table}}


def _duplicate(job: Job) -> GoogleError:
    job.inserts += 1
    message = f"Already Exists: Job {job.project}:{job.location}.{job.id}"
    return GoogleError(409, reason="duplicate", message=message)
