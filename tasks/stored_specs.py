"""What stands in the versions of DAGs, for who shows it: also of one that can't be read here."""

from __future__ import annotations

from tasks.engine.versions import UnreadableSpec, spec_of
from tasks.models import DagVersion
from tasks.spec import DagSpec, SpecError, check_dag


def shown_spec(version: DagVersion) -> DagSpec:
    """As it is stored now, with the lines of its code; an ``UnreadableSpec`` of what can be read
    where another release has stored it."""
    try:
        spec = version.parsed
        check_dag(spec)
    except (SpecError, AttributeError, ValueError):
        return spec_of(version.pk)
    return spec


def problem_of(version: DagVersion | None, spec: DagSpec | None) -> str:
    """Why ``spec`` can't be read, in words; empty for one that can."""
    if version is None or not isinstance(spec, UnreadableSpec):
        return ""
    return (
        f"Version {version.number} was stored by another release of Patchbay, and this one can’t "
        f"read it: {spec.problem}. Run the newer release."
    )
