"""From the DAG that a file made to the spec that the rest of Patchbay knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.moments import iso, moment, seconds
from tasks.dagfiles.authoring.operators import Task
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.settings import retry_on
from tasks.dagfiles.authoring.values import plain
from tasks.spec import DagSpec, TaskSpec, check_dag


def spec_of(dag: DAG) -> DagSpec:
    """Raise ``SpecError`` or ``ArgumentProblem`` where the DAG can't be one."""
    settings = dag.settings
    start, end = _bounds(dag)
    positions = {task: position for position, task in enumerate(dag.tasks)}
    spec = DagSpec(
        dag_id=dag.dag_id,
        tasks=tuple(_task(task, positions) for task in dag.tasks),
        description=_text("description", dag.description),
        doc_md=_doc("doc_md", dag.doc_md, dag),
        schedule=dag.schedule,
        interval=dag.interval,
        timezone=dag.timezone,
        start_date=start,
        end_date=end,
        catchup=bool(settings.get("catchup")),
        is_paused_upon_creation=settings.get("is_paused_upon_creation"),
        max_active_runs=settings.get("max_active_runs"),
        max_active_tasks=settings.get("max_active_tasks", settings.get("concurrency")),
        dagrun_timeout=seconds(settings.get("dagrun_timeout")),
        tags=tuple(dag.tags),
        params=dag.params,
        param_schemas=dag.param_schemas,
        groups={group.path: _text("tooltip", group.tooltip) for group in dag.groups.values()},
        source_digest=READING.digest if any(task.function for task in dag.tasks) else "",
    )
    check_dag(spec)
    return spec


def _bounds(dag: DAG) -> tuple[str | None, str | None]:
    """The DAG's own dates; without a first one, the first of its tasks' as in Airflow."""
    start = iso(dag.start, dag.timezone)
    end = iso(dag.end, dag.timezone)
    if start is None:
        given = [task.settings.get("start_date") for task in dag.tasks]
        moments = [moment(each, where="start_date") for each in given if each is not None]
        # With UTC's offset, so that they can be compared as texts are.
        start = min((iso(each, "UTC") or "" for each in moments), default=None)
    return start, end


def _task(task: Task, positions: dict[Task, int]) -> TaskSpec:
    named = task.declaration.connection_argument
    settings = task.settings
    delay = seconds(settings.get("retry_delay"))
    before = sorted(task.upstream, key=lambda other: positions.get(other, 0))
    return TaskSpec(
        task_id=task.task_id,
        operator=task.declaration.name,
        conn_id=task.conn_id or None,
        # The connection stands in conn_id alone: one fact, one place.
        arguments={key: value for key, value in task.arguments.items() if key != named},
        # In the DAG's order, so that the order of the arrows makes no new version.
        upstream=tuple(other.task_id for other in before),
        line=task.line,
        trigger_rule=settings.get("trigger_rule") or TaskSpec.trigger_rule,
        retries=settings.get("retries") or 0,
        retry_delay=TaskSpec.retry_delay if delay is None else delay,
        retry_exponential_backoff=_backoff(settings.get("retry_exponential_backoff")),
        max_retry_delay=seconds(settings.get("max_retry_delay")),
        retry_on=retry_on(task.task_id, settings.get("executor_config")),
        execution_timeout=seconds(settings.get("execution_timeout")),
        queue=_text("queue", settings.get("queue")) or TaskSpec.queue,
        group=task.group.path if task.group else "",
        doc_md=_doc("doc_md", settings.get("doc_md"), task.dag),
    )


def _backoff(value: Any) -> float:
    """``True`` doubles the delay with each try, as in Airflow."""
    return 2.0 if value is True else float(value or 0)


def _text(name: str, value: object) -> str:
    text = plain(value, where=name)
    if text is not None and not isinstance(text, str):
        raise ArgumentProblem(f"{name} must be a text, not {type(value).__name__}.")
    return text or ""


def _doc(name: str, value: object, dag: DAG) -> str:
    """A text, or the content of the ``.md`` file beside the DAG file that it names."""
    text = _text(name, value)
    if not text.endswith(".md") or "\n" in text:
        return text
    path = Path(dag.folder, text)
    try:
        return _text(name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return text
