"""Connections in the Django admin: secrets are masked, and can only be written."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from access.audit import Actor
from connections import services
from connections.exceptions import InvalidConnection, SecretsUnreadable
from connections.form_fields import (
    LONGEST_SECRET,
    JsonField,
    UnshownTextarea,
    refuse_masks,
)
from connections.models import Connection
from connections.redaction import hidden_columns, redacted_extra
from connections.types import TYPES
from connections.types.base import ENCRYPTED_COLUMNS, LoadedConnection
from connections.validation import LONGEST, Draft, check

UNREADABLE = "can't be decrypted with the configured keys"
STALE = (
    "This connection was saved meanwhile, by somebody else or in another tab. "
    "Open it again and repeat your change."
)


class ConnectionAdminForm(forms.ModelForm[Connection]):
    """Blank secrets keep what is stored; nothing secret is ever sent to the browser."""

    conn_type = forms.ChoiceField(label="Type")
    new_login = forms.CharField(
        required=False,
        label="Login",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Blank keeps it.",
    )
    new_password = forms.CharField(
        required=False,
        strip=False,
        label="Password",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Blank keeps it.",
    )
    new_extra = JsonField(
        required=False,
        label="Extra",
        max_length=LONGEST_SECRET,
        widget=UnshownTextarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="A JSON object that replaces all extras. Blank keeps them.",
    )
    schema = forms.CharField(required=False, max_length=LONGEST["schema"])
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Connection
        fields = (
            "conn_id",
            "conn_type",
            "description",
            "host",
            "port",
            "is_disabled",
            "expires_at",
            "max_sessions",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft: Draft | None = None
        self.discards = False
        if "conn_id" not in self.fields:
            # Django leaves the model's fields out for who may only look.
            return
        choice = self.fields["conn_type"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = _types_by_category()
        if self.instance.pk:
            choice.choices = [(self.instance.conn_type, self.instance.type_label)]
            choice.disabled = self.fields["conn_id"].disabled = True
            self.initial["seen_version"] = self.instance.version
            if self._hides_schema:
                self.fields["schema"].help_text = "Blank keeps it."
            else:
                self.initial["schema"] = self._shown_schema

    def clean_new_extra(self) -> dict[str, Any] | None:
        extra: dict[str, Any] | None = self.cleaned_data["new_extra"]
        refuse_masks(extra)
        return extra

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk and data.get("seen_version") != self.instance.version:
            self.add_error(None, STALE)
        if self.errors:
            return data
        stored = self._stored()
        if self.errors:
            return data
        new_extra = data["new_extra"]
        self.draft = Draft(
            conn_id=data["conn_id"],
            conn_type=data["conn_type"],
            description=data["description"],
            host=data["host"],
            schema=data["schema"] or (stored.schema if self._hides_schema else ""),
            port=data["port"],
            login=data["new_login"] or stored.login,
            password=data["new_password"] or stored.password,
            extra=stored.extra if new_extra is None else new_extra,
            is_disabled=data["is_disabled"],
            expires_at=data["expires_at"],
            max_sessions=data["max_sessions"],
        )
        try:
            loaded = None if self.discards else stored
            before = services.draft_of(self.instance, loaded=loaded) if self.instance.pk else None
            check(self.draft, before=before)
        except InvalidConnection as error:
            for name, words in error.errors.items():
                if name in self.fields:
                    self.add_error(name, words)
                else:
                    self.add_error("new_extra", f"{name}: {words}")
        return data

    @property
    def _hides_schema(self) -> bool:
        return bool(self.instance.pk) and "schema" in hidden_columns(self.instance.type)

    @property
    def _shown_schema(self) -> str:
        try:
            return self.instance.schema or ""
        except SecretsUnreadable:
            return ""

    def _stored(self) -> LoadedConnection:
        nothing = LoadedConnection(conn_id="", conn_type="")
        if not self.instance.pk:
            return nothing
        try:
            return Connection.objects.get(pk=self.instance.pk).load()
        except SecretsUnreadable:
            if self.cleaned_data["new_extra"] is None:
                self.add_error("new_extra", f"The stored secrets {UNREADABLE}. Replace them.")
            self.discards = True
            return nothing


def _types_by_category() -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices of a select: each declared type, under the heading of its category."""
    return [
        (category, [(each.name, each.label) for each in types])
        for category, types in TYPES.by_category()
    ]


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin[Connection]):
    form = ConnectionAdminForm
    list_display = ("conn_id", "type_label", "target", "is_disabled", "version", "updated_at")
    list_filter = ("conn_type", "is_disabled")
    search_fields = ("conn_id", "description", "target")
    readonly_fields = ("stored_secrets", "stored_extra", "version", "updated_at", "updated_by")
    fields = (
        "conn_id",
        "conn_type",
        "description",
        "host",
        "schema",
        "port",
        "new_login",
        "new_password",
        "new_extra",
        "is_disabled",
        "expires_at",
        "max_sessions",
        "seen_version",
        "stored_secrets",
        "stored_extra",
        "version",
        "updated_at",
        "updated_by",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer(*ENCRYPTED_COLUMNS, "extra")

    @admin.display(description="Stored secrets")
    def stored_secrets(self, connection: Connection) -> str:
        facts = connection.secret_facts
        return (
            ", ".join(
                f"{name} (v{fact['version']} by {fact['by']})" for name, fact in facts.items()
            )
            or "none"
        )

    @admin.display(description="Stored extra")
    def stored_extra(self, connection: Connection) -> str:
        try:
            extra = connection.load().extra
        except SecretsUnreadable:
            return UNREADABLE
        return json.dumps(redacted_extra(connection.type, extra), indent=2, ensure_ascii=False)

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        actor = Actor.of(request.user)
        if change:
            saved = services.update_connection(
                form.draft,
                actor=actor,
                version=obj.version,
                discard_unreadable=form.discards,
            )
        else:
            saved = services.create_connection(form.draft, actor=actor)
        obj.pk = saved.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        services.delete_connection(obj.conn_id, actor=Actor.of(request.user))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for connection in queryset:
            self.delete_model(request, connection)
