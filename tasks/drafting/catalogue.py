"""The operators that a DAG made in the browser can have, as a catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connections.types import type_of
from tasks.operators import OPERATORS
from tasks.operators.base import Operator
from tasks.operators.python import PythonOperator


@dataclass(frozen=True)
class Entry:
    """An operator in the catalogue; ``words`` is what a search looks into, in small letters."""

    operator: type[Operator]
    words: str

    @property
    def name(self) -> str:
        return self.operator.name

    @property
    def summary(self) -> str:
        return self.operator.summary

    @property
    def label(self) -> str:
        """The name without what all of them end with."""
        return short_name(self.operator.name)

    @property
    def connections(self) -> str:
        """The types of connection that fit, in words."""
        labels = (type_of(name).label for name in self.operator.connection_types)
        return ", ".join(dict.fromkeys(labels))


def is_offered(operator: type[Operator]) -> bool:
    """Not where it needs code, for which a DAG made here has no place."""
    return not issubclass(operator, PythonOperator)


def catalogue() -> list[tuple[str, list[Entry]]]:
    """The entries by category, in the order in which the operators are declared."""
    found: dict[str, list[Entry]] = {}
    for operator in OPERATORS.values():
        if is_offered(operator) and not _is_older_name(operator):
            words = f"{operator.name} {operator.category} {operator.summary}".lower()
            found.setdefault(operator.category, []).append(Entry(operator, words))
    return list(found.items())


def _is_older_name(operator: type[Operator]) -> bool:
    """Such an operator is another one of ours with nothing changed but names."""
    others = (other for other in OPERATORS.own.values() if other is not operator)
    return operator.name in OPERATORS.own and any(issubclass(operator, each) for each in others)


def short_name(name: str) -> str:
    return name.removesuffix("Operator")


def first_id(operator: str, taken: set[str]) -> str:
    """An ID for a new task, after its operator: ``sql_execute_query``, ``sql_execute_query_2``."""
    name = short_name(operator)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found
