"""From the DAG that a file made to the spec that the rest of Patchbay knows."""

from __future__ import annotations

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.operators import Task
from tasks.dagfiles.authoring.values import plain
from tasks.spec import DagSpec, TaskSpec, check_dag


def spec_of(dag: DAG) -> DagSpec:
    """Raise ``SpecError`` or ``ArgumentProblem`` where the DAG can't be one."""
    spec = DagSpec(
        dag_id=dag.dag_id,
        tasks=tuple(_task(task) for task in dag.tasks.values()),
        description=_text("description", dag.description),
        doc_md=_text("doc_md", dag.doc_md),
        schedule=dag.schedule,
        tags=tuple(dag.tags),
        params=plain(dag.params, where="params"),
    )
    check_dag(spec)
    return spec


def _task(task: Task) -> TaskSpec:
    named = task.declaration.connection_argument
    return TaskSpec(
        task_id=task.task_id,
        operator=task.declaration.name,
        conn_id=task.conn_id,
        # The connection stands in conn_id alone: one fact, one place.
        arguments={key: value for key, value in task.arguments.items() if key != named},
        # In the DAG's order, so that the order of the arrows makes no new version.
        upstream=tuple(
            other.task_id for other in task.dag.tasks.values() if other in task.upstream
        ),
        line=task.line,
    )


def _text(name: str, value: object) -> str:
    text = plain(value, where=name)
    if text is not None and not isinstance(text, str):
        raise ArgumentProblem(f"{name} must be a text, not {type(value).__name__}.")
    return text or ""
