"""Maps what Google's client libraries raise to Patchbay's codes."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth import exceptions as auth

from connections.exceptions import SessionFailure
from connections.hooks.transport import broken_by, causes_of
from connections.types.google_cloud_platform import DEFAULT_READ_TIMEOUT

#: Google's reasons for "too often", which come with 403 as well as with 429.
#: https://cloud.google.com/bigquery/docs/error-messages
RATE_LIMIT_REASONS = frozenset(
    {"rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded"}
)
#: How google-auth's error begins when an account may not be impersonated.
NO_IMPERSONATION = "Unable to acquire impersonated credentials"
#: What the libraries raise on purpose; anything else is a defect.
EXPECTED = (GoogleAPICallError, auth.GoogleAuthError, requests.RequestException)


def reason_of(error: GoogleAPICallError) -> str:
    """Google's own word for the error, such as ``accessDenied``; empty without one."""
    return str(error.errors[0].get("reason", "")) if error.errors else ""


def failure_of(
    error: Exception, *, host: str, read_timeout: float = DEFAULT_READ_TIMEOUT
) -> SessionFailure | None:
    """The failure that any service of Google could have caused, or ``None``.

    What only one service can mean (a table not found, say) is left to the
    caller. ``host`` is where the call went, for an error that doesn't tell.
    """
    failure = _failure_of(error, read_timeout)
    if failure is not None:
        failure.facts["host"] = failure.facts.get("host") or host
    return failure


def _failure_of(error: Exception, read_timeout: float) -> SessionFailure | None:
    chain = list(causes_of(error))
    if transport := next((e for e in chain if isinstance(e, requests.RequestException)), None):
        return _transport_failure(transport, read_timeout)
    if isinstance(error, GoogleAPICallError):
        return _status_failure(error)
    if isinstance(error, auth.RefreshError):
        return _refresh_failure(error)
    if isinstance(error, auth.OAuthError):
        answer = _json_object(error.args[-1])
        return _rejection(answer) if answer else SessionFailure("cloud:bad-answer")
    if isinstance(error, auth.DefaultCredentialsError):
        return SessionFailure("session:no-default-credentials")
    if isinstance(error, auth.GoogleAuthError):
        return SessionFailure("cloud:unauthenticated", vendor_message=str(error))
    return None


def _transport_failure(error: requests.RequestException, read_timeout: float) -> SessionFailure:
    broken = broken_by(error)
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return SessionFailure("cloud:bad-answer", host=broken.host)
    # A proxy that refuses keeps Google out of reach, and has no code of its own here.
    kind = "unreachable" if broken.kind == "proxy" else broken.kind
    facts: dict[str, Any] = {"host": broken.host}
    if kind in ("tls", "unreachable"):
        facts["reason"] = broken.reason
    elif kind == "timeout":
        facts["seconds"] = f"{read_timeout:g}"
    elif kind == "dropped":
        facts["attempts"] = 1
    return SessionFailure(f"cloud:{kind}", **facts)


def _status_failure(error: GoogleAPICallError) -> SessionFailure | None:
    status = int(error.code or 0)
    response = getattr(error, "response", None)
    host = urlsplit(str(getattr(response, "url", ""))).netloc
    retry_after = _seconds(response.headers.get("Retry-After")) if response is not None else None
    reason = reason_of(error)
    known: dict[str, Any] = {
        "host": host,
        "status": status,
        "attempts": 1,
        "vendor_message": error.message or "",
    }
    if status == 429 or reason in RATE_LIMIT_REASONS:
        return SessionFailure("cloud:rate-limited", retry_after=retry_after, **known)
    if status >= 500:
        return SessionFailure("cloud:unavailable", retry_after=retry_after, **known)
    if status == 401:
        return SessionFailure("cloud:unauthenticated", **known)
    if not error.errors and (response is None or "json" not in _content_type(response)):
        return SessionFailure("cloud:bad-answer", **known)
    return None


def _content_type(response: requests.Response) -> str:
    return str(response.headers.get("Content-Type", ""))


def _seconds(header: str | None) -> float | None:
    is_number = header is not None and re.match(r"[0-9]{1,6}\Z", header)
    return float(header) if header and is_number else None


def _refresh_failure(error: auth.RefreshError) -> SessionFailure:
    """https://cloud.google.com/iam/docs/reference/sts/rest and RFC 6749, section 5.2."""
    answer = next((arg for arg in error.args if isinstance(arg, dict)), None)
    if getattr(error, "retryable", False):
        return SessionFailure("cloud:unavailable", status="5xx", attempts=3)
    if str(error.args[0]).startswith(NO_IMPERSONATION):
        return _impersonation_failure(_json_object(error.args[-1]).get("error"))
    return SessionFailure("cloud:bad-answer") if answer is None else _rejection(answer)


def _rejection(answer: dict[str, Any]) -> SessionFailure:
    reason = str(answer.get("error", "refused"))
    words = str(answer.get("error_description", ""))
    return SessionFailure(
        "session:credentials-rejected", reason=reason, vendor_message=words or reason
    )


def _impersonation_failure(answer: Any) -> SessionFailure:
    """https://cloud.google.com/iam/docs/reference/credentials/rest, generateAccessToken."""
    if not isinstance(answer, dict):
        return SessionFailure("cloud:bad-answer")
    status, words = answer.get("code", 0), str(answer.get("message", ""))
    if isinstance(status, int) and status >= 500:
        return SessionFailure("cloud:unavailable", status=status, attempts=1, vendor_message=words)
    return SessionFailure("session:impersonation-refused", vendor_message=words)


def _json_object(text: Any) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return data if isinstance(data, dict) else {}
