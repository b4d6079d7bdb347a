"""Makes a spec the present version of its DAG, from a file or from the browser."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from tasks.models import Dag, DagVersion
from tasks.schedules.planning import plan, starts_paused
from tasks.spec import DagSpec

logger = logging.getLogger(__name__)


def make_present(dag: Dag, spec: DagSpec, *, source: str = "", by: str = "") -> bool:
    """Store ``spec`` as the DAG's present version, unless it is; whether it is a new one.

    The schedule follows. A first version with one may wait until it is switched
    on. Must be called inside a transaction; ``dag`` is not saved as a whole.
    """
    old = dag.current_version
    digest = spec.digest()
    if old is not None and old.digest == digest:
        _show_anew(old, spec, source=source)
        return False
    dag.current_version = DagVersion.objects.create(
        dag=dag,
        number=old.number + 1 if old else 1,
        spec=spec.to_json(),
        digest=digest,
        conn_ids=list(spec.conn_ids),
        source=source,
        created_by_name=by,
    )
    fields = ["current_version", "description", "updated_at"]
    if old is None and starts_paused(spec):
        dag.is_paused = True
        fields.append("is_paused")
    logger.info("DAG %s is now at version %d.", spec.dag_id, dag.current_version.number)
    dag.description = spec.description
    dag.updated_at = timezone.now()
    dag.save(update_fields=fields)
    plan(dag, timezone.now())
    return True


def _show_anew(version: DagVersion, spec: DagSpec, *, source: str) -> None:
    """Nothing that runs has changed: only what pages show, the text and the tasks' lines in it."""
    shown: dict[str, Any] = {}
    if source and version.source != source and not spec.source_digest:
        shown["source"] = source
    if version.spec != (now := spec.to_json()):
        shown["spec"] = now
    if shown:
        DagVersion.objects.filter(pk=version.pk).update(**shown)
