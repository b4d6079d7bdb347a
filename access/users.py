"""What one can do with users. Every change is checked and audited here.

There is always somebody who can manage users: the last active Admin can't be
demoted, deactivated or deleted.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from access.audit import Actor, record
from access.models import OneTimePassword
from access.rights import ROLES
from access.roles import ADMIN_ROLE, active_admins, role_of, set_role
from access.sign_in import forget_failures

#: In base64 they are 20 characters.
ONE_TIME_BYTES = 15


class Refused(Exception):
    """Why nothing was done, in words for who asked; ``field`` is the input to blame, if any."""

    def __init__(self, words: str, *, field: str = "") -> None:
        super().__init__(words)
        self.field = field


def find_user(username: str) -> Any:
    """The user of this name. Raise ``Refused``."""
    user = get_user_model()._default_manager.filter(username=username).first()
    if user is None:
        raise Refused("There is no user of this name.", field="username")
    return user


def add_user(
    username: str, *, role: str, password: str, actor: Actor, is_one_time: bool = False
) -> Any:
    """A new active user; with an empty ``role``, one who sees nothing yet. Raise ``Refused``."""
    _check_role(role)
    model = get_user_model()
    user = model(username=model.normalize_username(username))
    _check_username(user)
    _check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save()
        set_role(user, role)
        _note_one_time(user, is_one_time)
        record(actor, "created", what="user", name=username, role=role)
    return user


def change_role(user: Any, role: str, *, actor: Actor) -> None:
    """Raise ``Refused`` where ``user`` is the last active Admin."""
    _check_role(role)
    before = role_of(user)
    if role == before:
        return
    with transaction.atomic():
        if role != ADMIN_ROLE:
            _keep_an_admin(user, "It is the last active Admin: give another user that role first.")
            # A superuser may everything, whatever the role says.
            user.is_superuser = False
            user.save(update_fields=["is_superuser"])
        set_role(user, role)
        name = user.get_username()
        record(actor, "changed", what="user", name=name, role=role, role_before=before)


def set_password(user: Any, password: str, *, actor: Actor, is_one_time: bool = False) -> None:
    """Ends the sessions and the password tokens of ``user``. Raise ``Refused``."""
    _check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        _note_one_time(user, is_one_time)
        forget_failures(user.get_username())
        record(actor, "changed", what="user", name=user.get_username(), fields=["password"])


def set_active(user: Any, *, is_active: bool, actor: Actor) -> None:
    """Who isn't active can't sign in, and every token is dead. Raise ``Refused``."""
    if user.is_active == is_active:
        return
    with transaction.atomic():
        if not is_active:
            _keep_an_admin(user, "It is the last active Admin: somebody must stay to manage users.")
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        act = "activated" if is_active else "deactivated"
        record(actor, act, what="user", name=user.get_username())


def delete_user(user: Any, *, actor: Actor) -> None:
    """Also the tokens go. What the user did stays in the audit trail. Raise ``Refused``."""
    with transaction.atomic():
        _keep_an_admin(user, "It is the last active Admin: somebody must stay to manage users.")
        record(actor, "deleted", what="user", name=user.get_username())
        user.delete()


def one_time_password() -> str:
    return secrets.token_urlsafe(ONE_TIME_BYTES)


def password_is_due(user: Any) -> bool:
    """Whether the password was made up here, and ``user`` must choose another."""
    return OneTimePassword.objects.filter(user=user).exists()


def is_last_admin(user: Any) -> bool:
    return list(active_admins().values_list("pk", flat=True)[:2]) == [user.pk]


def _keep_an_admin(user: Any, words: str) -> None:
    """Of two who go at the same time, the second sees that the first has gone."""
    list(active_admins().select_for_update().order_by("pk").values_list("pk"))
    if is_last_admin(user):
        raise Refused(words)


def _check_role(role: str) -> None:
    if role and role not in ROLES:
        raise Refused(f"The roles are {', '.join(ROLES)}.", field="role")


def _check_username(user: Any) -> None:
    name = user.get_username()
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError:
        words = "A name has 1 to 150 letters, digits and the signs @ . + - _"
        raise Refused(words, field="username") from None
    # Two names that differ in capitals alone would be taken for one another.
    if get_user_model()._default_manager.filter(username__iexact=name).exists():
        raise Refused("There is a user of this name.", field="username")


def _check_password(password: str, user: Any) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), field="password") from None


def _note_one_time(user: Any, is_one_time: bool) -> None:
    if is_one_time:
        OneTimePassword.objects.get_or_create(user=user)
    else:
        OneTimePassword.objects.filter(user=user).delete()
