from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.models import DagRun
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR
from tests.engine.driving import Engine, save_spec, scripted_operators


@pytest.fixture
def engine(
    db: None, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> Iterator[Engine]:
    driven = Engine(django_capture_on_commit_callbacks)
    # The thread that renews leases doesn't see the rows of the test's open transaction.
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)
    for place in ("tasks.services.send", "tasks.acts.send", "tasks.clock.send"):
        monkeypatch.setattr(place, driven.send)
    with scripted_operators(monkeypatch):
        yield driven


@pytest.fixture
def start(engine: Engine) -> Callable[..., DagRun]:
    """Save a DAG of these tasks and trigger it; its messages wait in ``engine``."""

    def make(*tasks: TaskSpec, dag_id: str = "dag", conf: Any = None, **fields: Any) -> DagRun:
        if tasks:
            save_spec(DagSpec(dag_id, tasks, **fields))
        with engine.committing():
            return trigger_dag_run(dag_id, actor=ACTOR, conf=conf)

    return make
