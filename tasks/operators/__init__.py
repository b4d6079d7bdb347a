"""Every operator that Patchbay runs, by Airflow's class name: its own, and those of packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain

from tasks.operators import (
    bigquery,
    bigquery_checks,
    bigquery_tables,
    branching,
    gcs,
    http,
    packages,
    python,
    s3,
    sql,
)
from tasks.operators.base import Operator
from tasks.operators.packages import Problem

#: Each service's module names its operators in ``OPERATORS_HERE``.
MODULES = (bigquery, bigquery_checks, bigquery_tables, sql, gcs, s3, http, python, branching)


class Registry(Mapping[str, type[Operator]]):
    """The operators by name. Packages are looked up when an operator is asked for that isn't ours.

    An operator of ours is never replaced, and of two packages the first by name counts.
    """

    def __init__(self) -> None:
        here = chain.from_iterable(module.OPERATORS_HERE for module in MODULES)
        #: Patchbay's own, in the order of the modules.
        self.own: dict[str, type[Operator]] = {operator.name: operator for operator in here}

    @cached_property
    def _found(self) -> tuple[dict[str, type[Operator]], tuple[Problem, ...]]:
        origins = dict.fromkeys(self.own, "Patchbay")
        found: dict[str, type[Operator]] = {}
        problems: list[Problem] = []
        for offer in packages.offers():
            if offer.problem:
                problems.append(Problem(offer.package, offer.problem))
            for operator in offer.operators:
                taken = origins.setdefault(operator.name, offer.package)
                if operator.name not in found and taken == offer.package:
                    found[operator.name] = operator
                else:
                    words = f"the operator {operator.name} is declared by {taken} already"
                    problems.append(Problem(offer.package, words))
        return found, tuple(problems)

    @property
    def of_packages(self) -> dict[str, type[Operator]]:
        """The operators of other packages. The first look takes some milliseconds."""
        return self._found[0]

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with packages that offer operators, for a system check."""
        return self._found[1]

    def __getitem__(self, name: str) -> type[Operator]:
        return self.own[name] if name in self.own else self.of_packages[name]

    def __iter__(self) -> Iterator[str]:
        return chain(self.own, self.of_packages)

    def __len__(self) -> int:
        return len(self.own) + len(self.of_packages)


OPERATORS = Registry()


def operators_of_packages() -> tuple[type[Operator], ...]:
    """The sound operators of other packages, for the process that reads a DAG file.

    It asks only for a module that is neither in its own table nor of the standard library.
    """
    return tuple(OPERATORS.of_packages.values())
