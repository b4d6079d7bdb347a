"""The specs of DAG versions, kept by each process: a version never changes.

Reading one costs as much as the DAG is large, and every task of a run needs it.
"""

from __future__ import annotations

from functools import lru_cache

from tasks.models import DagVersion
from tasks.spec import DagSpec

#: Specs that one process keeps. One of a thousand tasks takes some MB.
KEPT = 64


@lru_cache(maxsize=KEPT)
def spec_of(version_id: int) -> DagSpec:
    """Raise ``DagVersion.DoesNotExist``."""
    return DagSpec.from_json(DagVersion.objects.values_list("spec", flat=True).get(pk=version_id))


@lru_cache(maxsize=KEPT)
def source_of(version_id: int) -> str:
    """The text of the version's DAG file; empty for a DAG made in the browser."""
    return str(DagVersion.objects.values_list("source", flat=True).get(pk=version_id))
