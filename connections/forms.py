"""The connection form, made from the type's declaration.

A stored secret is never sent to the browser: its field is empty, blank means
unchanged, and clearing is a box of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms

from connections.exceptions import InvalidConnection
from connections.masking import is_secret_key_name
from connections.models import CONN_ID_MAX_LENGTH, Connection
from connections.types.base import GROUPS, ConnectionType, LoadedConnection, TypeField
from connections.validation import Draft, check, values_of

LONGEST_SECRET = 100_000
CLEAR, FILE = "__clear", "__file"


class _MultilineField(forms.CharField):
    """A text that is kept byte for byte, but for the line ends that browsers change."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strip=False, max_length=LONGEST_SECRET, **kwargs)

    def to_python(self, value: Any) -> str:
        return super().to_python(value).replace("\r\n", "\n")


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

    conn_id = forms.CharField(label="Connection ID", max_length=CONN_ID_MAX_LENGTH)
    description = forms.CharField(required=False, max_length=1000)
    is_disabled = forms.BooleanField(
        label="Disabled", required=False, help_text="Tasks that use it fail at step 2."
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    extra = _MultilineField(
        label="Extra", required=False, help_text="More extras, as a JSON object."
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
        self.draft: Draft | None = None
        self.is_unreadable = instance is not None and stored is None
        if instance is not None:
            self.fields["conn_id"].disabled = True
        if connection_type.methods:
            self.fields["method"] = forms.ChoiceField(
                choices=[(method.name, method.label) for method in connection_type.methods],
                widget=forms.RadioSelect,
                required=False,
            )
        for declared in connection_type.fields:
            self._add(declared)
        self._set_initial()

    def _add(self, declared: TypeField) -> None:
        if declared.kind == "boolean":
            # Its method's card says it already.
            return
        self.fields[declared.name] = _form_field(declared)
        if declared.secret:
            self.fields[declared.name + CLEAR] = forms.BooleanField(required=False, label="Clear")
        if declared.kind == "key_json":
            self.fields[declared.name + FILE] = forms.FileField(
                required=False,
                label="Key file",
                allow_empty_file=True,
                widget=forms.ClearableFileInput(attrs={"accept": "application/json,.json"}),
            )

    def _set_initial(self) -> None:
        methods = self.type.methods
        self.initial.setdefault("method", methods[0].name if methods else "")
        if self.instance is not None:
            self.initial |= {
                "conn_id": self.instance.conn_id,
                "description": self.instance.description,
                "is_disabled": self.instance.is_disabled,
                "version": self.instance.version,
            }
        if self.stored is None:
            return
        values = values_of(self.stored, self.type)
        self.initial["method"] = self.type.method_of(values)
        for declared in self.type.fields:
            if not declared.secret:
                self.initial[declared.name] = values[declared.name]
        undeclared = {
            name: value
            for name, value in self._undeclared().items()
            if not is_secret_key_name(name)
        }
        if undeclared:
            self.initial["extra"] = json.dumps(undeclared, indent=2, ensure_ascii=False)

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
        facts = self.instance.secret_facts if self.instance else {}
        return Row(
            declared,
            self[declared.name],
            clear=self[declared.name + CLEAR] if declared.secret else None,
            file=self[declared.name + FILE] if declared.kind == "key_json" else None,
            stored=facts.get(declared.name) if declared.secret else None,
        )

    @property
    def kept_secrets(self) -> list[str]:
        """Undeclared extras that look like secrets: kept, and never shown."""
        return [name for name in self._undeclared() if is_secret_key_name(name)]

    # What was sent

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        values = {declared.name: self._value(declared, data) for declared in self.type.fields}
        self._drop_other_methods(values, str(data.get("method", "")))
        if not self.errors:
            self._check(self._draft(data, values))
        return data

    def _value(self, declared: TypeField, data: dict[str, Any]) -> Any:
        if declared.kind == "boolean":
            return bool(declared.methods) and data.get("method") in declared.methods
        value = data.get(declared.name)
        if file := data.get(declared.name + FILE):
            value = self._file_text(declared.name, file) or value
        if value not in (None, ""):
            return value
        cleared = data.get(declared.name + CLEAR)
        if declared.secret and self.stored is not None and not cleared:
            return values_of(self.stored, self.type)[declared.name]
        return value

    def _file_text(self, name: str, file: Any) -> str:
        if file.size > LONGEST_SECRET:
            self.add_error(name, "This file is too large for a key.")
            return ""
        try:
            return str(file.read().decode())
        except UnicodeDecodeError:
            self.add_error(name, "This file is not text, and so not a key file.")
            return ""

    def _drop_other_methods(self, values: dict[str, Any], method: str) -> None:
        """Choosing another method takes the old one's fields away; two new ones are refused."""
        stored = values_of(self.stored, self.type) if self.stored else {}
        labels = {each.name: each.label for each in self.type.methods}
        for declared in self.type.fields:
            value = values[declared.name]
            if not declared.methods or method in declared.methods or not value:
                continue
            if value == stored.get(declared.name):
                values[declared.name] = None
                continue
            self.add_error(
                declared.name if declared.name in self.fields else "method",
                f"This belongs to “{labels[declared.methods[0]]}”, but “{labels.get(method, '')}” "
                "is chosen. Empty it, or choose that method.",
            )
        needs = next((each.needs for each in self.type.methods if each.name == method), ())
        for name in needs:
            if not values.get(name):
                self.add_error(name, f"“{labels[method]}” needs this.")

    def _draft(self, data: dict[str, Any], values: dict[str, Any]) -> Draft:
        return Draft(
            conn_id=data["conn_id"],
            conn_type=self.type.name,
            description=data["description"],
            is_disabled=data["is_disabled"],
            extra=self._extra(data),
        ).with_values(self.type, values)

    def _extra(self, data: dict[str, Any]) -> dict[str, Any]:
        """The extras in their stored order: undeclared ones as typed, declared ones as stored."""
        typed: dict[str, Any] = json.loads(data["extra"]) if data["extra"].strip() else {}
        stored = self.stored.extra if self.stored else {}
        kept = {
            name: value
            for name, value in stored.items()
            if self.type.field(name) or name in typed or is_secret_key_name(name)
        }
        return {**kept, **typed}

    def clean_extra(self) -> str:
        text: str = self.cleaned_data["extra"]
        if not text.strip():
            return ""
        try:
            extra = json.loads(text)
        except json.JSONDecodeError as error:
            raise forms.ValidationError(
                f"Not JSON: {error.msg}, line {error.lineno}, column {error.colno}."
            ) from None
        except RecursionError:
            raise forms.ValidationError("This is nested too deeply.") from None
        if not isinstance(extra, dict):
            raise forms.ValidationError('A JSON object is needed, for example {"region": "EU"}.')
        if declared := [name for name in extra if self.type.field(name)]:
            raise forms.ValidationError(f"{declared[0]} has a field of its own above.")
        return text

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
            for name, words in error.errors.items():
                self.add_error(name if name in self.fields else None, words)
            return
        self.draft = draft

    def _discards(self) -> bool:
        """Whether every secret that is stored unreadably is replaced or cleared."""
        facts = self.instance.secret_facts if self.instance else {}
        names = [name for name in facts if name in self.fields] or [
            name for name in self.type.secret_names if name in self.fields
        ]
        sent = [
            any(self.cleaned_data.get(name + suffix) for suffix in ("", CLEAR, FILE))
            for name in names
        ]
        return all(sent) if facts else any(sent)

    def _undeclared(self) -> dict[str, Any]:
        extra = self.stored.extra if self.stored else {}
        return {name: value for name, value in extra.items() if self.type.field(name) is None}


def _form_field(declared: TypeField) -> forms.Field:
    common: dict[str, Any] = {
        "label": declared.label,
        "required": declared.required and not declared.secret,
        "help_text": declared.help,
    }
    attrs: dict[str, Any] = {"placeholder": declared.placeholder, "autocomplete": "off"}
    if declared.kind == "key_json":
        attrs |= {"rows": 6, "spellcheck": "false"}
        return _MultilineField(widget=forms.Textarea(attrs=attrs), **common)
    if declared.kind == "json":
        return forms.JSONField(widget=forms.Textarea(attrs={**attrs, "rows": 3}), **common)
    if declared.kind == "integer":
        return forms.IntegerField(widget=forms.TextInput(attrs=attrs), **common)
    if declared.kind == "number":
        return forms.FloatField(widget=forms.TextInput(attrs=attrs), **common)
    if declared.secret:
        attrs["autocomplete"] = "new-password"
        return forms.CharField(
            strip=False,
            max_length=LONGEST_SECRET,
            widget=forms.PasswordInput(attrs=attrs, render_value=False),
            **common,
        )
    return forms.CharField(max_length=LONGEST_SECRET, widget=forms.TextInput(attrs=attrs), **common)
