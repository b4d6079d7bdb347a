"""What can go wrong on the way to Google, programmable.

Codes and reasons follow https://cloud.google.com/bigquery/docs/error-messages; the token
endpoint's follow
https://developers.google.com/identity/protocols/oauth2/service-account#error-codes.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from tests.fakes.google.answers import Answer, GoogleError, Json, TokenError
from tests.fakes.google.records import RecordedRequest

SYNTAX_ERROR = 'Syntax error: Unexpected identifier "SELEC" at [1:1]'

_QUOTAS = "For more information, see https://cloud.google.com/bigquery/docs/troubleshoot-quotas"
_MESSAGES = {
    "accessDenied": (
        "Access Denied: Project {project}: User does not have bigquery.jobs.create "
        "permission in project {project}."
    ),
    "backendError": "Error encountered during execution. Retrying may solve the problem.",
    "internalError": "An internal error occurred and the request could not be completed.",
    "invalidQuery": SYNTAX_ERROR,
    "quotaExceeded": (
        "Quota exceeded: Your project exceeded quota for free query bytes scanned. " + _QUOTAS
    ),
    "rateLimitExceeded": (
        "Exceeded rate limits: too many api requests per user per method for this user_method. "
        + _QUOTAS
    ),
}
_OAUTH_CODES = {"invalid_client": 401}


class FaultKind(StrEnum):
    """How a call goes wrong."""

    STATUS = "status"
    TOKEN = "token"
    HANG = "hang"
    DROP = "drop"
    DROP_AFTER = "drop_after"
    GARBAGE = "garbage"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way a call goes wrong. Made by the constructors below, not by hand."""

    kind: FaultKind
    code: int = 0
    reason: str = ""
    message: str = ""
    delay: float = 0.0

    @classmethod
    def status(cls, code: int, *, reason: str, message: str = "") -> "Fault":
        """An HTTP status in Google's error shape; nothing is done.

        Without a message the usual one of the reason is used; ``{project}`` in it stands
        for the project of the call.
        """
        return cls(FaultKind.STATUS, code, reason, message or _MESSAGES.get(reason, reason))

    @classmethod
    def token(cls, error: str, description: str, *, code: int = 0) -> "Fault":
        """A refusal in the token endpoint's shape: 401 for ``invalid_client``, else 400."""
        return cls(FaultKind.TOKEN, code or _OAUTH_CODES.get(error, 400), error, description)

    @classmethod
    def hang(cls) -> "Fault":
        """The request is read and never answered until the fake closes."""
        return cls(FaultKind.HANG)

    @classmethod
    def drop(cls) -> "Fault":
        """The connection is closed before anything is done."""
        return cls(FaultKind.DROP)

    @classmethod
    def drop_after(cls) -> "Fault":
        """The call is carried out (the job exists), then the connection is closed."""
        return cls(FaultKind.DROP_AFTER)

    @classmethod
    def garbage(cls, body: str = "<html><body>Bad gateway</body></html>") -> "Fault":
        """200 with a body that isn't JSON, as a captive portal gives; nothing is done."""
        return cls(FaultKind.GARBAGE, message=body)

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """The call is carried out at once, and answered ``seconds`` later."""
        return cls(FaultKind.SLOW, delay=seconds)

    def apply(
        self,
        request: RecordedRequest,
        perform: Callable[[RecordedRequest], Answer],
        *,
        closing: threading.Event,
    ) -> Answer | None:
        """Answer the request wrongly; None closes the connection without an answer."""
        match self.kind:
            case FaultKind.STATUS | FaultKind.TOKEN | FaultKind.GARBAGE:
                return self._refusal(request)
            case FaultKind.HANG:
                closing.wait()
            case FaultKind.DROP_AFTER:
                perform(request)
            case FaultKind.SLOW:
                answer = perform(request)
                closing.wait(self.delay)
                return answer
        return None

    def _refusal(self, request: RecordedRequest) -> Answer:
        if self.kind is FaultKind.GARBAGE:
            return Answer(200, self.message.encode(), "text/html; charset=UTF-8")
        if self.kind is FaultKind.TOKEN:
            return TokenError(self.reason, self.message, code=self.code).answer()
        in_query = self.reason == "invalidQuery"
        return GoogleError(
            self.code,
            reason=self.reason,
            message=self.message.replace("{project}", request.params.get("project", "")),
            location="q" if in_query else None,
            location_type="parameter" if in_query else None,
        ).answer()

    def to_json(self) -> Json:
        """The fault as the control endpoint takes it."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Json) -> "Fault":
        """Read a fault from JSON.

        Raises:
            ValueError: the kind is unknown.
            TypeError: a field is unknown.
        """
        fault = cls(**(body | {"kind": FaultKind(body.get("kind", ""))}))
        if fault.kind is FaultKind.STATUS:
            return cls.status(fault.code, reason=fault.reason, message=fault.message)
        if fault.kind is FaultKind.TOKEN:
            return cls.token(fault.reason, fault.message, code=fault.code)
        return fault
