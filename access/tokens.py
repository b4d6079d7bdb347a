"""How a program proves for whom it acts: an API token, or a token got by a password.

An API token is random and looked up by its digest. A password token is a JSON
Web Token (RFC 7519), so that Airflow's clients can take it where they expect
one; nothing is stored for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from access.audit import Actor, record
from access.models import ApiToken
from access.rights import SCOPES, Caller

BEGINNING = "pb_"
#: In base64 they are 43 characters.
RANDOM_BYTES = 32
PREFIX_LENGTH = len(BEGINNING) + 6
#: ``last_used_at`` is at most so old while a token is in use.
USE_IS_NOTED_EVERY = timedelta(minutes=1)
ALGORITHM = "HS256"
#: The ``iss`` and the ``aud`` of a password token.
ISSUER = "patchbay"


def create_token(
    user: Any,
    *,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    actor: Actor,
) -> tuple[ApiToken, str]:
    """The row and the token itself, which can't be had again. Raise ``ValueError`` for a scope."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise ValueError(f"A token needs some of these scopes: {', '.join(SCOPES)}.")
    text = BEGINNING + secrets.token_urlsafe(RANDOM_BYTES)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user,
            name=name,
            prefix=text[:PREFIX_LENGTH],
            digest=_digest(text),
            scopes=[scope for scope in SCOPES if scope in scopes],
            expires_at=expires_at,
        )
        detail = {"scopes": token.scopes, "expires": expires_at and expires_at.isoformat()}
        _record(token, "created", actor=actor, **detail)
    return token, text


def delete_token(token: ApiToken, *, actor: Actor) -> None:
    with transaction.atomic():
        _record(token, "revoked", actor=actor)
        token.delete()


def _record(token: ApiToken, action: str, *, actor: Actor, **detail: Any) -> None:
    of = token.user.get_username()
    record(actor, action, what="API token", name=token.name, of=of, prefix=token.prefix, **detail)


def password_token(user: Any) -> str:
    """A token for who has just given the password; it lives ``TOKEN_LIFETIME`` seconds."""
    import jwt

    now = int(time.time())
    claims = {
        "sub": str(user.pk),
        "iss": ISSUER,
        "aud": ISSUER,
        "iat": now,
        "exp": now + settings.TOKEN_LIFETIME,
        "pwd": _fingerprint(user),
    }
    return jwt.encode(claims, _signing_key(), algorithm=ALGORITHM)


def caller_for(bearer: str) -> Caller | None:
    """Who acts with this token of either kind; ``None`` if it is none, or not valid any more."""
    caller = _by_api_token(bearer) if bearer.startswith(BEGINNING) else _by_password_token(bearer)
    return caller if caller and caller.user.is_active else None


def _by_api_token(text: str) -> Caller | None:
    token = ApiToken.objects.select_related("user").filter(digest=_digest(text)).first()
    if token is None or token.is_expired:
        return None
    _note_use(token)
    return Caller(token.user, tuple(scope for scope in token.scopes if scope in SCOPES))


def _note_use(token: ApiToken) -> None:
    """Few writes: of many calls in a minute, and of two at once, one is noted."""
    if not token.user.is_active:
        return
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at <= now - USE_IS_NOTED_EVERY:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def _by_password_token(text: str) -> Caller | None:
    import jwt

    try:
        claims = jwt.decode(
            text,
            _signing_key(),
            algorithms=[ALGORITHM],
            audience=ISSUER,
            issuer=ISSUER,
            options={"require": ["sub", "iat", "exp", "aud", "iss", "pwd"]},
        )
    except jwt.InvalidTokenError:
        return None
    user = get_user_model().objects.filter(pk=claims["sub"]).first()
    if user is None or not hmac.compare_digest(_fingerprint(user), claims["pwd"]):
        return None
    return Caller(user)


def _fingerprint(user: Any) -> str:
    """Changes with the password. Not the session's own hash, which nobody outside needs."""
    return salted_hmac("access.tokens.fingerprint", user.get_session_auth_hash()).hexdigest()


def _signing_key() -> bytes:
    """A key for this purpose alone, so that no other signature of ours passes for a token."""
    label = b"access.tokens.password_token"
    return hmac.digest(settings.SECRET_KEY.encode(), label, hashlib.sha256)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
