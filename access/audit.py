"""Writes the audit trail. Called inside the transaction of the act that it records."""

from __future__ import annotations

import getpass
import os
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

    @classmethod
    def of_command_line(cls) -> Actor:
        """Who runs a command, by the name that the operating system knows."""
        try:
            name = getpass.getuser()
        except (KeyError, OSError):
            # A container's user may have a number and no name.
            name = f"uid {os.getuid()}"
        return cls(f"command line ({name})")


def record(actor: Actor, action: str, *, what: str, name: str, **detail: Any) -> None:
    """``detail`` takes names and ids only: what it gets, every reader of the audit sees."""
    event(actor, action, what=what, name=name, **detail).save(force_insert=True)


def event(actor: Actor, action: str, *, what: str, name: str, **detail: Any) -> AuditEvent:
    """An entry that isn't saved yet, for an act that saves many at once."""
    return AuditEvent(
        actor_id=actor.user_id,
        actor_name=actor.name,
        action=action,
        object_type=what,
        object_id=name,
        detail=detail,
    )
