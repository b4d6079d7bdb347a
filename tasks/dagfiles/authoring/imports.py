"""Which ``airflow…`` modules a DAG file can import, and the words for those it can't.

The finder stands first in ``sys.meta_path``, so that it answers also where a
real Airflow is installed: its operators would not run here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any

from tasks.dagfiles.authoring.dag import DAG
from tasks.dagfiles.authoring.errors import UnsupportedImport
from tasks.dagfiles.authoring.operators import operator_class
from tasks.dagfiles.authoring.relations import chain, cross_downstream
from tasks.dagfiles.authoring.trigger_rule import TriggerRule
from tasks.operators.base import Operator

_RELATIONS = {"chain": chain, "cross_downstream": cross_downstream}

_BASE: dict[str, dict[str, Any]] = {
    "airflow": {"DAG": DAG},
    "airflow.models": {"DAG": DAG},
    "airflow.models.baseoperator": _RELATIONS,
    "airflow.models.dag": {"DAG": DAG},
    "airflow.sdk": {"DAG": DAG, "TriggerRule": TriggerRule, **_RELATIONS},
    "airflow.utils": {},
    "airflow.utils.trigger_rule": {"TriggerRule": TriggerRule},
}

_OWN_OPERATOR = "an operator of your own can't run in Patchbay."
_DECORATORS = "write `with DAG(...)` and operators instead of @dag and @task."
_VARIABLE = "keep the value in the DAG's params."
_PARAM = "give the DAG's params plain values."
_CONNECTION = "a task names its connection by conn_id, and Patchbay opens it."
_GROUP = "link the tasks themselves."

#: What to do instead, for what Airflow's users reach for most often.
HINTS = {
    "airflow.decorators": _DECORATORS,
    "airflow.sdk.dag": _DECORATORS,
    "airflow.sdk.task": _DECORATORS,
    "airflow.models.Variable": _VARIABLE,
    "airflow.sdk.Variable": _VARIABLE,
    "airflow.models.Connection": _CONNECTION,
    "airflow.sdk.Connection": _CONNECTION,
    "airflow.hooks.base": _CONNECTION,
    "airflow.models.param": _PARAM,
    "airflow.sdk.Param": _PARAM,
    "airflow.models.BaseOperator": _OWN_OPERATOR,
    "airflow.models.baseoperator.BaseOperator": _OWN_OPERATOR,
    "airflow.sdk.BaseOperator": _OWN_OPERATOR,
    "airflow.sdk.TaskGroup": _GROUP,
    "airflow.utils.task_group": _GROUP,
    "airflow.utils.dates": "give start_date a datetime.",
}


class AirflowModule(ModuleType):
    """A module whose missing names are refused in words."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full_name = f"{self.__name__}.{name}"
        if full_name in vars(self)["modules"]:
            return importlib.import_module(full_name)
        raise UnsupportedImport(_missing_name(self.__name__, name, vars(self)["__all__"]))


class AirflowFinder(MetaPathFinder, Loader):
    """Finds every ``airflow…`` module in a table, and nowhere else."""

    def __init__(self, operators: Iterable[type[Operator]]) -> None:
        self.modules = _modules(operators)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname.partition(".")[0] != "airflow":
            return None
        if fullname not in self.modules:
            raise UnsupportedImport(_missing_module(_asked_for(fullname)), name=fullname)
        # All are packages: then a submodule that isn't there is asked for here too.
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return AirflowModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        names = self.modules[module.__name__]
        vars(module).update(names, __all__=sorted(names), modules=frozenset(self.modules))


def install(operators: Iterable[type[Operator]]) -> None:
    """Let this process's ``import airflow…`` find Patchbay's modules."""
    sys.meta_path.insert(0, AirflowFinder(operators))


def _modules(operators: Iterable[type[Operator]]) -> Mapping[str, Mapping[str, Any]]:
    modules = {name: dict(names) for name, names in _BASE.items()}
    for declaration in operators:
        made = operator_class(declaration)
        for path in declaration.import_paths:
            modules.setdefault(path, {})[declaration.name] = made
            parts = path.split(".")
            for end in range(1, len(parts)):
                modules.setdefault(".".join(parts[:end]), {})
    return modules


def _asked_for(module: str) -> str:
    """The whole name in ``import airflow.a.b``, where Python looks for ``airflow.a`` first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_locals.get("name") if frame.f_code.co_name == "_find_and_load" else None
        if isinstance(name, str) and name.startswith(f"{module}."):
            module = name
        frame = frame.f_back
    return module


def _missing_module(module: str) -> str:
    hint = next((HINTS[known] for known in HINTS if f"{module}.".startswith(f"{known}.")), None)
    if hint:
        return f"{module} isn't available: {hint}"
    if module.split(".")[1] in ("operators", "providers", "sensors"):
        return f"{module} isn't available: Patchbay has no operator there."
    return f"{module} isn't available in Patchbay."


def _missing_name(module: str, name: str, there: Sequence[str]) -> str:
    if there and module.startswith("airflow.providers."):
        return f"{name} isn't an operator that Patchbay has (it has: {', '.join(there)})."
    return _missing_module(f"{module}.{name}")
