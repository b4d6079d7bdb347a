"""Finds what an address names, or refuses in Airflow's words."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest

from access.problems import Refused
from tasks.models import Dag, DagRun, TaskInstance

#: In place of an ID: all of them.
ALL = "~"


def is_possible(name: str) -> bool:
    """No ID holds a NUL, and PostgreSQL takes none."""
    return "\0" not in name


def dag_not_found(dag_id: str) -> Refused:
    return Refused(404, f"The Dag with ID: `{dag_id}` was not found")


def known_dag(dag_id: str) -> Dag:
    """A DAG with a version, without the version itself. Raise ``Refused``."""
    rows = Dag.objects.filter(current_version__isnull=False)
    dag = rows.filter(dag_id=dag_id).first() if is_possible(dag_id) else None
    if dag is None:
        raise dag_not_found(dag_id)
    return dag


def known_run(dag_id: str, run_id: str, *, words: str = "") -> DagRun:
    """Raise ``Refused``, by ``words`` if Airflow has others at this place."""
    if is_possible(dag_id) and is_possible(run_id):
        rows = DagRun.objects.select_related("dag", "version")
        rows = rows.defer("version__spec", "version__source")
        run = rows.filter(dag__dag_id=dag_id, run_id=run_id).first()
        if run is not None:
            return run
    named = f"DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"
    raise Refused(404, words or f"The {named}")


def known_instance(dag_id: str, run_id: str, task_id: str, *, words: str = "") -> TaskInstance:
    """Raise ``Refused``."""
    if all(map(is_possible, (dag_id, run_id, task_id))):
        rows = TaskInstance.objects.select_related("run__dag", "run__version")
        rows = rows.defer("run__version__spec", "run__version__source")
        wanted = rows.filter(run__dag__dag_id=dag_id, run__run_id=run_id, task_id=task_id)
        instance = wanted.first()
        if instance is not None:
            return instance
    place = f"dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`"
    raise Refused(404, words or f"The Task Instance with {place} was not found")


def refuse_unknown_filters(request: HttpRequest, names: Iterable[str]) -> None:
    """Refuse what Airflow could narrow by, and Patchbay can't: all rows would be a wrong answer."""
    if found := sorted(set(names) & set(request.GET)):
        words = "Patchbay can't narrow or page a list by"
        raise Refused(400, f"{words} {', '.join(found)}.")
