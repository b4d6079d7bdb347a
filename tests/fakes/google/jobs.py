"""One job: its state at a moment, and the resource that shows it.

https://cloud.google.com/bigquery/docs/reference/rest/v2/Job
"""

import hashlib
import time
from dataclasses import dataclass, field
from enum import StrEnum

from tests.fakes.google.answers import Json
from tests.fakes.google.plans import JobError, JobPlan
from tests.fakes.google.statistics import statement_type, statistics_of


class JobState(StrEnum):
    """``status.state`` of a job."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"


@dataclass(slots=True, kw_only=True)
class Job:
    """A job that was inserted. Times are seconds since the epoch.

    ``inserts`` counts the calls of ``jobs.insert`` with this id: 1, and one more for each
    that was refused as a duplicate.
    """

    id: str
    project: str
    location: str
    kind: str
    configuration: Json
    plan: JobPlan
    user_email: str
    base_url: str
    created: float = field(default_factory=time.time)
    inserts: int = 1
    cancel_requested: float | None = None

    @property
    def started(self) -> float:
        """When it leaves PENDING; a job cancelled before that starts and ends together."""
        return min(self.created + self.plan.pending, self.ended)

    @property
    def ended(self) -> float:
        """When it is DONE, by plan or by a cancel that came in time."""
        natural = self.created + self.plan.pending + self.plan.running
        if self.cancel_requested is None or self.plan.cancel_after is None:
            return natural
        return min(natural, self.cancel_requested + self.plan.cancel_after)

    @property
    def stopped(self) -> bool:
        """Whether a cancel ends it before its plan does."""
        return self.ended < self.created + self.plan.pending + self.plan.running

    @property
    def error(self) -> JobError | None:
        """How it ends, once DONE."""
        return JobError.stopped() if self.stopped else self.plan.error

    @property
    def state(self) -> JobState:
        """Its state now."""
        now = time.time()
        if now >= self.ended:
            return JobState.DONE
        return JobState.RUNNING if now >= self.started else JobState.PENDING

    @property
    def returns_rows(self) -> bool:
        """Whether it is a query with a result to read."""
        return self.kind == "query" and statement_type(self.plan, self.configuration) == "SELECT"

    @property
    def reference(self) -> Json:
        """JobReference."""
        return {"projectId": self.project, "jobId": self.id, "location": self.location}

    def resource(self, *, shown_as: JobState | None = None) -> Json:
        """The Job resource now, or as if in the given state."""
        state = shown_as or self.state
        return {
            "kind": "bigquery#job",
            "etag": hashlib.sha1(f"{self.id}{state}".encode()).hexdigest()[:22],
            "id": f"{self.project}:{self.location}.{self.id}",
            "selfLink": f"{self.base_url}/bigquery/v2/projects/{self.project}/jobs/{self.id}"
            f"?location={self.location}",
            "user_email": self.user_email,
            "configuration": self.configuration | {"jobType": self.kind.upper()},
            "jobReference": self.reference,
            "statistics": self._statistics(state),
            "status": self._status(state),
        }

    def _statistics(self, state: JobState) -> Json:
        times = {"creationTime": _milliseconds(self.created)}
        if state is not JobState.PENDING:
            times["startTime"] = _milliseconds(self.started)
        if state is not JobState.DONE:
            return dict(times)
        times["endTime"] = _milliseconds(self.ended)
        if self.error is not None:
            return times | {"totalBytesProcessed": "0"}
        return times | statistics_of(self.kind, self.plan, self.configuration)

    def _status(self, state: JobState) -> Json:
        if state is not JobState.DONE or self.error is None:
            return {"state": state.value}
        error = self.error.to_json()
        return {"errorResult": error, "errors": [error], "state": state.value}

    def summary(self) -> Json:
        """What a test wants to know about it, as the control endpoint shows it."""
        return {
            "id": self.id,
            "project": self.project,
            "location": self.location,
            "kind": self.kind,
            "state": self.state.value,
            "inserts": self.inserts,
            "cancel_requested": self.cancel_requested is not None,
            "user_email": self.user_email,
            "configuration": self.configuration,
        }


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
