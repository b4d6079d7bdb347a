"""The ``airflow…`` modules that a DAG file can import: what is in each, in Airflow 2 and 3."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from tasks.dagfiles.authoring import dates, exceptions
from tasks.dagfiles.authoring.dag import DAG, dag
from tasks.dagfiles.authoring.groups import TaskGroup, task_group
from tasks.dagfiles.authoring.links import Label
from tasks.dagfiles.authoring.operators import operator_class
from tasks.dagfiles.authoring.params import Param
from tasks.dagfiles.authoring.python_tasks import CODE_OPERATORS, PythonTask, task
from tasks.dagfiles.authoring.relations import chain, chain_linear, cross_downstream
from tasks.dagfiles.authoring.running import get_current_context, get_hook
from tasks.dagfiles.authoring.trigger_rule import TriggerRule
from tasks.dagfiles.authoring.xcom import XComArg
from tasks.operators.base import Operator

Modules = dict[str, dict[str, Any]]


class WeightRule(StrEnum):
    """How Airflow counts priorities. Accepted, and not used here."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"
    ABSOLUTE = "absolute"


_DAG = {"DAG": DAG}
_DAGS = {"DAG": DAG, "dag": dag}
_GROUPS = {"TaskGroup": TaskGroup, "task_group": task_group}
_RELATIONS = {
    "chain": chain,
    "chain_linear": chain_linear,
    "cross_downstream": cross_downstream,
}
_RULE = {"TriggerRule": TriggerRule}
_WEIGHT = {"WeightRule": WeightRule}
_LABEL = {"Label": Label}
_XCOM_ARG = {"XComArg": XComArg}
_TASK = {"task": task}
_TIMEZONE = {name: getattr(dates, name) for name in dates.TIMEZONE}
_CONTEXT = {"get_current_context": get_current_context}

_SDK = {
    **_DAGS,
    **_GROUPS,
    **_RELATIONS,
    **_RULE,
    **_WEIGHT,
    **_LABEL,
    **_XCOM_ARG,
    **_TASK,
    **_CONTEXT,
    "Param": Param,
}
#: What providers' own examples import, to run with Airflow 2 and 3; it has what the SDK has.
COMPAT = "airflow.providers.common.compat.sdk"

_BASE: Modules = {
    **exceptions.MODULES,
    "airflow": {**_DAG, **_XCOM_ARG},
    "airflow.decorators": {"dag": dag, "task": task, "task_group": task_group},
    "airflow.models": {**_DAG, **_XCOM_ARG, "Param": Param},
    "airflow.models.baseoperator": _RELATIONS,
    "airflow.models.dag": _DAGS,
    "airflow.models.param": {"Param": Param},
    "airflow.models.xcom_arg": _XCOM_ARG,
    "airflow.operators.python": _CONTEXT,
    COMPAT: {**_SDK, **exceptions.MODULES["airflow.exceptions"]},
    "airflow.providers.standard.operators.python": _CONTEXT,
    "airflow.sdk": _SDK,
    "airflow.sdk.definitions.dag": _DAGS,
    "airflow.sdk.definitions.edges": _LABEL,
    "airflow.sdk.definitions.param": {"Param": Param},
    "airflow.sdk.definitions.taskgroup": {"TaskGroup": TaskGroup},
    "airflow.sdk.definitions.xcom_arg": _XCOM_ARG,
    "airflow.sdk.timezone": _TIMEZONE,
    "airflow.task.trigger_rule": _RULE,
    "airflow.task.weight_rule": _WEIGHT,
    "airflow.utils.dates": {"days_ago": dates.days_ago},
    "airflow.utils.edgemodifier": _LABEL,
    "airflow.utils.helpers": {"chain": chain, "cross_downstream": cross_downstream},
    "airflow.utils.task_group": _GROUPS,
    "airflow.utils.timezone": _TIMEZONE,
    "airflow.utils.trigger_rule": _RULE,
    "airflow.utils.weight_rule": _WEIGHT,
    "patchbay": {"get_hook": get_hook},
}


def base_modules() -> Modules:
    """Those that are there without any operator; the packages around them are empty."""
    modules: Modules = {}
    add_names(modules, _BASE)
    return modules


def add_names(modules: Modules, more: Modules) -> None:
    for path, names in more.items():
        modules.setdefault(path, {}).update(names)
        _add_packages(modules, path)


def add_operators(modules: Modules, operators: Iterable[type[Operator]]) -> None:
    """Put a class for each operator into every module that Airflow offers it in."""
    for declaration in operators:
        base = {"base": PythonTask} if declaration.name in CODE_OPERATORS else {}
        made = operator_class(declaration, **base)
        add_names(modules, {path: {declaration.name: made} for path in declaration.import_paths})


def _add_packages(modules: Modules, path: str) -> None:
    parts = path.split(".")
    for end in range(1, len(parts)):
        modules.setdefault(".".join(parts[:end]), {})
