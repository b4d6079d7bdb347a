"""The hottest statements on single rows, written out once and kept: the ORM builds them anew each
time, which costs several times what the database needs for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import JSONField, Model

from connections.database import kept_cursor
from connections.rows import fields_of, names_of

M = TypeVar("M", bound=Model)


def prepared(model: type[Model], name: str, value: Any) -> Any:
    """``value`` as the column's field stores it."""
    prepare = _preparing(model)[name]
    return value if prepare is None else prepare(value, connection)


@lru_cache
def _preparing(model: type[Model]) -> dict[str, Any]:
    """What prepares a column's values; ``None`` where the driver takes them as they are."""
    is_native = connection.vendor == "postgresql"
    return {
        name: None if is_native and not isinstance(field, JSONField) else field.get_db_prep_save
        for name, field in fields_of(model).items()
    }


class Statement(NamedTuple):
    """A statement that changes exactly ``rows`` rows."""

    text: str
    values: list[Any]
    rows: int = 1


def update(model: type[Model], columns: Mapping[str, Any], *, where: Mapping[str, Any]) -> int:
    """Set ``columns`` of the rows that ``where`` finds; how many there were."""
    statement = updating(model, columns, where=where)
    with kept_cursor() as cursor:
        cursor.execute(statement.text, statement.values)
        return int(cursor.rowcount)


def updating(
    model: type[Model], columns: Mapping[str, Any], *, where: Mapping[str, Any]
) -> Statement:
    """Sets ``columns`` of the row that ``where`` finds, by equality.

    A list in ``where`` stands for any of its values, ``None`` for null.
    """
    shape = tuple(len(each) if isinstance(each, list) else each is None for each in where.values())
    statement = _update(model, tuple(columns), tuple(where), shape)
    values = [prepared(model, name, value) for name, value in columns.items()]
    for name, value in where.items():
        if value is not None:
            several = value if isinstance(value, list) else [value]
            values += [prepared(model, name, each) for each in several]
    return Statement(statement, values)


@lru_cache(maxsize=200)
def _update(
    model: type[Model], columns: tuple[str, ...], where: tuple[str, ...], shape: tuple[int, ...]
) -> str:
    conditions = []
    for name, size in zip(where, shape, strict=True):
        if size is True:
            conditions.append(f"{name} IS NULL")
        elif size is False:
            conditions.append(f"{name} = %s")
        else:
            conditions.append(f"{name} IN ({', '.join(['%s'] * size)})")
    settings = ", ".join(f"{name} = %s" for name in columns)
    table = model._meta.db_table
    return f"UPDATE {table} SET {settings} WHERE {' AND '.join(conditions)}"  # noqa: S608 - names


def inserting(model: type[Model], rows: list[dict[str, Any]]) -> Statement:
    """Adds ``rows``, which all name the same columns."""
    names = tuple(rows[0])
    marks = f"({', '.join(['%s'] * len(names))})"
    statement = (
        f"INSERT INTO {model._meta.db_table} ({', '.join(names)}) "  # noqa: S608 - names
        f"VALUES {', '.join([marks] * len(rows))}"
    )
    values = [prepared(model, name, row[name]) for row in rows for name in names]
    return Statement(statement, values, len(rows))


#: More rows than these are left to the ORM, which knows how many a database takes at once.
FEW = 10


def insert(model: type[M], rows: list[M]) -> None:
    """Save new rows, which know their keys then."""
    if not 0 < len(rows) <= FEW:
        model._base_manager.bulk_create(rows)
        return
    names = names_of(model, without=("id",))
    columns = [{name: getattr(row, name) for name in names} for row in rows]
    statement = inserting(model, columns)
    with kept_cursor() as cursor:
        cursor.execute(f"{statement.text} RETURNING id", statement.values)
        for row, (key,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = key
            row._state.adding = False
            row._state.db = connection.alias


def execute(statement: Statement) -> None:
    """Raise ``RowsGone`` where it doesn't change what it has to."""
    with kept_cursor() as cursor:
        cursor.execute(statement.text, statement.values)
        check(statement, cursor.rowcount)


def check(statement: Statement, count: int) -> None:
    if count != statement.rows:
        raise RowsGone(f"{count} of {statement.rows} rows: {statement.text}")


class RowsGone(RuntimeError):
    """Rows that are locked were not as they were read: a defect."""
