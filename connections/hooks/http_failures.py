"""Maps what an HTTP service answers, or keeps it from answering, to Patchbay's codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from connections.exceptions import Failure, SessionFailure
from connections.hooks.http_answer import Answer
from connections.hooks.shortening import shortened
from connections.hooks.transport import broken_by, host_of

#: What the library raises on purpose. A file that it can't read is a plain ``OSError``, a
#: header that isn't Latin a ``UnicodeError``.
EXPECTED = (requests.RequestException, OSError, UnicodeError)
#: Characters of an answer that are shown with a failure.
SHOWN = 500
#: A refusal by its status; others are ``http:refused``. RFC 9110, 15.5; RFC 6585, 4; RFC 8470.
REFUSALS = {
    401: "http:unauthenticated",
    403: "http:forbidden",
    404: "http:not-found",
    407: "http:proxy",
    408: "http:unavailable",
    425: "http:unavailable",
    429: "http:rate-limited",
    501: "http:refused",
}


def failure_of(error: Exception, *, host: str, read_timeout: float) -> SessionFailure | None:
    """The failure that kept a call from its answer; ``None`` for what nobody foresees.

    The library's words are left out: they hold addresses and headers.
    """
    if isinstance(error, requests.exceptions.InvalidHeader | UnicodeError):
        return SessionFailure("http:request-invalid", host=host, reason="a header can't be sent")
    if isinstance(error, requests.exceptions.InvalidSchema | requests.exceptions.InvalidProxyURL):
        return SessionFailure("http:option-invalid", host=host, name="proxies")
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema):
        return SessionFailure("http:request-invalid", host=host, reason="the address can't be")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return SessionFailure("http:bad-answer", host=host)
    if isinstance(error, requests.RequestException):
        broken = broken_by(error)
        return SessionFailure(
            f"http:{broken.kind}",
            host=broken.host or host,
            reason=broken.reason,
            seconds=f"{read_timeout:g}",
            status="no answer",
        )
    if isinstance(error, OSError):
        return SessionFailure("http:file-unreadable", host=host)
    return None


def refusal_of(answer: Answer) -> Failure | None:
    """The failure that an answer means; ``None`` for one below 400."""
    status = answer.status
    if status < 400:
        return None
    default = "http:unavailable" if status >= 500 else "http:refused"
    return Failure(
        REFUSALS.get(status, default),
        vendor_message=shortened(answer.text, SHOWN).strip(),
        retry_after=retry_after(answer.headers.get("Retry-After", "")),
        status=status,
        host=host_of(answer.url),
        what=answer.what,
    )


def retry_after(value: str) -> float | None:
    """Seconds to wait, from a number or a date. RFC 9110, 10.2.3."""
    if re.fullmatch(r"[0-9]{1,6}", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
