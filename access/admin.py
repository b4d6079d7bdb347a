"""The audit trail, users and groups in the Django admin.

The trail can only be read. What is changed of users and groups is written
down as in Settings, and the last active Admin stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from access.audit import Actor, record
from access.models import AuditEvent
from access.rights import ROLES
from access.roles import ADMIN_ROLE
from access.users import is_last_admin

User = get_user_model()


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin[AuditEvent]):
    list_display = ("at", "actor_name", "action", "object_type", "object_id")
    list_filter = ("action", "object_type")
    search_fields = ("actor_name", "object_id")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Audited:
    """Writes into the audit trail what the admin writes into its own log: names alone."""

    what: str

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        record(Actor.of(request.user), "created", what=self.what, name=str(obj))
        return super().log_addition(request, obj, message)  # type: ignore[misc]

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        fields = _names_in(message)
        record(Actor.of(request.user), "changed", what=self.what, name=str(obj), fields=fields)
        return super().log_change(request, obj, message)  # type: ignore[misc]

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for row in queryset:
            record(Actor.of(request.user), "deleted", what=self.what, name=str(row))
        return super().log_deletions(request, queryset)  # type: ignore[misc]


def _names_in(message: list[dict[str, Any]]) -> list[str]:
    """The fields that one of the admin's own messages names."""
    found = [part["changed"].get("fields", []) for part in message if "changed" in part]
    return [str(name) for names in found for name in names]


class KeepAnAdmin(UserChangeForm[Any]):
    """Refuses what would leave nobody to manage users."""

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        groups: Iterable[Group] = data.get("groups") or ()
        stays = data.get("is_superuser") or any(group.name == ADMIN_ROLE for group in groups)
        if not (data.get("is_active") and stays) and is_last_admin(self.instance):
            raise forms.ValidationError(
                "This is the last active Admin: give another user that role first."
            )
        return data


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class Users(Audited, UserAdmin[Any]):
    what = "user"
    form = KeepAnAdmin
    # One at a time: each is asked whether it may go.
    actions = None
    list_display = ("username", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser", "groups")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_delete_permission(request, obj)
        return may and (obj is None or not is_last_admin(obj))


@admin.register(Group)
class Groups(Audited, GroupAdmin):
    """The groups that are roles keep their names: code asks for them by name."""

    what = "group"
    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj and obj.name in ROLES else ()

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        if obj and obj.name in ROLES:
            return False
        return super().has_delete_permission(request, obj)
