"""What can go wrong with DAGs and runs."""

from __future__ import annotations

from connections.exceptions import PatchbayError


class DagNotFound(PatchbayError):
    """There is no DAG of this id."""

    def __init__(self, dag_id: str) -> None:
        super().__init__(f"There is no DAG {dag_id}.")
        self.dag_id = dag_id


class TriggerRefused(PatchbayError):
    """A run can't be made; the message says why, in words for a person."""


class LeaseLost(PatchbayError):
    """Another worker has this task instance now: whoever gets this must leave it alone."""


class WorkerStopping(PatchbayError):
    """This worker is told to stop: the task is left for another to take over."""
