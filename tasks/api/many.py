"""What calls about many runs or tasks have in common: which one an entity names, and the answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Protocol, TypeVar

from django.db import transaction

from access.problems import Refused
from tasks.api.finding import ALL
from tasks.engine.writing import take_number
from tasks.exceptions import ActRefused
from tasks.models import Dag, DagRun

#: More in one act would hold its transaction for too long, and more in one call the caller.
MOST, MOST_IN_CALL = 100, 1_000


class Act(Protocol):
    """One act of a call: its ``action`` is ``create``, ``update`` or ``delete``."""

    action: Any
    entities: Any


A = TypeVar("A", bound=Act)


def done(actions: Collection[A], do: Callable[[A], list[str]]) -> dict[str, Any]:
    """Do the acts in their order, each whole or not at all; what became of them, by their kind.

    Raise ``Refused`` for too many, before any is done.
    """
    if sum(max(len(action.entities), 1) for action in actions) > MOST_IN_CALL:
        raise Refused(400, f"One call is for at most {MOST_IN_CALL:,} of them: send several.")
    answer: dict[str, Any] = {"create": None, "update": None, "delete": None}
    for action in actions:
        of_kind = answer[action.action] or {"success": [], "errors": []}
        answer[action.action] = of_kind
        try:
            if len(action.entities) > MOST:
                raise Refused(400, f"One act is for at most {MOST} of them.")
            with transaction.atomic():
                of_kind["success"] += do(action)
        except Refused as error:
            of_kind["errors"].append({"error": error.message, "status_code": error.status_code})
        except ActRefused as error:
            of_kind["errors"].append({"error": str(error), "status_code": 409})
    return answer


def lock(found: Iterable[DagRun]) -> None:
    """All runs of an act at its beginning, in one order, and then their DAGs: else two acts could
    wait for each other, or for who ends a run and looks for the next one of its DAG. Raise
    ``RunGone``."""
    runs = {run.pk: run.dag_id for run in found}
    for pk in sorted(runs):
        take_number(pk)
    dags = Dag.objects.select_for_update(no_key=True).filter(pk__in=set(runs.values()))
    list(dags.order_by("pk").values_list("pk"))


def dag_of(named: str | None, in_address: str, words: str) -> str:
    """The DAG of an entity: its own, or that of the address. Raise ``Refused``."""
    if named not in (None, ALL):
        return str(named)
    if in_address == ALL:
        raise Refused(400, words)
    return in_address
