"""The connection form, made from the type's declaration.

A stored secret is never sent to the browser, nor is one that was just typed:
its field is empty, blank means unchanged, and clearing is a box of its own.
What isn't touched stays exactly as it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms

from connections.exceptions import InvalidConnection
from connections.form_fields import (
    LONGEST_SECRET,
    JsonObjectField,
    MultilineField,
    form_field,
    key_file_field,
    refuse_masks,
)
from connections.masking import MASK, is_secret_key_name, named_secrets, redacted, redacted_text
from connections.models import CONN_ID_MAX_LENGTH, Connection
from connections.types.base import COLUMNS, GROUPS, ConnectionType, LoadedConnection, TypeField
from connections.validation import (
    LONGEST_DESCRIPTION,
    Draft,
    check,
    check_values,
    is_empty,
    values_of,
    wrong_conn_id,
)

CLEAR, FILE = "__clear", "__file"


@dataclass(frozen=True)
class Row:
    """One field on the page: its input, and for a secret what may be told of the stored one."""

    declared: TypeField | None
    field: forms.BoundField
    clear: forms.BoundField | None = None
    file: forms.BoundField | None = None
    stored: dict[str, Any] | None = None

    @property
    def is_wide(self) -> bool:
        return self.declared is not None and self.declared.kind in ("key_json", "json")


class ConnectionForm(forms.Form):
    """Makes a ``Draft`` of a connection of one type, new or stored."""

    conn_id = forms.CharField(
        label="Connection ID",
        max_length=CONN_ID_MAX_LENGTH,
        error_messages={"required": wrong_conn_id("")},
    )
    description = MultilineField(
        required=False, max_length=LONGEST_DESCRIPTION, widget=forms.Textarea(attrs={"rows": 2})
    )
    is_disabled = forms.BooleanField(
        label="Disabled", required=False, help_text="Tasks that use it fail at step 2."
    )
    expires_at = forms.DateTimeField(
        label="Expires",
        required=False,
        help_text="From then on, tasks that use it fail at step 2. In UTC; blank for never.",
        widget=forms.DateTimeInput(
            attrs={"placeholder": "2027-01-31 18:00"}, format="%Y-%m-%d %H:%M:%S"
        ),
        error_messages={"invalid": "A date and time, for example 2027-01-31 18:00."},
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    extra = JsonObjectField(
        label="Extra",
        required=False,
        max_length=LONGEST_SECRET,
        help_text="More extras, as a JSON object.",
        widget=forms.Textarea(attrs={"spellcheck": "false"}),
    )

    def __init__(
        self,
        connection_type: ConnectionType,
        *args: Any,
        instance: Connection | None = None,
        stored: LoadedConnection | None = None,
        **kwargs: Any,
    ) -> None:
        """``stored`` is the instance in clear, or ``None`` if it is new or can't be read."""
        super().__init__(*args, **kwargs)
        self.type = connection_type
        self.instance = instance
        self.stored = stored
        self.values = values_of(stored, connection_type) if stored else {}
        self.draft: Draft | None = None
        self.is_unreadable = instance is not None and stored is None
        self.facts: dict[str, Any] = instance.secret_facts if instance else {}
        self._add_fields()
        self._set_initial()

    def _add_fields(self) -> None:
        if self.instance is not None:
            self.fields["conn_id"].disabled = True
        if self.kept_secrets:
            self.fields[
                "extra"
            ].help_text += (
                " Give the name of a kept one again to replace it, with null to remove it."
            )
        if self.type.methods:
            self.fields["method"] = forms.ChoiceField(
                choices=[(method.name, method.label) for method in self.type.methods],
                widget=forms.RadioSelect,
                required=False,
            )
        for declared in self.type.fields:
            if declared.kind == "boolean":
                # Its method's card says it already.
                continue
            self.fields[declared.name] = form_field(declared)
            if declared.secret:
                clear = forms.BooleanField(required=False, label="Clear")
                self.fields[declared.name + CLEAR] = clear
            if declared.kind == "key_json":
                self.fields[declared.name + FILE] = key_file_field()
        if self.is_unreadable and not self.unreadable_secrets:
            self.fields["discard"] = forms.BooleanField(
                required=False, label="Give up what is stored and can't be decrypted"
            )

    def _set_initial(self) -> None:
        methods = self.type.methods
        self.initial.setdefault("method", methods[0].name if methods else "")
        if self.instance is not None:
            for name in ("conn_id", "description", "is_disabled", "expires_at", "version"):
                self.initial[name] = getattr(self.instance, name)
        if self.stored is None:
            return
        self.initial["method"] = self.type.method_of(self.values)
        for declared in self.type.fields:
            if not declared.secret:
                value = self.values[declared.name]
                is_object = isinstance(value, dict)
                self.initial[declared.name] = redacted(value) if is_object else value
        shown = {
            name: value
            for name, value in self._undeclared().items()
            if name not in self.kept_secrets
        }
        if shown:
            self.initial["extra"] = shown

    # What the page shows

    def groups(self) -> Iterator[tuple[str, str, list[Row]]]:
        """(name, heading, rows) for each group that has fields."""
        for name, heading in GROUPS.items():
            rows = [
                self._row(declared)
                for declared in self.type.fields
                if declared.group == name and declared.name in self.fields
            ]
            if rows:
                yield name, heading, rows

    def _row(self, declared: TypeField) -> Row:
        return Row(
            declared,
            self[declared.name],
            clear=self[declared.name + CLEAR] if declared.secret else None,
            file=self[declared.name + FILE] if declared.kind == "key_json" else None,
            stored=self.facts.get(declared.name) if declared.secret else None,
        )

    @property
    def kept_secrets(self) -> list[str]:
        """Undeclared extras that look like secrets or hold some: kept, and never shown."""
        return [
            name
            for name, value in self._undeclared().items()
            if is_secret_key_name(name) or named_secrets(value)
        ]

    def _undeclared(self) -> dict[str, Any]:
        extra = self.stored.extra if self.stored else {}
        return {name: value for name, value in extra.items() if self.type.field(name) is None}

    # What was sent

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.errors:
            self._forget_secrets()

    def refuse(self, errors: dict[str, str]) -> None:
        """Put words at their fields; what has no field is about the whole form."""
        for name, words in errors.items():
            self.add_error(name if name in self.fields else None, words)
        self._forget_secrets()

    def _forget_secrets(self) -> None:
        """What was sent and is secret isn't sent back, and has to be given again."""
        for name in self.type.secret_names:
            is_sent = self.data.get(name) or self.files.get(name + FILE)
            if is_sent and name not in self.errors:
                self.add_error(name, "Give this again: a secret isn't sent back.")
        data: dict[str, Any] = dict(self.data.items())
        for name, field in self.fields.items():
            if isinstance(field, JsonObjectField) and data.get(name):
                shown = redacted_text(data[name])
                if MASK in shown and name not in self.errors:
                    self.add_error(name, "Give the secrets in it again: they aren't sent back.")
                data[name] = shown
            elif name in self.errors and "://" in str(data.get(name) or ""):
                # A URL that is refused may hold a password.
                scheme, _, rest = data[name].partition("://")
                data[name] = f"{scheme}://{rest.rpartition('@')[2]}"
        self.data = data

    def clean_conn_id(self) -> str:
        conn_id: str = self.cleaned_data["conn_id"]
        words = "" if self.instance else wrong_conn_id(conn_id)
        if words:
            raise forms.ValidationError(words)
        if self.instance is None and Connection.objects.filter(conn_id=conn_id).exists():
            raise forms.ValidationError(f"There is a connection {conn_id} already.")
        return conn_id

    def clean_extra(self) -> dict[str, Any]:
        """The undeclared extras that are to be stored, but for those that are kept unseen."""
        if self._is_untouched("extra"):
            undeclared = self._undeclared()
            return {name: undeclared[name] for name in undeclared if name not in self.kept_secrets}
        typed: dict[str, Any] = self.cleaned_data["extra"] or {}
        if declared := [name for name in typed if self.type.field(name)]:
            raise forms.ValidationError(f"{declared[0]} has a field of its own above.")
        refuse_masks(typed)
        return typed

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if not data.get("method"):
            data["method"] = self.initial["method"]
        values = {
            declared.name: None if declared.name in self.errors else self._value(declared, data)
            for declared in self.type.fields
        }
        if "method" not in self.errors:
            self._drop_other_methods(values, data["method"])
        if not self.errors:
            self._check(self._draft(data, values))
            return data
        # All that is wrong is told at once, not in rounds.
        for name, words in check_values(self.type, values).items():
            if name in self.fields and name not in self.errors:
                self.add_error(name, words)
        return data

    def _is_untouched(self, name: str) -> bool:
        """Whether a field comes back as it was sent, or was not sent at all."""
        sent = self.data.get(name)
        if sent is None:
            return True
        shown = self.fields[name].prepare_value(self.initial.get(name))
        return _text(sent) == _text("" if shown is None else shown)

    def _value(self, declared: TypeField, data: dict[str, Any]) -> Any:
        if declared.kind == "boolean":
            return bool(declared.methods) and data["method"] in declared.methods
        if declared.secret:
            return self._secret(declared, data)
        if self._is_untouched(declared.name):
            return self.values.get(declared.name)
        try:
            refuse_masks(data[declared.name])
        except forms.ValidationError as error:
            self.add_error(declared.name, error)
        return data.get(declared.name)

    def _secret(self, declared: TypeField, data: dict[str, Any]) -> Any:
        name = declared.name
        new: str = data.get(name) or ""
        if declared.kind == "key_json":
            new = new if new.strip() else ""
            if file := data.get(name + FILE):
                new = self._file_text(name, file, typed=new)
        cleared = data.get(name + CLEAR)
        if new and cleared:
            self.add_error(name, "Give a new value or clear the stored one, not both.")
        if new or cleared:
            return new or None
        return self.values.get(name)

    def _file_text(self, name: str, file: Any, *, typed: str) -> str:
        if file.size > LONGEST_SECRET:
            self.add_error(name, "This file is too large for a key.")
            return ""
        try:
            text = str(file.read().decode("utf-8-sig")).replace("\r\n", "\n")
        except UnicodeDecodeError:
            self.add_error(name, "This file is not text, and so not a key file.")
            return ""
        if not text.strip():
            self.add_error(name, "This file is empty.")
        elif typed and typed.strip() != text.strip():
            self.add_error(name, "Paste the key or choose its file, not both.")
        return text

    def _drop_other_methods(self, values: dict[str, Any], method: str) -> None:
        """Choosing another method takes the old one's fields away; two new ones are refused."""
        labels = {each.name: each.label for each in self.type.methods}
        for declared in self.type.fields:
            value = values[declared.name]
            if not declared.methods or method in declared.methods or is_empty(value):
                continue
            if value == self.values.get(declared.name):
                values[declared.name] = None
                continue
            self.add_error(
                declared.name if declared.name in self.fields else "method",
                f"This belongs to “{labels[declared.methods[0]]}”, but “{labels[method]}” "
                "is chosen. Empty it, or choose that method.",
            )
        needs = next((each.needs for each in self.type.methods if each.name == method), ())
        for name in needs:
            if is_empty(values[name]) and name not in self.errors:
                self.add_error(name, f"“{labels[method]}” needs this.")

    def _draft(self, data: dict[str, Any], values: dict[str, Any]) -> Draft:
        description = data["description"]
        if self.instance is not None and self._is_untouched("description"):
            description = self.instance.description
        return Draft(
            conn_id=data["conn_id"],
            conn_type=self.type.name,
            description=description,
            is_disabled=data["is_disabled"],
            expires_at=data["expires_at"],
            extra=self._extra(data["extra"]),
            **self._columns(),
        ).with_values(self.type, values)

    def _columns(self) -> dict[str, Any]:
        """The columns as they are stored; the type's own fields are set over them."""
        if self.stored is not None:
            return {name: getattr(self.stored, name) for name in COLUMNS}
        if self.instance is not None:
            return {name: getattr(self.instance, name) for name in ("host", "schema", "port")}
        return {}

    def _extra(self, typed: dict[str, Any]) -> dict[str, Any]:
        """The extras in their stored order: undeclared ones as typed, declared ones as stored."""
        kept = {
            name: value
            for name, value in (self.stored.extra if self.stored else {}).items()
            if self.type.field(name) or name in typed or name in self.kept_secrets
        }
        removed = {name for name in self.kept_secrets if name in typed and typed[name] is None}
        both = {**kept, **typed}
        return {name: value for name, value in both.items() if name not in removed}

    def _check(self, draft: Draft) -> None:
        if self.is_unreadable and not self._discards():
            words = (
                "The stored secrets can't be decrypted with the configured keys. "
                "Replace or clear them to save."
            )
            self.add_error(None, words)
            return
        try:
            check(draft)
        except InvalidConnection as error:
            self.refuse(error.errors)
            return
        self.draft = draft

    @property
    def unreadable_secrets(self) -> list[str]:
        return [name for name in self.facts if name in self.fields] if self.is_unreadable else []

    def _discards(self) -> bool:
        """Whether every secret that is stored unreadably is replaced or cleared."""
        if not self.unreadable_secrets:
            return bool(self.cleaned_data["discard"])
        return all(
            any(self.cleaned_data.get(name + suffix) for suffix in ("", CLEAR, FILE))
            for name in self.unreadable_secrets
        )


def _text(value: Any) -> str:
    return str(value).replace("\r\n", "\n").strip()
