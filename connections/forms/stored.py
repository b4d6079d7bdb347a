"""What the form shows: a field for all that its type declares, filled with what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django import forms

from connections.form_fields import (
    FILE_KINDS,
    LONG_KINDS,
    LONGEST_SECRET,
    JsonField,
    MultilineField,
    form_field,
    key_file_field,
    shown_text,
)
from connections.masking import is_secret_key_name, redacted_inside
from connections.models import CONN_ID_MAX_LENGTH, MOST_SESSIONS, Connection
from connections.pasting import Pasted
from connections.types.base import GROUPS, ConnectionType, LoadedConnection, TypeField
from connections.types.standard import STANDARD
from connections.validation import (
    LONGEST_DESCRIPTION,
    WRONG_SESSIONS,
    values_of,
    wrong_conn_id,
)

CLEAR, FILE = "__clear", "__file"
#: The group of columns that hold something though the type has no use for them.
ALSO = "also"
ALL_GROUPS = {**GROUPS, ALSO: "Also stored"}


@dataclass(frozen=True)
class Row:
    """One field on the page: its input, and for a secret what may be told of the stored one."""

    declared: TypeField
    field: forms.BoundField
    clear: forms.BoundField | None = None
    file: forms.BoundField | None = None
    stored: dict[str, Any] | None = None
    is_held: bool = False
    #: The methods that need it; a required field is needed by all.
    needed_by: tuple[str, ...] = ()

    @property
    def is_wide(self) -> bool:
        return self.declared.kind in LONG_KINDS or isinstance(
            self.field.field.widget, forms.Textarea
        )

    @property
    def options(self) -> tuple[str, ...]:
        """What is offered beside whatever one types."""
        return self.declared.choices if self.declared.is_open else ()


@dataclass(frozen=True)
class Group:
    """The fields under one heading."""

    name: str
    heading: str
    rows: list[Row]

    @property
    def is_in_use(self) -> bool:
        """Whether it holds a value or an error, and so must be seen."""
        return any(row.is_held or row.field.errors or row.field.value() for row in self.rows)


class StoredForm(forms.Form):
    """A connection of one type as it is: new, stored or pasted."""

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
    max_sessions = forms.IntegerField(
        label="Sessions at once",
        required=False,
        min_value=1,
        max_value=MOST_SESSIONS,
        help_text="At most so many tasks use it at the same time; others wait. Blank for no limit.",
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), WRONG_SESSIONS),
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    extra = JsonField(
        label="Extra",
        required=False,
        max_length=LONGEST_SECRET,
        help_text="More extras, as a JSON object.",
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
    )

    def __init__(
        self,
        connection_type: ConnectionType,
        *args: Any,
        instance: Connection | None = None,
        stored: LoadedConnection | None = None,
        pasted: Pasted | None = None,
        **kwargs: Any,
    ) -> None:
        """``stored`` is the instance in clear, or ``None`` if it is new or can't be read.

        ``pasted`` stands in for all that is stored.
        """
        super().__init__(*args, **kwargs)
        self.type = connection_type
        self.instance = instance
        self.pasted = pasted
        self.is_unreadable = instance is not None and stored is None
        self.is_new = instance is None and pasted is None
        #: What counts wherever nothing is touched.
        plain = instance.load_plain() if instance else LoadedConnection("", "")
        self.before = pasted.connection if pasted else stored or plain
        self.shape = _with_other_columns(connection_type, self.before)
        self.values = values_of(self.before, self.shape)
        self.facts: dict[str, Any] = instance.secret_facts if instance and not pasted else {}
        taken = set(self.fields) | {"method", "discard", "pasted", "conn_type"}
        #: The form's names of the declared fields: an extra may be called like a field of ours.
        self.names = {
            declared.name: f"{declared.name}__field" if declared.name in taken else declared.name
            for declared in self.shape.fields
        }
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
        for declared in self.shape.fields:
            if not self.type.is_card(declared):
                self._add_field(declared)
        if self.is_unreadable and not self.unreadable_secrets and not self.pasted:
            self.fields["discard"] = forms.BooleanField(
                required=False, label="Give up what is stored and can't be decrypted"
            )

    def _add_field(self, declared: TypeField) -> None:
        name = self.names[declared.name]
        shown = "" if declared.secret else shown_text(declared, self.values[declared.name])
        self.fields[name] = form_field(declared, shown=shown)
        if declared.secret:
            self.fields[name + CLEAR] = forms.BooleanField(required=False, label="Clear")
        else:
            self.initial[name] = shown
        if declared.kind in FILE_KINDS:
            self.fields[name + FILE] = key_file_field(declared)

    def _set_initial(self) -> None:
        if self.is_new:
            self.initial["method"] = _usual_method(self.type)
        else:
            told = dict.fromkeys(self.unreadable_secrets, True)
            self.initial["method"] = self.type.method_of({**self.values, **told})
        if self.instance is not None:
            for name in ("conn_id", "is_disabled", "expires_at", "max_sessions", "version"):
                self.initial[name] = getattr(self.instance, name)
        elif self.before.conn_id:
            self.initial["conn_id"] = self.before.conn_id
        self.initial["description"] = self.before.description
        shown = {
            name: value
            for name, value in self._undeclared().items()
            if name not in self.kept_secrets
        }
        if shown:
            self.initial["extra"] = shown

    # What the page shows

    def groups(self) -> Iterator[Group]:
        """The groups that have fields, or the cards of methods."""
        for group, heading in ALL_GROUPS.items():
            rows = [
                self._row(declared)
                for declared in self.shape.fields
                if _group_of(declared) == group and self.names[declared.name] in self.fields
            ]
            # Advanced has a field of ours in each form: max_sessions.
            if rows or group == "advanced" or (group == "authentication" and self.type.methods):
                yield Group(group, heading, rows)

    def _row(self, declared: TypeField) -> Row:
        name = self.names[declared.name]
        is_held = not self.type.is_unset(declared.name, self.values[declared.name])
        facts = self.facts.get(declared.name) or ({"is_set": True} if is_held else None)
        return Row(
            declared,
            self[name],
            clear=self[name + CLEAR] if declared.secret else None,
            file=self[name + FILE] if name + FILE in self.fields else None,
            stored=facts if declared.secret else None,
            is_held=is_held,
            needed_by=tuple(each.name for each in self.type.methods if declared.name in each.needs),
        )

    @property
    def kept_secrets(self) -> list[str]:
        """Undeclared extras that look like secrets or hold some: kept, and never shown."""
        return [
            name
            for name, value in self._undeclared().items()
            if is_secret_key_name(name) or redacted_inside(value) != value
        ]

    def _undeclared(self) -> dict[str, Any]:
        extra = self.before.extra
        return {name: value for name, value in extra.items() if not self.is_declared(name)}

    def is_declared(self, name: str) -> bool:
        """Whether an extra of this name has a field of its own, also by its legacy name."""
        return self.type.field_of_extra(name) is not None

    @property
    def unreadable_secrets(self) -> list[str]:
        return [name for name in self.facts if name in self.names] if self.is_unreadable else []


def _with_other_columns(
    connection_type: ConnectionType, before: LoadedConnection
) -> ConnectionType:
    """The type with a field for each column that it doesn't declare, and that holds something."""
    declared = {field.column for field in connection_type.fields}
    others = [
        replace(
            column,
            name=f"{column.name}__column" if connection_type.field(column.name) else column.name,
            group=ALSO,
        )
        for column in STANDARD
        if column.column not in declared and getattr(before, column.column) not in ("", None)
    ]
    return replace(connection_type, fields=(*connection_type.fields, *others))


def _usual_method(connection_type: ConnectionType) -> str:
    """What the type names, or the first that needs a login or a secret, as most people hold one.

    The types have their methods in the order in which they are told apart.
    """
    if connection_type.preselected:
        return connection_type.preselected
    methods = connection_type.methods
    held = connection_type.secret_names | {"login", "password"}
    usual = (each.name for each in methods if held.intersection(each.needs))
    return next(usual, methods[0].name if methods else "")


def _group_of(declared: TypeField) -> str:
    return declared.group if declared.group in ALL_GROUPS else "advanced"
