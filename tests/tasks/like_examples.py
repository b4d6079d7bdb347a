"""Runs a file of `tests/dags` that is written as the public examples of Airflow are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connections.services import create_connection
from connections.validation import Draft
from tasks.engine import runner
from tasks.models import DagRun, XCom
from tasks.services import trigger_dag_run
from tests.conftest import ACTOR
from tests.tasks.python_dags import save_dag_file

DAGS = Path(__file__).parents[1] / "dags"
Run = Callable[..., DagRun]


def runner_in_this_process(folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Read the file by the real parser, and run its DAG by the engine until nothing is ready."""
    # The thread that renews leases doesn't see the rows of the test's open transaction.
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)

    def run(name: str, *drafts: Draft, text: str = "") -> DagRun:
        for draft in drafts:
            create_connection(draft, actor=ACTOR)
        source = text or (DAGS / name).read_text()
        dag = save_dag_file(folder, source, settings=settings)
        made = trigger_dag_run(dag.dag_id, actor=ACTOR)
        ready = list(made.task_instances.filter(state="queued").values_list("pk", flat=True))
        while ready:
            ready += [each.task_instance_id for each in runner.run(ready.pop(0))]
        made.refresh_from_db()
        return made

    return run


def states_of(run: DagRun) -> dict[str, str]:
    return dict(run.task_instances.values_list("task_id", "state"))


def results_of(run: DagRun) -> dict[str, str]:
    """What step 4 of each task says."""
    return dict(run.steps.filter(number=4).values_list("task_instance__task_id", "result"))


def left_by(run: DagRun) -> dict[str, Any]:
    """The ``return_value`` of each task that left one."""
    rows = XCom.objects.filter(task_instance__run=run, key="return_value")
    return dict(rows.values_list("task_instance__task_id", "value"))
