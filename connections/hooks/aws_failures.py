"""Maps what Amazon's library raises to Patchbay's codes."""

from __future__ import annotations

import ssl
from typing import Any

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as pool

from connections.exceptions import SessionFailure
from connections.hooks.transport import causes_of, host_of

#: What the library raises on purpose; anything else is a defect.
EXPECTED = (boto.BotoCoreError, boto.ClientError, ResponseParserError)
#: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and
#: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
REJECTED = frozenset(
    {"AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature"}
    | {"InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity", "InvalidToken"}
    | {"MissingAuthenticationToken", "RequestExpired", "RequestTimeTooSkewed"}
    | {"SignatureDoesNotMatch", "UnrecognizedClientException", "TokenRefreshRequired"}
)
TOO_MANY = frozenset(
    {"RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown"}
    | {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
)
NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.UnauthorizedSSOTokenError,
    boto.MetadataRetrievalError,
)


def code_of(error: boto.ClientError) -> str:
    """Amazon's own word, such as ``NoSuchKey``; to a HEAD it is only the status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: boto.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def message_of(error: boto.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


def failure_of(
    error: Exception, *, host: str, read_timeout: float, profile: str = ""
) -> SessionFailure | None:
    """The failure that any service of Amazon could have caused, or ``None``."""
    if isinstance(error, boto.ClientError):
        return _refusal(error, host)
    if isinstance(error, boto.ProfileNotFound):
        return SessionFailure("aws:profile-unknown", profile=profile)
    if isinstance(error, NO_CREDENTIALS):
        return SessionFailure("aws:no-credentials", reason=str(error))
    if isinstance(error, boto.NoRegionError | boto.InvalidRegionError):
        return SessionFailure("aws:settings-invalid", setting="Region", reason=str(error))
    if isinstance(error, ResponseParserError):
        return SessionFailure("aws:bad-answer", host=host)
    if isinstance(error, boto.HTTPClientError | boto.ConnectionError):
        return _broken(error, seconds=f"{read_timeout:g}", host=_host_of(error) or host)
    return None


def _broken(error: boto.BotoCoreError, *, seconds: str, host: str) -> SessionFailure:
    """A call that got no whole answer."""
    if isinstance(error, boto.SSLError):
        return SessionFailure("aws:tls", reason=_tls_reason(error), host=host)
    if isinstance(error, boto.ReadTimeoutError):
        return SessionFailure("aws:timeout", seconds=seconds, host=host)
    if isinstance(error, boto.ConnectionClosedError | boto.ResponseStreamingError):
        return SessionFailure("aws:dropped", host=host)
    inner = error.kwargs.get("error")
    causes = causes_of(inner if isinstance(inner, BaseException) else None)
    if any(isinstance(cause, pool.NameResolutionError) for cause in causes):
        return SessionFailure("aws:name-unknown", host=host)
    if isinstance(error, boto.ConnectTimeoutError):
        return SessionFailure("aws:unreachable", reason="no answer in time", host=host)
    if isinstance(error, boto.ProxyConnectionError):
        return SessionFailure("aws:unreachable", reason="its proxy is away", host=host)
    return SessionFailure("aws:unreachable", reason="no connection", host=host)


def _refusal(error: boto.ClientError, host: str) -> SessionFailure | None:
    code, status = code_of(error), status_of(error)
    known: dict[str, Any] = {
        "host": host,
        "status": status,
        "reason": code,
        "vendor_message": message_of(error),
    }
    if code in REJECTED:
        return SessionFailure("aws:credentials-rejected", **known)
    if code in TOO_MANY or status == 429:
        return SessionFailure("aws:rate-limited", **known)
    if status >= 500:
        return SessionFailure("aws:unavailable", **known)
    return None


def _tls_reason(error: boto.SSLError) -> str:
    inner = error.kwargs.get("error")
    for cause in causes_of(inner if isinstance(inner, BaseException) else None):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.replace("_", " ").lower()
    return "no TLS"


def _host_of(error: Exception) -> str:
    return host_of(str(getattr(error, "kwargs", {}).get("endpoint_url") or ""))
