"""The connections that a task of an operator can use, for the form to offer."""

from __future__ import annotations

from dataclasses import dataclass

from connections.from_environment import all_from_environment
from connections.models import Connection
from connections.types import type_of
from tasks.drafting.fields import Option
from tasks.drafting.task_settings import ANOTHER, CONN, OTHER, chosen_conn_id
from tasks.operators.base import Operator

#: Where more fit, the others are typed.
MOST = 500


@dataclass(frozen=True)
class Choice:
    """The field of a task's connection. ``note`` is what its author should know of the chosen one.

    ``missing`` is the ID of one that isn't there, and could be made. ``is_cut``:
    more fit than are listed.
    """

    options: tuple[Option, ...]
    chosen: str
    other: str
    types: str
    default: str
    note: str = ""
    missing: str = ""
    is_cut: bool = False


def choice_of(operator: type[Operator], texts: dict[str, str]) -> Choice:
    """What fits by its type, and what is chosen whatever that is."""
    fitting = _fitting(operator)
    chosen = texts.get(CONN, "")
    options = [Option(conn_id, label) for conn_id, label in sorted(fitting.items())]
    if chosen not in ("", ANOTHER, *fitting):
        options.insert(0, Option(chosen, chosen))
    conn_id = chosen_conn_id(texts) or operator.default_conn_id
    note, missing = _note(conn_id, operator, fitting)
    return Choice(
        options=tuple(options[:MOST]),
        chosen=chosen,
        other=texts.get(OTHER, ""),
        types=_labels(operator),
        default=operator.default_conn_id,
        note=note,
        missing=missing,
        is_cut=len(fitting) > MOST,
    )


def only_fitting(operator: type[Operator]) -> str:
    """The connection of a new task where just one fits and the default isn't there; else blank."""
    if not operator.connection_argument:
        return ""
    fitting = _fitting(operator)
    return (
        next(iter(fitting)) if len(fitting) == 1 and operator.default_conn_id not in fitting else ""
    )


def _labels(operator: type[Operator]) -> str:
    labels = list(dict.fromkeys(type_of(name).label for name in operator.connection_types))
    return " or ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _fitting(operator: type[Operator]) -> dict[str, str]:
    """conn_id -> what stands in the list; those of the environment come before stored ones."""
    types = operator.connection_types
    rows = Connection.objects.filter(conn_type__in=types).order_by("conn_id")
    found = {
        conn_id: _label(conn_id, conn_type, "disabled" if is_disabled else "")
        for conn_id, conn_type, is_disabled in rows.values_list(
            "conn_id", "conn_type", "is_disabled"
        )[: MOST + 1]
    }
    for each in all_from_environment():
        if each.connection and each.connection.conn_type in types:
            found[each.conn_id] = _label(each.conn_id, each.connection.conn_type, "environment")
    return found


def _label(conn_id: str, conn_type: str, remark: str) -> str:
    return " · ".join(filter(None, (conn_id, type_of(conn_type).label, remark)))


def _note(conn_id: str, operator: type[Operator], fitting: dict[str, str]) -> tuple[str, str]:
    """What is amiss, and the ID of a connection that isn't there. It is no error: it may come."""
    if not conn_id or conn_id in fitting or "{{" in conn_id:
        return "", ""
    if any(each.conn_id == conn_id for each in all_from_environment()):
        return "", ""
    stored = Connection.objects.filter(conn_id=conn_id).values_list("conn_type", flat=True).first()
    if stored is None:
        return f"There is no connection {conn_id} yet.", conn_id
    if stored in operator.connection_types:
        return "", ""
    return f"{conn_id} is of the type {type_of(stored).label}: the task can’t use it.", ""
