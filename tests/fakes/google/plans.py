"""How a job is to live and end: programmed by a test before the job is inserted."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.fakes.google.answers import GoogleError, Json
from tests.fakes.google.faults import SYNTAX_ERROR

SchemaField = tuple[str, str] | tuple[str, str, str] | Json

# https://cloud.google.com/bigquery/docs/error-messages: the HTTP code of each reason.
_CODES = {
    "accessDenied": 403,
    "billingNotEnabled": 403,
    "invalid": 400,
    "invalidQuery": 400,
    "notFound": 404,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourcesExceeded": 400,
    "stopped": 499,
    "timeout": 400,
}


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed: an ErrorProto.

    https://cloud.google.com/bigquery/docs/reference/rest/v2/ErrorProto
    """

    reason: str
    message: str
    location: str | None = None

    @classmethod
    def invalid_query(cls, message: str = SYNTAX_ERROR) -> "JobError":
        """The SQL is wrong."""
        return cls("invalidQuery", message, "query")

    @classmethod
    def table_not_found(cls, table: str = "acme:sales.orders", region: str = "US") -> "JobError":
        """A table (``project:dataset.table``) isn't there."""
        message = f"Not found: Table {table} was not found in location {region}"
        return cls("notFound", message, table)

    @classmethod
    def table_denied(cls, table: str = "acme:sales.orders", region: str = "US") -> "JobError":
        """A table may not be read."""
        message = (
            f"Access Denied: Table {table}: User does not have permission to query table "
            f"{table}, or perhaps it does not exist in location {region}."
        )
        return cls("accessDenied", message, table)

    @classmethod
    def stopped(cls) -> "JobError":
        """The job was cancelled."""
        return cls("stopped", "Job execution was cancelled: User requested cancellation")

    def to_json(self) -> Json:
        """The ErrorProto."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def as_http(self) -> GoogleError:
        """The error as ``jobs.getQueryResults`` and ``jobs.query`` answer it."""
        code = _CODES.get(self.reason, 500)
        return GoogleError(code, reason=self.reason, message=self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPlan:
    """The programmed life of a job.

    ``pending`` and ``running`` are seconds. ``location`` is where BigQuery runs a job whose
    request doesn't say. ``jobs.insert`` itself never answers DONE unless
    ``done_on_insert``. ``cancel_after`` is how many seconds a cancel takes to have effect;
    None ignores it (cancelling is best effort at Google too).

    Sizes are bytes. ``bytes_billed`` None means what Google bills: whole MiB, at least 10,
    nothing when cached. ``schema`` holds (name, type[, mode]) or REST TableFieldSchema
    objects; it and ``rows`` matter to a SELECT, ``affected_rows`` to DML. ``output_rows``
    and ``output_bytes`` are what a load wrote or a copy copied, ``files`` the files a load
    read or an extract wrote to each of its URIs.
    """

    pending: float = 0.0
    running: float = 0.0
    location: str = "US"
    done_on_insert: bool = False
    cancel_after: float | None = 0.0
    error: JobError | None = None
    schema: Sequence[SchemaField] = (("f0_", "INTEGER"),)
    rows: Sequence[Sequence[Any]] = ((1,),)
    bytes_processed: int = 0
    bytes_billed: int | None = None
    slot_ms: int = 0
    cache_hit: bool = False
    statement_type: str | None = None
    affected_rows: int = 0
    output_rows: int = 0
    output_bytes: int = 0
    files: int = 1

    @property
    def billed(self) -> int:
        """Bytes billed. https://cloud.google.com/bigquery/pricing#on_demand_pricing"""
        if self.bytes_billed is not None:
            return self.bytes_billed
        if self.cache_hit or not self.bytes_processed:
            return 0
        mebibyte = 1024 * 1024
        return max(10, -(-self.bytes_processed // mebibyte)) * mebibyte

    def to_json(self) -> Json:
        """The plan as the control endpoint takes it; rows must hold JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Json) -> "JobPlan":
        """Read a plan from JSON.

        Raises:
            TypeError: a field is unknown.
        """
        error = body.get("error")
        return cls(**(body | {"error": JobError(**error) if error else None}))
