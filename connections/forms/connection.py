"""Makes a draft of what was sent: what is stored, with nothing changed but what was touched."""

from __future__ import annotations

from typing import Any

from django import forms

from connections.exceptions import InvalidConnection
from connections.form_fields import LONGEST_SECRET, JsonField, refuse_masks
from connections.forms.stored import CLEAR, FILE, StoredForm
from connections.masking import MASK, redacted_text
from connections.models import Connection
from connections.services import draft_of
from connections.types.base import COLUMNS, JSON_KINDS, TypeField
from connections.validation import Draft, check, check_values, wrong_conn_id


class ConnectionForm(StoredForm):
    """Makes a ``Draft`` of a connection of one type, new or stored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft: Draft | None = None

    def full_clean(self) -> None:
        super().full_clean()
        if self.is_bound and self.errors:
            self._forget_secrets()

    def refuse(self, errors: dict[str, str]) -> None:
        """Put words at their fields; what has no field is about the whole form."""
        for name, words in errors.items():
            self._complain(name, words)
        self.draft = None
        self._forget_secrets()

    def _complain(self, name: str, words: str | forms.ValidationError) -> None:
        """``name`` is that of a declaration or a field of the form's own."""
        name = self.names.get(name, name)
        self.add_error(name if name in self.fields else None, words)

    def _is_wrong(self, declared: TypeField) -> bool:
        return self.names[declared.name] in self.errors

    def _forget_secrets(self) -> None:
        """What was sent and is secret isn't sent back, and has to be given again."""
        for declared in self.shape.fields:
            name = self.names[declared.name]
            is_sent = self.data.get(name) or self.files.get(name + FILE)
            if declared.secret and is_sent and name not in self.errors:
                self.add_error(name, "Give this again: a secret isn't sent back.")
        data: dict[str, Any] = dict(self.data.items())
        for name, field in self.fields.items():
            if isinstance(field, JsonField) and data.get(name):
                shown = redacted_text(data[name])
                if MASK in shown and name not in self.errors and not self._is_untouched(name):
                    self.add_error(name, "Give the secrets in it again: they aren't sent back.")
                data[name] = shown
            elif name in self.errors and "://" in str(data.get(name) or ""):
                # A URL that is refused may hold a password.
                scheme, _, rest = data[name].partition("://")
                data[name] = f"{scheme}://{rest.rpartition('@')[2]}"
        self.data = data

    # The fields of the form's own

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
        if declared := [name for name in typed if self.is_declared(name)]:
            raise forms.ValidationError(f"{declared[0]} has a field of its own above.")
        refuse_masks(typed)
        return typed

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        changes = self._changes(data)
        if "method" not in self.errors:
            changes |= self._changes_by_method(changes, data.get("method"))
        if not self.errors:
            self._check(self._draft(data, changes))
            return data
        # All that is wrong is told at once, not in rounds.
        values = {**self.values, **changes}
        for declared in self.shape.fields:
            if self._is_wrong(declared):
                values[declared.name] = None
        for name, words in check_values(self.shape, values).items():
            sent = self.names.get(name, name)
            if sent in self.fields and sent not in self.errors:
                self.add_error(sent, words)
        return data

    # The declared fields

    def _is_untouched(self, name: str) -> bool:
        """Whether a field comes back as it was shown, or was not sent at all."""
        sent = self.data.get(name)
        if sent is None:
            return True
        field = self.fields[name]
        initial = self.get_initial_for_field(field, name)
        shown = field.widget.format_value(field.prepare_value(initial))
        if isinstance(field, forms.ChoiceField):
            shown = initial
        return _lines(str(sent)) == _lines(str("" if shown is None else shown))

    def _changes(self, data: dict[str, Any]) -> dict[str, Any]:
        """The new values of what was touched, by the names of the declaration."""
        changes: dict[str, Any] = {}
        for declared in self.shape.fields:
            name = self.names[declared.name]
            if name not in self.fields:
                continue
            if declared.secret or name + FILE in self.fields:
                given = self._given(declared, data)
                if given or data.get(name + CLEAR):
                    changes[declared.name] = given or None
                    continue
            if not declared.secret and not self._is_untouched(name) and name not in self.errors:
                changes[declared.name] = self._typed(declared, data[name])
        return changes

    def _typed(self, declared: TypeField, value: Any) -> Any:
        try:
            refuse_masks(value)
        except forms.ValidationError as error:
            self._complain(declared.name, error)
        if declared.kind in JSON_KINDS and isinstance(self.values[declared.name], str) and value:
            # Airflow kept it as its text, and so does who changes it.
            return self.data[self.names[declared.name]].strip()
        return value

    def _given(self, declared: TypeField, data: dict[str, Any]) -> Any:
        """A new secret or the content of a file; empty if there is neither."""
        name = self.names[declared.name]
        new = data.get(name) or ""
        if isinstance(new, str) and not new.strip() and name + FILE in self.fields:
            new = ""
        if file := data.get(name + FILE):
            typed = new if declared.secret or not self._is_untouched(name) else ""
            new = self._file_text(name, file, typed=typed)
        elif not declared.secret:
            return ""
        if new and data.get(name + CLEAR):
            self.add_error(name, "Give a new value or clear the stored one, not both.")
        try:
            refuse_masks(new)
        except forms.ValidationError as error:
            self.add_error(name, error)
        return new

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

    def _changes_by_method(self, changes: dict[str, Any], chosen: str | None) -> dict[str, Any]:
        """Choosing another method takes the old one's fields away; two new ones are refused."""
        method = chosen or self.initial["method"]
        labels = {each.name: each.label for each in self.type.methods}
        more: dict[str, Any] = {}
        for declared in self.type.fields:
            is_other = bool(declared.methods) and method not in declared.methods
            value = {**self.values, **changes}[declared.name]
            is_set = not self.type.is_unset(declared.name, value)
            if self.type.is_card(declared):
                if is_set == is_other:
                    more[declared.name] = None if is_other else True
            elif not is_other or not is_set or not method:
                continue
            elif declared.name in changes:
                self._complain(
                    declared.name,
                    f"This belongs to “{labels[declared.methods[0]]}”, but “{labels[method]}” "
                    "is chosen. Empty it, or choose that method.",
                )
            elif method != self.initial["method"]:
                more[declared.name] = None
        self._ask_for_needs({**self.values, **changes, **more}, method)
        return more

    def _ask_for_needs(self, values: dict[str, Any], method: str) -> None:
        chosen = next((each for each in self.type.methods if each.name == method), None)
        free = next((each for each in self.type.methods if not each.needs), None)
        for name in chosen.needs if chosen else ():
            if self.type.is_unset(name, values[name]) and self.names[name] not in self.errors:
                words = f"“{chosen.label}” needs this." if chosen else ""
                more = f" Choose “{free.label}” to go without." if free else ""
                self._complain(name, words + more)

    # The draft

    def _draft(self, data: dict[str, Any], changes: dict[str, Any]) -> Draft:
        expires_at = data["expires_at"]
        if self.instance is not None and self._is_untouched("expires_at"):
            expires_at = self.instance.expires_at
        is_described = not self._is_untouched("description")
        draft = Draft(
            conn_id=data["conn_id"],
            conn_type=self.type.name,
            description=data["description"] if is_described else self.before.description,
            is_disabled=data["is_disabled"],
            expires_at=expires_at,
            max_sessions=data["max_sessions"],
            extra=self._extra(data["extra"]),
            **{name: getattr(self.before, name) for name in COLUMNS},
        )
        return draft.with_values(self.shape, {**self.values, **changes})

    def _extra(self, typed: dict[str, Any]) -> dict[str, Any]:
        """The extras in their stored order: undeclared ones as typed, declared ones as stored."""
        kept = {
            name: value
            for name, value in self.before.extra.items()
            if self.is_declared(name) or name in typed or name in self.kept_secrets
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
            check(draft, before=self._stored_draft())
        except InvalidConnection as error:
            self.refuse(error.errors)
            return
        self.draft = draft

    def _stored_draft(self) -> Draft | None:
        """What is stored: how its fields go together was taken when it was imported."""
        if self.instance is None or self.is_unreadable or self.pasted:
            return None
        return draft_of(self.instance, loaded=self.before)

    def _discards(self) -> bool:
        """Whether every secret that is stored unreadably is replaced or cleared."""
        if self.pasted:
            return True
        if not self.unreadable_secrets:
            return bool(self.cleaned_data["discard"])
        return all(
            any(self.cleaned_data.get(self.names[name] + suffix) for suffix in ("", CLEAR, FILE))
            for name in self.unreadable_secrets
        )


def _lines(text: str) -> str:
    """As a browser sends it, whatever line ends it was stored with."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
