"""A DAG's params: plain values, or ``Param`` with a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.values import plain


class _NotGiven:
    """A ``Param`` without a default: whoever triggers a run must give the value."""


NOT_GIVEN = _NotGiven()


class Param:
    """A param's default value with its JSON Schema, such as ``type="integer", minimum=1``."""

    __slots__ = ("description", "schema", "value")

    def __init__(
        self,
        default: Any = NOT_GIVEN,
        description: str | None = None,
        source: str | None = None,
        **schema: Any,
    ) -> None:
        del source
        self.value = default
        self.description = description
        self.schema: dict[str, Any] = schema.pop("schema", schema)

    def as_schema(self, where: str) -> dict[str, Any]:
        if not isinstance(self.schema, dict):
            raise ArgumentProblem(f"{where}: a JSON Schema is a dict.")
        schema = plain(_with_text_keys(self.schema), where=where)
        described = {"description": self.description} if self.description else {}
        return {**schema, **plain(described, where=where)}


def params_of(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The spec's ``params`` and ``param_schemas``; a param without a default is in the latter."""
    values = {
        name: param.value if isinstance(param, Param) else param for name, param in given.items()
    }
    known = {name: value for name, value in values.items() if value is not NOT_GIVEN}
    schemas = {
        name: param.as_schema(f"params[{name!r}]")
        for name, param in given.items()
        if isinstance(param, Param)
    }
    return plain(known, where="params"), plain(schemas, where="params")


def _with_text_keys(value: Any) -> Any:
    """Airflow's forms take ``values_display={1: "one"}``, and JSON makes a text of the key."""
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    return value
