"""The fields and widgets of the connection form, by the kind that a type declares."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from connections.masking import MASK, redacted_text
from connections.types.base import TypeField
from connections.types.json_text import NotJson, parse, texts

LONGEST_TEXT = 10_000
LONGEST_SECRET = 100_000


class UnshownTextarea(forms.Textarea):
    """Never sends back what was typed, which is a secret."""

    def format_value(self, value: Any) -> str:
        return ""


class MultilineField(forms.CharField):
    """A text that is kept byte for byte, but for the line ends that browsers change."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


class JsonObjectField(forms.CharField):
    """A JSON object; ``None`` when it is blank."""

    widget = forms.Textarea

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
        if not isinstance(data, dict):
            raise forms.ValidationError('A JSON object is needed, for example {"region": "EU"}.')
        return data


def refuse_masks(data: Any) -> None:
    """``***`` is never stored: who changes data that a secret was masked in gives it again."""
    if MASK in texts(data):
        words = f"{MASK} stands for a secret that isn't sent back: give its value again."
        raise forms.ValidationError(words)


def key_file_field() -> forms.Field:
    return forms.FileField(
        required=False,
        label="Key file",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "application/json,.json"}),
    )


def form_field(declared: TypeField) -> forms.Field:
    """The field for a declaration; what it must hold is checked with the whole draft."""
    common: dict[str, Any] = {
        "label": declared.label,
        "required": declared.required and not declared.secret,
        "help_text": declared.help,
    }
    attrs: dict[str, Any] = {"placeholder": declared.placeholder, "autocomplete": "off"}
    if declared.kind == "key_json":
        attrs |= {"rows": 6, "spellcheck": "false"}
        return MultilineField(
            strip=False,
            max_length=LONGEST_SECRET,
            widget=UnshownTextarea(attrs=attrs),
            **common,
        )
    if declared.kind == "json":
        attrs |= {"rows": 3, "spellcheck": "false"}
        widget = forms.Textarea(attrs=attrs)
        return JsonObjectField(max_length=LONGEST_TEXT, widget=widget, **common)
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
    return forms.CharField(max_length=LONGEST_TEXT, widget=forms.TextInput(attrs=attrs), **common)
