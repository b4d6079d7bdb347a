"""The role of a user: one of Django's groups, or none."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet

from access.rights import ROLES

ADMIN_ROLE = "Admin"


class RoleMissing(LookupError):
    """The group of a role isn't there: somebody deleted or renamed it in the database."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The group of the role {role} isn't there. A migration made it, and somebody renamed "
            "or deleted it since: a group of that name is needed again."
        )


def role_of(user: Any) -> str:
    """The greatest role that ``user`` has; empty for none. A superuser counts as an Admin."""
    if user.is_superuser:
        return ADMIN_ROLE
    held = {group.name for group in user.groups.all()}
    return next((name for name in reversed(ROLES) if name in held), "")


def set_role(user: Any, role: str) -> None:
    """Give ``role`` and take every other; an empty text takes them all.

    Raise ``KeyError`` for a role that isn't one of ``ROLES``, and ``RoleMissing``.
    """
    if role and role not in ROLES:
        raise KeyError(role)
    with transaction.atomic():
        groups = {group.name: group for group in Group.objects.filter(name__in=ROLES)}
        if role and role not in groups:
            raise RoleMissing(role)
        user.groups.remove(*groups.values())
        if role:
            user.groups.add(groups[role])
        user.is_staff = role == ADMIN_ROLE or user.is_superuser
        user.save(update_fields=["is_staff"])


def active_admins() -> QuerySet[Any]:
    """Who can manage users: without any, nobody could give a role again."""
    is_admin = Q(is_superuser=True) | Q(groups__name=ADMIN_ROLE)
    users = get_user_model()._default_manager
    return users.filter(pk__in=users.filter(is_admin, is_active=True).values("pk"))
