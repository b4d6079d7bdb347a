"""Reads single rows with statements that are written out once and kept.

The ORM builds a statement anew each time, which costs several times what the
database needs for it: a worker can't afford that for what each task reads.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

from connections.database import kept_cursor

M = TypeVar("M", bound=Model)


def row_of(model: type[M], name: str, value: Any) -> M | None:
    """The row whose unique column ``name`` has ``value``."""
    with kept_cursor() as cursor:
        cursor.execute(_select(model, name), [value])
        row = cursor.fetchone()
    return row and instance_of(model, names_of(model), row)


@lru_cache
def _select(model: type[Model], name: str) -> str:
    names = ", ".join(names_of(model))
    return f"SELECT {names} FROM {model._meta.db_table} WHERE {name} = %s"  # noqa: S608 - names


def instance_of(model: type[M], names: tuple[str, ...], values: tuple[Any, ...]) -> M:
    """An instance of what the database gave for the columns ``names``."""
    return model.from_db(connection.alias, names, _converted(model, names, values))


@lru_cache
def fields_of(model: type[Model]) -> dict[str, Any]:
    """The fields that have a column, by its name."""
    return {field.attname: field for field in model._meta.concrete_fields}


@lru_cache
def names_of(model: type[Model], *, without: tuple[str, ...] = ()) -> tuple[str, ...]:
    return tuple(name for name in fields_of(model) if name not in without)


def _converted(model: type[Model], names: tuple[str, ...], values: tuple[Any, ...]) -> list[Any]:
    """As Django gives them: SQLite keeps moments, JSON and identifiers as texts."""
    found = list(values)
    for place, convert in _converters(model, names):
        found[place] = convert(found[place])
    return found


@lru_cache
def _converters(model: type[Model], names: tuple[str, ...]) -> list[tuple[int, Any]]:
    found = []
    for place, name in enumerate(names):
        field = fields_of(model)[name]
        column = field.get_col(model._meta.db_table)
        steps = [
            *connection.ops.get_db_converters(column),
            *field.get_db_converters(connection),
        ]
        if steps:
            found.append((place, _chained(steps, column)))
    return found


def _chained(steps: list[Any], column: Any) -> Any:
    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert
