"""Fills the Jinja templates in an operator's arguments, in a sandbox, when the task runs."""

from __future__ import annotations

from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connections.exceptions import Failure
from tasks.models import DagRun, TaskInstance
from tasks.operators.base import Operator
from tasks.spec import DagSpec


class _Sandbox(ImmutableSandboxedEnvironment):
    """Refuses the one operator that makes a number which takes minutes to make."""

    intercepted_binops = frozenset({"**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise ValueError("** can't be used in a template")


_environment = _Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
#: A template that renders to more than this is a mistake (or an attack), not an argument.
LONGEST_TEXT = 1_000_000


def context_of(run: DagRun, task_instance: TaskInstance, spec: DagSpec) -> dict[str, Any]:
    """The names that a template may use, under Airflow's names."""
    day = run.logical_date.strftime("%Y-%m-%d")
    return {
        "ds": day,
        "ds_nodash": day.replace("-", ""),
        "ts": run.logical_date.isoformat(),
        "ts_nodash": run.logical_date.strftime("%Y%m%dT%H%M%S"),
        "logical_date": run.logical_date,
        "run_id": run.run_id,
        "dag_run": {
            "conf": run.conf,
            "run_id": run.run_id,
            "run_type": run.run_type,
            "logical_date": run.logical_date,
        },
        "params": {**spec.params, **run.conf},
        "dag": {"dag_id": spec.dag_id},
        "task": {"task_id": task_instance.task_id},
        "ti": {"task_id": task_instance.task_id, "try_number": task_instance.try_number},
    }


def render(
    operator: type[Operator], arguments: dict[str, Any], names: dict[str, Any]
) -> dict[str, Any]:
    """``arguments`` with the templated ones filled. Raise ``Failure`` naming the field."""
    templated = {argument.name for argument in operator.arguments if argument.templated}
    return {
        name: _filled(value, names, field=name) if name in templated else value
        for name, value in arguments.items()
    }


def _filled(value: Any, names: dict[str, Any], *, field: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, names, field=f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names, field=f"{field}[{n}]") for n, item in enumerate(value)]
    if not isinstance(value, str) or "{" not in value:
        return value
    try:
        text = _environment.from_string(value).render(names)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise Failure("task:template-error", field=field, reason=str(error)) from None
    if len(text) > LONGEST_TEXT:
        raise Failure("task:template-error", field=field, reason="the text becomes too long")
    return text
