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


class ActRefused(PatchbayError):
    """A run or task can't be cancelled, cleared or marked now; the message says why, in words."""


class RunGone(ActRefused):
    """Somebody has deleted the run meanwhile."""

    def __init__(self) -> None:
        super().__init__("The run is deleted.")


class TaskCancelled(PatchbayError):
    """The task is to be cancelled: what waits for it lets go."""


class TaskTimedOut(PatchbayError):
    """The task has run for longer than its ``execution_timeout``."""


class LeaseLost(PatchbayError):
    """Another worker has this task instance now: whoever gets this must leave it alone."""


class WorkerStopping(PatchbayError):
    """This worker is told to stop: the task is left for another to take over."""
