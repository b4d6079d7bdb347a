"""Maps what BigQuery says of a job to Patchbay's codes."""

from __future__ import annotations

from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from connections.exceptions import Failure
from connections.hooks.google_failures import reason_of

#: https://cloud.google.com/bigquery/docs/error-messages
REASONS = {
    "accessDenied": "job:permission-denied",
    "quotaExceeded": "job:quota-exceeded",
    "billingTierLimitExceeded": "job:quota-exceeded",
    "invalidQuery": "job:invalid-query",
    "notFound": "job:not-found",
    "invalid": "job:invalid",
    "parseError": "job:invalid",
    "required": "job:invalid",
    "resourceInUse": "job:in-use",
    "stopped": "job:stopped",
}


def refused(error: GoogleAPICallError, *, project: str, identity: str) -> Failure:
    """What it means that BigQuery refused a call in ``project`` of ``identity``."""
    return job_failure(
        reason_of(error),
        str(error.message or ""),
        status=int(error.code or 0),
        project=project,
        identity=identity,
    )


def job_failure(reason: str, message: str, *, identity: str, **facts: Any) -> Failure:
    """The failure for one of BigQuery's reasons; unknown ones become ``job:failed``."""
    code = REASONS.get(reason, "job:failed")
    facts["account"] = identity if "@" in identity else ""
    facts = {name: value for name, value in facts.items() if value}
    facts.setdefault("status", 403)
    return Failure(code, vendor_message=message, reason=reason or "no reason", **facts)
