"""A form made of a DAG's params: a field for each, by its schema or by the type of its default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from connections.types.json_text import NotJson, parse
from tasks.params import ParamsRefused, checked_params
from tasks.spec import DagSpec

PREFIX = "param-"
#: format of the schema -> type of the input
_INPUTS = {"date": "date", "date-time": "datetime-local", "time": "time", "multiline": "textarea"}
#: type of the input -> the words below it
_HELP = {"datetime-local": "In UTC.", "json": "As JSON."}
_SECONDS = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True)
class Option:
    """``value`` is JSON, so that 1 and "1" stay apart."""

    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One param as a field. ``kind`` is the type of an input, or select, textarea or json.

    ``text`` is what stands in it, ``error`` what is wrong with that. A blank
    one of a param that ``may_be_null`` is null.
    """

    name: str
    kind: str
    label: str
    help: str
    text: str
    options: tuple[Option, ...] = ()
    minimum: Any = None
    maximum: Any = None
    step: str = ""
    longest: int | None = None
    may_be_null: bool = False
    is_needed: bool = False
    error: str = ""

    @property
    def html_name(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def is_checked(self) -> bool:
        return self.text == "true"


def fields_of(
    spec: DagSpec,
    *,
    values: Mapping[str, Any] | None = None,
    sent: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[Field]:
    """The fields, with the defaults or the ``values`` for them, or with what was ``sent``."""
    given = {**spec.params, **(values or {})}
    names = dict.fromkeys([*spec.params, *spec.param_schemas])
    fields = []
    for name in names:
        schema, default = spec.param_schemas.get(name, {}), spec.params.get(name)
        kind = _kind(schema, default)
        text = _text(kind, given[name]) if name in given else ""
        if sent is not None:
            text = sent.get(PREFIX + name, "")
            text = ("true" if text else "false") if kind == "checkbox" else text
        fields.append(
            Field(
                name=name,
                kind=kind,
                label=str(schema.get("title") or name),
                help=" ".join(filter(None, (schema.get("description"), _HELP.get(kind)))),
                text=text,
                options=tuple(_option(each, schema) for each in schema.get("enum", ())),
                minimum=schema.get("minimum"),
                maximum=schema.get("maximum"),
                step="1" if "integer" in _types(schema) else "any",
                longest=schema.get("maxLength"),
                may_be_null="null" in _types(schema) or (name in spec.params and default is None),
                is_needed=name not in spec.params,
                error=(errors or {}).get(name, ""),
            )
        )
    return fields


def read_fields(spec: DagSpec, sent: Mapping[str, str]) -> dict[str, Any]:
    """The values that a person gave. Raise ``ParamsRefused`` for what can't be read or won't do."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in fields_of(spec, sent=sent):
        try:
            found = _value(field)
        except ValueError as error:
            errors[field.name] = str(error)
        else:
            values |= {} if found is _MISSING else {field.name: found}
    if errors:
        raise ParamsRefused(errors)
    checked_params(spec, values)
    return values


_MISSING = object()


def _value(field: Field) -> Any:
    text = field.text
    if field.kind == "checkbox":
        return field.is_checked
    if not text.strip() and field.may_be_null:
        return None
    # An empty text is a value, unless the person was to give one.
    if not text.strip() and (field.is_needed or field.kind not in ("text", "textarea")):
        return _MISSING
    if field.kind in ("json", "select"):
        return _json(text)
    if field.kind == "number":
        return _number(text, is_whole=field.step == "1")
    if field.kind == "datetime-local":
        return _moment(text).isoformat()
    return text.replace("\r\n", "\n")


def _json(text: str) -> Any:
    try:
        return parse(text)
    except NotJson as error:
        raise ValueError(f"Not JSON: {error}.") from None


def _number(text: str, *, is_whole: bool) -> int | float:
    try:
        return int(text)
    except ValueError:
        if is_whole:
            raise ValueError("Must be a whole number.") from None
    value = _json(text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError("Must be a number.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("Must be a date with a time.") from None
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    found = schema.get("type", ())
    return (found,) if isinstance(found, str) else tuple(found)


def _kind(schema: Mapping[str, Any], default: Any) -> str:
    """The type of the field: by the schema, and where that leaves it open by the default."""
    if schema.get("enum"):
        return "select"
    types = {name for name in _types(schema) if name != "null"}
    if not types:
        types = {_JSON_TYPES.get(type(default), "object")}
    if types == {"boolean"}:
        return "checkbox"
    if types and types <= {"integer", "number"}:
        return "number"
    if types != {"string"}:
        return "json"
    is_long = isinstance(default, str) and "\n" in default
    return _INPUTS.get(schema.get("format", ""), "textarea" if is_long else "text")


_JSON_TYPES: dict[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def _text(kind: str, value: Any) -> str:
    """How ``value`` stands in a field."""
    if value is None and kind != "select":
        return ""
    if kind == "datetime-local":
        return _local(value)
    if kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2)
    if kind in ("select", "checkbox", "number"):
        return json.dumps(value)
    return str(value)


def _local(value: Any) -> str:
    try:
        return timezone.localtime(_moment(str(value))).strftime(_SECONDS)
    except ValueError:
        return ""


def _option(value: Any, schema: Mapping[str, Any]) -> Option:
    """Airflow's ``values_display`` gives the words of an enum's values."""
    words = schema.get("values_display", {})
    label = words.get(str(value)) if isinstance(words, dict) else None
    return Option(json.dumps(value), str(label or value))
