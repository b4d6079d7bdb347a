"""Which DAGs use which connections. ``connections`` asks through its registry."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse

from connections.dependents import Dependent
from tasks.models import Dag


def dags_that_use(conn_ids: Iterable[str]) -> dict[str, list[Dependent]]:
    """The DAGs whose present version names each of ``conn_ids``."""
    found: dict[str, list[Dependent]] = {conn_id: [] for conn_id in conn_ids}
    rows = Dag.objects.filter(is_missing=False, current_version__isnull=False).values_list(
        "dag_id", "current_version__conn_ids"
    )
    for dag_id, used in rows:
        for conn_id in set(used) & found.keys():
            found[conn_id].append(Dependent("DAG", dag_id, reverse("dag", args=[dag_id])))
    return found
