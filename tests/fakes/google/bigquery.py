"""The calls of BigQuery's REST API that the fake knows, and what each does.

https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs
"""

import re
from collections.abc import Callable

from tests.fakes.google import results
from tests.fakes.google.answers import Json, not_found
from tests.fakes.google.catalog import Catalog
from tests.fakes.google.jobs import Job, JobState
from tests.fakes.google.records import RecordedRequest
from tests.fakes.google.store import JobStore

_BASE = r"/bigquery/v2/projects/(?P<project>[^/]+)"
_DATASET = _BASE + r"/datasets/(?P<dataset>[^/]+)"
_TABLE = _DATASET + r"/tables/(?P<table>[^/]+)"
IAM = "iam.generateAccessToken"
_ROUTES = (
    ("POST", re.compile(_BASE + r"/jobs"), "jobs.insert"),
    ("GET", re.compile(_BASE + r"/jobs/(?P<job>[^/]+)"), "jobs.get"),
    ("POST", re.compile(_BASE + r"/jobs/(?P<job>[^/]+)/cancel"), "jobs.cancel"),
    ("GET", re.compile(_BASE + r"/queries/(?P<job>[^/]+)"), "jobs.getQueryResults"),
    ("POST", re.compile(_BASE + r"/queries"), "jobs.query"),
    ("POST", re.compile(_BASE + r"/datasets"), "datasets.insert"),
    ("GET", re.compile(_DATASET), "datasets.get"),
    ("DELETE", re.compile(_DATASET), "datasets.delete"),
    ("POST", re.compile(_DATASET + r"/tables"), "tables.insert"),
    ("GET", re.compile(_TABLE), "tables.get"),
    ("DELETE", re.compile(_TABLE), "tables.delete"),
    ("GET", re.compile(_TABLE + r"/data"), "tabledata.list"),
    ("POST", re.compile(r"/v1/projects/-/serviceAccounts/(?P<account>[^/:]+):\w+"), IAM),
)
CALLS = frozenset(name for _, _, name in _ROUTES)

_DEFAULT_TIMEOUT_MS = 10_000
_JOB_FIELDS = frozenset({"dryRun", "labels", "jobTimeoutMs", "reservation"})
_REQUEST_FIELDS = frozenset(
    {"kind", "location", "maxResults", "timeoutMs", "requestId", "formatOptions"}
    | {"jobCreationMode"}
)


def route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """The call that a request makes, with the parts of its path; ``unknown`` if none."""
    for verb, pattern, name in _ROUTES:
        if verb == method and (match := pattern.fullmatch(path)):
            return name, match.groupdict()
    return "unknown", {}


class BigQuery:
    """Carries out the calls."""

    def __init__(self, jobs: JobStore, catalog: Catalog) -> None:
        self._jobs = jobs
        self._catalog = catalog
        self._calls: dict[str, Callable[[RecordedRequest, str], Json]] = {
            "jobs.insert": self._insert,
            "jobs.get": lambda request, _: self._job(request).resource(),
            "jobs.cancel": self._cancel,
            "jobs.getQueryResults": self._get_query_results,
            "jobs.query": self._query,
        }

    def call(self, request: RecordedRequest, *, user_email: str) -> Json | None:
        """Carry out a call; None is an empty answer.

        Raises:
            GoogleError: the refusal.
        """
        if request.call.startswith(("datasets.", "tables.", "tabledata.")):
            return self._catalog.call(request.call, request.params, request.query, request.body)
        if request.call not in self._calls:
            raise not_found(f"Not Found: {request.method} {request.path}")
        return self._calls[request.call](request, user_email)

    def _job(self, request: RecordedRequest) -> Job:
        params = request.params
        return self._jobs.get(params["project"], params["job"], request.query.get("location"))

    def _insert(self, request: RecordedRequest, user_email: str) -> Json:
        body = request.body if isinstance(request.body, dict) else {}
        job = self._jobs.insert(request.params["project"], body, user_email=user_email)
        if job.configuration.get("dryRun"):
            return _dry_run(job)
        if job.state is JobState.DONE and not job.plan.done_on_insert:
            return job.resource(shown_as=JobState.RUNNING)
        return job.resource()

    def _cancel(self, request: RecordedRequest, _: str) -> Json:
        job = self._job(request)
        before = job.state
        self._jobs.cancel(job)
        return {"kind": "bigquery#jobCancelResponse", "job": job.resource(shown_as=before)}

    def _get_query_results(self, request: RecordedRequest, _: str) -> Json:
        job = self._job(request)
        answer = self._results(job, request.query)
        return {"kind": "bigquery#getQueryResultsResponse", **answer}

    def _query(self, request: RecordedRequest, user_email: str) -> Json:
        body = request.body if isinstance(request.body, dict) else {}
        job_level = {name: body[name] for name in _JOB_FIELDS & body.keys()}
        query = {name: body[name] for name in body.keys() - _JOB_FIELDS - _REQUEST_FIELDS}
        job = self._jobs.insert(
            request.params["project"],
            {
                "configuration": {**job_level, "query": query},
                "jobReference": {"location": body.get("location")},
            },
            user_email=user_email,
        )
        params = {name: str(body[name]) for name in {"maxResults", "timeoutMs"} & body.keys()}
        return {"kind": "bigquery#queryResponse", **self._results(job, params)}

    def _results(self, job: Job, params: dict[str, str]) -> Json:
        seconds = int(params.get("timeoutMs", _DEFAULT_TIMEOUT_MS)) / 1000
        if not self._jobs.wait(job, seconds=seconds):
            return results.unfinished(job)
        if job.error is not None:
            raise job.error.as_http()
        return results.finished(job, params)


def _dry_run(job: Job) -> Json:
    """What a dry run answers: what it would cost, and no job to ask about later."""
    if job.error is not None:
        raise job.error.as_http()
    resource = job.resource(shown_as=JobState.DONE)
    resource["id"] = f"{job.project}:{job.location}."
    del resource["jobReference"]["jobId"]
    resource["statistics"]["query"]["schema"] = results.table_schema(job.plan.schema)
    return resource
