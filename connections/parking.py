"""Keeps a text with secrets between two clicks of one person, so that no page has to hold it."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from connections.models import ParkedText

#: Minutes after which a text that nobody came back for is forgotten.
KEPT_MINUTES = 30
#: How many of one person are kept, the newest.
MOST = 5


def park(text: str, *, user: Any, purpose: str) -> str:
    """The handle by which ``user`` gets ``text`` back, for this ``purpose`` only."""
    handle = secrets.token_urlsafe(24)
    _forget_old()
    ParkedText.objects.create(digest=_digest(handle), user=user, purpose=purpose, text=text)
    rows = ParkedText.objects.filter(user=user, purpose=purpose)
    newest = list(rows.order_by("-pk").values_list("pk", flat=True)[:MOST])
    rows.exclude(pk__in=newest).delete()
    return handle


def unpark(handle: str, *, user: Any, purpose: str) -> str | None:
    """The text, which stays; ``None`` if it is another's, or was forgotten."""
    _forget_old()
    rows = ParkedText.objects.filter(digest=_digest(handle), user=user, purpose=purpose)
    parked = rows.first()
    return parked.text if parked else None


def forget(handle: str, *, user: Any) -> None:
    ParkedText.objects.filter(digest=_digest(handle), user=user).delete()


def _forget_old() -> None:
    too_old = timezone.now() - timedelta(minutes=KEPT_MINUTES)
    ParkedText.objects.filter(created_at__lt=too_old).delete()


def _digest(handle: str) -> str:
    return hashlib.sha256(handle.encode()).hexdigest()
