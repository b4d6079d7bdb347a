"""What the fake answers: bodies in the two shapes Google uses for errors.

BigQuery: https://cloud.google.com/bigquery/docs/error-messages and
https://cloud.google.com/apis/design/errors (HTTP mapping of ``status``).
OAuth: https://developers.google.com/identity/protocols/oauth2/service-account#error-codes.
"""

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer: its code, its body as bytes, and what else goes into the head."""

    code: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)


def json_answer(body: object, *, code: int = 200) -> Answer:
    """Answer with a JSON document."""
    return Answer(code, json.dumps(body).encode())


class GoogleError(Exception):
    """A refusal by a Google API, in the JSON error shape of googleapis.com.

    ``location`` names the offending parameter or header, as ``location_type`` says.
    ``summary`` stands in ``errors[0].message`` where Google words it differently.
    """

    def __init__(
        self,
        code: int,
        *,
        reason: str,
        message: str,
        location: str | None = None,
        location_type: str | None = None,
        summary: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = {"message": summary or message, "domain": "global", "reason": reason}
        if location and location_type:
            self.detail |= {"location": location, "locationType": location_type}

    def answer(self) -> Answer:
        """Answer with the error document, and the challenge a 401 carries."""
        error = {"code": self.code, "message": self.message, "errors": [self.detail]}
        if self.code in _STATUS_NAMES:
            error["status"] = _STATUS_NAMES[self.code]
        challenge = {"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'}
        return Answer(
            self.code,
            json.dumps({"error": error}).encode(),
            headers=challenge if self.code == 401 else {},
        )


class TokenError(Exception):
    """A refusal by the token endpoint: ``{"error": ..., "error_description": ...}``."""

    def __init__(self, error: str, description: str, *, code: int = 400) -> None:
        super().__init__(description)
        self.code = code
        self.body = {"error": error, "error_description": description}

    def answer(self) -> Answer:
        """Answer with the two fields of RFC 6749, section 5.2."""
        return json_answer(self.body, code=self.code)


def not_found(message: str) -> GoogleError:
    """404 ``notFound``."""
    return GoogleError(404, reason="notFound", message=message)


def invalid(message: str) -> GoogleError:
    """400 ``invalid``: the request itself is wrong."""
    return GoogleError(400, reason="invalid", message=message)
