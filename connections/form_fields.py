"""The fields and widgets of the connection form, by the kind that a type declares."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from connections.masking import MASK, redacted_inside, redacted_text
from connections.types.base import JSON_KINDS, TypeField
from connections.types.json_text import NotJson, parse, texts
from connections.types.values import WrongKind, number, truth, whole_number

LONGEST_TEXT = 10_000
LONGEST_SECRET = 100_000
#: Kinds that take more than one line.
LONG_KINDS = (*JSON_KINDS, "key_json", "pem", "lines")
#: Kinds that also come as a file: what its chooser offers.
FILE_KINDS = {
    "key_json": "application/json,.json",
    "pem": ".pem,.key,.crt,.cer,.pub,.ppk,text/plain",
}
NOT_LISTED = {"invalid_choice": "Choose one of the list."}


class UnshownTextarea(forms.Textarea):
    """Never sends back what was typed, which is a secret."""

    def format_value(self, value: Any) -> str:
        return ""


class MultilineField(forms.CharField):
    """A text that is kept byte for byte, but for the line ends that browsers change."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class JsonField(forms.CharField):
    """A JSON object, or a list where ``takes_lists``; ``None`` when it is blank."""

    widget = forms.Textarea

    def __init__(self, *, takes_lists: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.takes_lists = takes_lists

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) or value is None:
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            data = parse(text)
        except NotJson as error:
            lost = "" if redacted_text(text) == text else " Its secrets aren't sent back."
            raise forms.ValidationError(f"This is not JSON: {error}.{lost}") from None
        if isinstance(data, dict) or (self.takes_lists and isinstance(data, list)):
            return data
        if self.takes_lists:
            raise forms.ValidationError('A JSON object or list is needed, for example ["a"].')
        raise forms.ValidationError('A JSON object is needed, for example {"region": "EU"}.')


class NumberField(forms.CharField):
    """A number as it is typed: 10 is whole, and 10.0 is not."""

    def __init__(self, *, is_whole: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_whole = is_whole

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return None
        try:
            return whole_number(text)
        except WrongKind as error:
            words = str(error)
        if self.is_whole:
            raise forms.ValidationError(words)
        try:
            return number(text)
        except WrongKind as error:
            raise forms.ValidationError(str(error)) from None


def refuse_masks(data: Any) -> None:
    """``***`` is never stored: who changes data that a secret was masked in gives it again."""
    if MASK in texts(data):
        words = f"{MASK} stands for a secret that isn't sent back: give its value again."
        raise forms.ValidationError(words)


def shown_text(declared: TypeField, value: Any) -> str:
    """A stored value as its field shows it; what isn't secret by declaration, but by name, masked.

    A field that comes back with this very text was not touched.
    """
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(redacted_inside(value), indent=2, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if declared.kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower()
    return redacted_text(text) if declared.kind in JSON_KINDS else text


def key_file_field(declared: TypeField) -> forms.Field:
    return forms.FileField(
        required=False,
        label=f"{declared.label}: file",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": FILE_KINDS[declared.kind]}),
    )


def form_field(declared: TypeField, *, shown: str = "") -> forms.Field:
    """The field for a declaration; what it must hold is checked with the whole draft.

    ``shown`` is the text of what is stored, which is kept also where it can't be chosen.
    """
    attrs = {"placeholder": declared.placeholder or declared.default, "autocomplete": "off"}
    common: dict[str, Any] = {
        "label": declared.label,
        "required": declared.required and not declared.secret,
        "help_text": _help(declared),
    }
    if declared.kind in LONG_KINDS:
        return _long_field(declared, attrs, common)
    if declared.secret:
        attrs["autocomplete"] = "new-password"
        hidden = forms.PasswordInput(attrs=attrs, render_value=False)
        return forms.CharField(strip=False, max_length=LONGEST_SECRET, widget=hidden, **common)
    if declared.kind == "boolean" or (declared.choices and not declared.is_open):
        return _choice_field(declared, shown, common)
    if declared.kind in ("integer", "number"):
        numeric = {**attrs, "inputmode": "numeric" if declared.kind == "integer" else "decimal"}
        widget = forms.TextInput(attrs=numeric)
        return NumberField(is_whole=declared.kind == "integer", widget=widget, **common)
    if "\n" in shown or "\r" in shown:
        # A line of its own would lose the others.
        return MultilineField(widget=forms.Textarea(attrs=attrs | {"rows": "3"}), **common)
    if declared.choices:
        attrs["list"] = f"id_{declared.name}_choices"
    return forms.CharField(max_length=LONGEST_TEXT, widget=forms.TextInput(attrs=attrs), **common)


def _help(declared: TypeField) -> str:
    """With the default, where neither the list of choices nor a placeholder tells it."""
    is_told = declared.kind == "boolean" or not declared.placeholder
    if not declared.default or is_told or declared.default in declared.help:
        return declared.help
    return f"{declared.help} Empty: {declared.default}.".strip()


def _long_field(declared: TypeField, attrs: dict[str, str], common: dict[str, Any]) -> forms.Field:
    is_key = declared.kind in FILE_KINDS
    attrs = {**attrs, "rows": "6" if is_key else "3", "spellcheck": "false"}
    widget = (UnshownTextarea if declared.secret else forms.Textarea)(attrs=attrs)
    longest = LONGEST_SECRET if declared.secret or is_key else LONGEST_TEXT
    if declared.kind in JSON_KINDS:
        takes_lists = declared.kind == "json_value"
        return JsonField(takes_lists=takes_lists, max_length=longest, widget=widget, **common)
    return MultilineField(strip=False, max_length=longest, widget=widget, **common)


def _choice_field(declared: TypeField, shown: str, common: dict[str, Any]) -> forms.Field:
    default = _answer(declared.default) if declared.kind == "boolean" else declared.default
    choices = [("", f"not set ({default})" if default else "not set")]
    if declared.kind == "boolean":
        choices += [("true", "yes"), ("false", "no")]
    else:
        choices += [(choice, choice) for choice in declared.choices]
    if shown not in dict(choices):
        choices.append((shown, f"{shown} (as stored)"))
    return forms.TypedChoiceField(
        choices=choices,
        coerce=lambda text: _chosen(declared, text),
        empty_value=None,
        error_messages=NOT_LISTED,
        **common,
    )


def _answer(default: str) -> str:
    return {True: "yes", False: "no", None: default}[truth(default)]


def _chosen(declared: TypeField, text: str) -> Any:
    if declared.kind == "boolean":
        return text == "true"
    return whole_number(text) if declared.kind == "integer" else text
