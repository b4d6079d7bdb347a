"""What an operator asks BigQuery to do, as data."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.operators.base import Context

JOB_KINDS = ("query", "load", "extract", "copy")
#: A ``poll_interval`` below it counts as this: BigQuery is not to be flooded.
SHORTEST_INTERVAL = 0.5
#: Tells the try that inserted a job whose ID other runs may ask for too.
TRY_LABEL = "patchbay-try"


@dataclass(frozen=True)
class JobRequest:
    """A job, and how to wait for it; as the arguments of BigQueryInsertJobOperator say it.

    ``configuration`` is the one of the REST Job resource; times are in seconds.
    """

    configuration: Mapping[str, Any]
    project_id: str | None = None
    location: str | None = None
    job_id: str | None = None
    force_rerun: bool = True
    reattach_states: tuple[str, ...] = ()
    cancel_on_kill: bool = True
    result_timeout: float | None = None
    poll_interval: float = 4.0

    @classmethod
    def of(cls, values: Mapping[str, Any], **more: Any) -> JobRequest:
        """From the values of an operator; what it doesn't have keeps its default."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        states = tuple(known.get("reattach_states") or ())
        return cls(**{**known, "reattach_states": states, **more})

    @property
    def kind(self) -> str:
        return next(kind for kind in JOB_KINDS if kind in self.configuration)

    @property
    def is_shared(self) -> bool:
        """Whether other runs and tries ask for a job of the same ID."""
        return not self.force_rerun and bool(self.job_id)

    @property
    def interval(self) -> float:
        return max(self.poll_interval, SHORTEST_INTERVAL)

    def id_for(self, context: Context) -> str:
        """The same for the same run, task and try, so that a takeover finds the job.

        Without ``force_rerun`` the ID comes from ``job_id`` and the
        configuration alone, as in Airflow, so that the same job isn't paid for
        twice.
        """
        if not self.is_shared:
            return "_".join(part for part in (_safe(self.job_id), context.job_id) if part)
        text = json.dumps(self.configuration, sort_keys=True)
        return f"{_safe(self.job_id)}_{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def labelled(self, context: Context) -> dict[str, Any]:
        """The configuration with Airflow's labels, and the DAG's own over them."""
        labels = _labels(context)
        if self.is_shared:
            labels[TRY_LABEL] = try_of(context)
        return {**self.configuration, "labels": labels | (self.configuration.get("labels") or {})}


def try_of(context: Context) -> str:
    """The part of the try's job ID that no other try has."""
    return context.job_id.rpartition("_")[2]


def _labels(context: Context) -> dict[str, str]:
    """Airflow's labels. A label has at most 63 small letters, digits, dashes, underscores."""
    names = {"airflow-dag": context.dag_id, "airflow-task": context.task_id}
    labels = {key: re.sub(r"[^a-z0-9_-]", "_", name.lower())[:63] for key, name in names.items()}
    return {key: value for key, value in labels.items() if re.match(r"[a-z0-9]", value)}


def _safe(text: str | None) -> str:
    return re.sub(r"[^\w-]", "_", text or "", flags=re.ASCII)
