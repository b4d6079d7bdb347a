"""Users of each role."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from access.rights import ROLES
from access.roles import set_role

make_roles = import_module("access.migrations.0003_roles").make_roles


def user_of(role: str, username: str = "somebody", *, password: str | None = None) -> Any:
    """A new user of ``role``; empty for none. Tests that commit empty the tables of roles, too."""
    if Group.objects.filter(name__in=ROLES).count() < len(ROLES):
        make_roles(apps, None)
    user = get_user_model()(username=username)
    user.password = _hashed(password, hasher=settings.PASSWORD_HASHERS[0])
    user.save()
    set_role(user, role)
    return user


@cache
def _hashed(password: str | None, *, hasher: str) -> str:
    """Once for all tests of real processes: it takes long on purpose."""
    del hasher
    return make_password(password)
