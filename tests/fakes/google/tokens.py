"""The token endpoint: a signed assertion in, an access token out.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

import datetime as dt
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import jwt

from tests.fakes.google.answers import GoogleError, Json, TokenError
from tests.fakes.google.records import RecordedRequest

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"

_LONGEST_LIFE = 3600
_SKEW = 60
_BIGQUERY_SCOPES = frozenset(
    {
        "https://www.googleapis.com/auth/bigquery",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
_BAD_TIME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
    "timeframe. Check your iat and exp values in the JWT claim."
)
_HOW_TO_AUTHENTICATE = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token: whose it is, what for, and until when (seconds since the epoch)."""

    value: str
    email: str
    scopes: tuple[str, ...]
    expires_at: float


class TokenAuthority:
    """Knows the public keys of service accounts and the tokens it gave for them.

    ``lifetime`` is how many seconds a token lives. As with Google, the audience may be
    Google's own token URI whatever the address that is called: the Python library always
    signs for that one.
    """

    def __init__(self, token_uri: str, *, lifetime: int) -> None:
        self._audiences = {token_uri, GOOGLE_TOKEN_URI}
        self._lifetime = lifetime
        self._keys: dict[str, dict[str, str]] = {}
        self._tokens: dict[str, IssuedToken] = {}
        self._lock = threading.Lock()

    @property
    def issued(self) -> list[IssuedToken]:
        """The tokens given, oldest first."""
        with self._lock:
            return list(self._tokens.values())

    def register(self, *, email: str, key_id: str, public_key: str) -> None:
        """Accept assertions of an account that are signed with this key (PEM)."""
        with self._lock:
            self._keys.setdefault(email, {})[key_id] = public_key

    def revoke(self, key_id: str) -> None:
        """Delete a key, as in Google's console; the account stays."""
        with self._lock:
            for keys in self._keys.values():
                keys.pop(key_id, None)

    def forget_tokens(self) -> None:
        """Make every token given so far invalid."""
        with self._lock:
            self._tokens.clear()

    def exchange(self, form: object) -> Json:
        """Trade an assertion for a token.

        Raises:
            TokenError: what is wrong with it.
        """
        fields = form if isinstance(form, dict) else {}
        if fields.get("grant_type") != GRANT_TYPE:
            given = fields.get("grant_type", "")
            raise TokenError("unsupported_grant_type", f"Invalid grant_type: {given}")
        claims = self._verified(str(fields.get("assertion", "")))
        self._check(claims)
        token = self._issue(str(claims["iss"]), tuple(str(claims["scope"]).split()))
        return {
            "access_token": token.value,
            "expires_in": self._lifetime,
            "token_type": "Bearer",
        }

    def impersonate(self, request: RecordedRequest) -> Json:
        """Give the holder of a token one for another account, whoever that is.

        https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts

        Raises:
            GoogleError: 401 without a token.
        """
        self._found(request.headers.get("authorization"))
        body = request.body if isinstance(request.body, dict) else {}
        token = self._issue(request.params["account"], tuple(body.get("scope", ())))
        expiry = dt.datetime.fromtimestamp(int(token.expires_at), dt.UTC)
        return {"accessToken": token.value, "expireTime": f"{expiry:%Y-%m-%dT%H:%M:%SZ}"}

    def _verified(self, assertion: str) -> Json:
        try:
            unverified = jwt.decode(assertion, options={"verify_signature": False})
            key_id = jwt.get_unverified_header(assertion).get("kid")
        except jwt.InvalidTokenError as error:
            raise TokenError("invalid_grant", "Bad Request") from error
        keys = self._keys.get(str(unverified.get("iss")))
        if keys is None:
            raise TokenError("invalid_grant", "Invalid grant: account not found")
        candidates = [keys[key_id]] if key_id in keys else []
        if key_id is None:
            candidates = list(keys.values())
        if not any(_is_signed_with(key, assertion) for key in candidates):
            raise TokenError("invalid_grant", "Invalid JWT Signature.")
        return dict(unverified)

    def _check(self, claims: Mapping[str, object]) -> None:
        now, issued, expires = time.time(), claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or not isinstance(expires, int | float):
            raise TokenError("invalid_grant", _BAD_TIME)
        in_time = issued <= now + _SKEW and now - _SKEW < expires <= issued + _LONGEST_LIFE
        if not in_time:
            raise TokenError("invalid_grant", _BAD_TIME)
        if claims.get("aud") not in self._audiences:
            raise TokenError(
                "invalid_grant",
                f"Invalid JWT: Failed audience check. The right audience is {GOOGLE_TOKEN_URI}",
            )
        if not claims.get("scope"):
            description = "Invalid OAuth scope or ID token audience provided."
            raise TokenError("invalid_scope", description)

    def _issue(self, email: str, scopes: tuple[str, ...]) -> IssuedToken:
        value = f"ya29.c.{secrets.token_urlsafe(48)}"
        token = IssuedToken(value, email, scopes, time.time() + self._lifetime)
        with self._lock:
            self._tokens[value] = token
        return token

    def check(self, authorization: str | None) -> IssuedToken:
        """Find the token that an ``Authorization`` header carries.

        Raises:
            GoogleError: 401 if it is missing, unknown or expired; 403 if its scopes don't
                cover BigQuery.
        """
        token = self._found(authorization)
        if not _BIGQUERY_SCOPES & set(token.scopes):
            raise GoogleError(
                403,
                reason="insufficientPermissions",
                message="Request had insufficient authentication scopes.",
                summary="Insufficient Permission",
            )
        return token

    def _found(self, authorization: str | None) -> IssuedToken:
        if not authorization:
            raise _unauthenticated("Request is missing required authentication credential.")
        token = self._tokens.get(authorization.removeprefix("Bearer "))
        if token is None or token.expires_at <= time.time():
            raise _unauthenticated("Request had invalid authentication credentials.")
        return token


def _is_signed_with(key: str, assertion: str) -> bool:
    # Only the signature is checked here: Google words each other fault differently.
    unchecked = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
    try:
        jwt.decode(assertion, key, algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type]
    except jwt.InvalidTokenError:
        return False
    return True


def _unauthenticated(problem: str) -> GoogleError:
    missing = "missing" in problem
    return GoogleError(
        401,
        reason="required" if missing else "authError",
        message=f"{problem} {_HOW_TO_AUTHENTICATE}",
        location="Authorization",
        location_type="header",
        summary="Login Required." if missing else "Invalid Credentials",
    )
