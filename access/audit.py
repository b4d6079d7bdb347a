"""Writes the audit trail. Called inside the transaction of the act that it records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from access.models import AuditEvent


@dataclass(frozen=True)
class Actor:
    """Who acts: a user, or a program by its name (``make run``, ``schedule``)."""

    name: str
    user_id: int | None = None

    @classmethod
    def of(cls, user: AbstractBaseUser | Any) -> Actor:
        return cls(name=user.get_username(), user_id=user.pk)


def record(actor: Actor, action: str, *, what: str, name: str, **detail: Any) -> None:
    """``detail`` takes names and ids only: what it gets, every reader of the audit sees."""
    AuditEvent.objects.create(
        actor_id=actor.user_id,
        actor_name=actor.name,
        action=action,
        object_type=what,
        object_id=name,
        detail=detail,
    )
