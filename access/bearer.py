"""Lets a call of the API through with a token whose user, role and scopes allow it."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from access.problems import Refused
from access.rights import WORDS, Caller, Right, caller_of
from access.sign_in import count_bad_token
from access.tokens import caller_for


class Bearer(HttpBearer):
    """``auth=Bearer(Right.SEE)``; without a right, any valid token will do.

    Only the header counts. A session's cookie never does: it would let other
    sites call in a person's name.
    """

    def __init__(self, right: Right | None = None) -> None:
        super().__init__()
        self.right = right

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        caller = caller_for(token)
        if caller is None:
            count_bad_token(request)
            raise Refused(403, "Invalid JWT token")
        request.caller = caller  # type: ignore[attr-defined]
        if self.right is not None:
            demand(request, self.right)
        return caller


def demand(request: HttpRequest, right: Right) -> None:
    """Raise ``Refused`` when the call's token may not do this."""
    if not caller_of(request).may(right):
        raise Refused(403, f"Forbidden: your role or your token doesn't let you {WORDS[right]}.")
