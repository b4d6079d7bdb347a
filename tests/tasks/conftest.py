from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasks.engine import runner
from tasks.models import Dag, DagRun, DagVersion
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tests.conftest import ACTOR

QUERY = {"query": {"query": "SELECT 1", "useLegacySql": False}}


def save_dag(*tasks: TaskSpec, dag_id: str = "example_dag") -> Dag:
    spec = DagSpec(dag_id, tasks)
    dag, _ = Dag.objects.get_or_create(dag_id=dag_id, defaults={"filename": f"{dag_id}.py"})
    dag.current_version = DagVersion.objects.create(
        dag=dag,
        number=dag.versions.count() + 1,
        spec=spec.to_json(),
        digest=spec.digest(),
        conn_ids=list(spec.conn_ids),
    )
    dag.save()
    return dag


def query_task(
    task_id: str = "bq_task", *, upstream: tuple[str, ...] = (), **arguments: Any
) -> TaskSpec:
    conn_id = arguments.pop("gcp_conn_id", "my_gcp_conn")
    arguments = {"configuration": QUERY, **arguments}
    return TaskSpec(task_id, "BigQueryInsertJobOperator", conn_id, arguments, upstream)


def trigger(*tasks: TaskSpec) -> DagRun:
    """Make a run, by default of one query, and leave it to a worker."""
    save_dag(*(tasks or (query_task(),)))
    return trigger_dag_run("example_dag", actor=ACTOR)


@pytest.fixture
def run_dag(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DagRun]:
    """Trigger a DAG of these tasks (one query by default) and run it in this process."""
    # The thread that renews leases doesn't see the rows of the test's open transaction.
    monkeypatch.setattr("tasks.engine.leases._start_keeper", lambda: None)

    def run(*tasks: TaskSpec, conf: dict[str, Any] | None = None) -> DagRun:
        dag = save_dag(*(tasks or (query_task(),)))
        made = trigger_dag_run(dag.dag_id, actor=ACTOR, conf=conf)
        ready = list(made.task_instances.filter(state="queued").values_list("pk", flat=True))
        while ready:
            ready += [each.task_instance_id for each in runner.run(ready.pop(0))]
        made.refresh_from_db()
        return made

    return run


def states(run: DagRun) -> list[str]:
    return [step.state for step in run.steps.order_by("position")]
