"""The role of a user: one of Django's groups, or none."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from access.rights import ROLES

ADMIN_ROLE = "Admin"


def role_of(user: Any) -> str:
    """The greatest role that ``user`` has; empty for none. A superuser counts as an Admin."""
    if user.is_superuser:
        return ADMIN_ROLE
    held = {group.name for group in user.groups.all()}
    return next((name for name in reversed(ROLES) if name in held), "")


def set_role(user: Any, role: str) -> None:
    """Give ``role`` and take every other; an empty text takes them all. Raise ``KeyError``."""
    if role and role not in ROLES:
        raise KeyError(role)
    with transaction.atomic():
        user.groups.remove(*Group.objects.filter(name__in=ROLES))
        if role:
            user.groups.add(Group.objects.get(name=role))
        user.is_staff = role == ADMIN_ROLE or user.is_superuser
        user.save(update_fields=["is_staff"])
