"""The hottest statements on single rows, written out once and kept: the ORM builds them anew each
time, which costs several times what the database needs for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from tasks.models import Dag, DagRun, TaskInstance

#: Long texts that no worker needs of a run's DAG.
UNREAD: dict[type[Model], tuple[str, ...]] = {Dag: ("description", "notices")}


def prepared(model: type[Model], name: str, value: Any) -> Any:
    """``value`` as the column's field stores it."""
    return _fields(model)[name].get_db_prep_save(value, connection)


@lru_cache
def _fields(model: type[Model]) -> dict[str, Any]:
    return {field.attname: field for field in model._meta.concrete_fields}


class Statement(NamedTuple):
    """A statement that changes exactly ``rows`` rows."""

    text: str
    values: list[Any]
    rows: int = 1


def update(model: type[Model], columns: Mapping[str, Any], *, where: Mapping[str, Any]) -> int:
    """Set ``columns`` of the rows that ``where`` finds; how many there were."""
    statement = updating(model, columns, where=where)
    with connection.cursor() as cursor:
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


def execute(statement: Statement) -> None:
    """Raise ``RowsGone`` where it doesn't change what it has to."""
    with connection.cursor() as cursor:
        cursor.execute(statement.text, statement.values)
        check(statement, cursor.rowcount)


def check(statement: Statement, count: int) -> None:
    if count != statement.rows:
        raise RowsGone(f"{count} of {statement.rows} rows: {statement.text}")


class RowsGone(RuntimeError):
    """Rows that are locked were not as they were read: a defect."""


def task_instance(pk: int) -> TaskInstance:
    """A task instance with its run and its DAG. Raise ``TaskInstance.DoesNotExist``."""
    with connection.cursor() as cursor:
        cursor.execute(_select(), [pk])
        row = cursor.fetchone()
    if row is None:
        raise TaskInstance.DoesNotExist
    made: list[Any] = []
    start = 0
    for model in (TaskInstance, DagRun, Dag):
        names = _read_names(model)
        values = _converted(model, row[start : start + len(names)])
        made.append(model.from_db(connection.alias, names, values))
        start += len(names)
    instance: TaskInstance = made[0]
    instance.run, instance.run.dag = made[1], made[2]
    return instance


@lru_cache
def _read_names(model: type[Model]) -> tuple[str, ...]:
    unread = UNREAD.get(model, ())
    return tuple(name for name in _fields(model) if name not in unread)


@lru_cache
def _select() -> str:
    tables = ((TaskInstance, "ti"), (DagRun, "r"), (Dag, "d"))
    columns = [f"{alias}.{name}" for model, alias in tables for name in _read_names(model)]
    return (
        f"SELECT {', '.join(columns)} FROM tasks_taskinstance ti "  # noqa: S608 - names of columns
        "JOIN tasks_dagrun r ON r.id = ti.run_id JOIN tasks_dag d ON d.id = r.dag_id "
        "WHERE ti.id = %s"
    )


def _converted(model: type[Model], values: tuple[Any, ...]) -> list[Any]:
    """As Django gives them: SQLite keeps moments, JSON and identifiers as texts."""
    return [convert(value) for convert, value in zip(_converters(model), values, strict=True)]


@lru_cache
def _converters(model: type[Model]) -> list[Any]:
    found = []
    for name in _read_names(model):
        field = _fields(model)[name]
        column = field.get_col(model._meta.db_table)
        steps = [
            *connection.ops.get_db_converters(column),
            *field.get_db_converters(connection),
        ]
        found.append(_chained(steps, column))
    return found


def _chained(steps: list[Any], column: Any) -> Any:
    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert
