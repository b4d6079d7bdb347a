"""What runs: DAGs and their versions, runs, task instances, steps and log lines."""

from tasks.models.dags import Dag, DagImportError, DagOrigin, DagVersion
from tasks.models.records import LogLine, RenderedFields, Step, XCom
from tasks.models.runs import DagRun, HeldSession, TaskInstance

__all__ = [
    "Dag",
    "DagImportError",
    "DagOrigin",
    "DagRun",
    "DagVersion",
    "HeldSession",
    "LogLine",
    "RenderedFields",
    "Step",
    "TaskInstance",
    "XCom",
]
