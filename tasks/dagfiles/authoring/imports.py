"""Finds the ``airflow…`` modules for a DAG file, and has the words for those that aren't there.

The finder stands first in ``sys.meta_path``, so that it answers also where a
real Airflow is installed: its operators would not run here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from tasks.dagfiles.authoring import own
from tasks.dagfiles.authoring.errors import UnsupportedImport
from tasks.dagfiles.authoring.modules import COMPAT, add_names, add_operators, base_modules
from tasks.dagfiles.authoring.reading import READING
from tasks.operators import OPERATORS, operators_of_packages

_OWN_OPERATOR = "an operator of your own can't run in Patchbay; @task runs a function of yours."
_VARIABLE = "keep the value in the DAG's params."
_HOOK = "call BaseHook.get_hook(conn_id) inside a @task function."
_ASSETS = "Patchbay has no assets; give the DAG a schedule, or None."
_TIMETABLE = "give schedule a cron text, a preset or a timedelta."
_TEARDOWN = "link the task, and give it the trigger_rule 'all_done'."

STAND_IN = Path(__file__).with_name("pendulum_stand_in.py")

#: The packages whose modules are all Patchbay's.
_OURS = ("airflow", "patchbay")

#: What to do instead, for what Airflow's users reach for most often.
HINTS = {
    "airflow.models.Variable": _VARIABLE,
    "airflow.sdk.Variable": _VARIABLE,
    "airflow.models.BaseOperator": _OWN_OPERATOR,
    "airflow.models.baseoperator.BaseOperator": _OWN_OPERATOR,
    "airflow.sdk.BaseOperator": _OWN_OPERATOR,
    "airflow.sdk.bases.operator": _OWN_OPERATOR,
    "airflow.sdk.BaseSensorOperator": _OWN_OPERATOR,
    "airflow.sensors.base": _OWN_OPERATOR,
    "airflow.sdk.Asset": _ASSETS,
    "airflow.sdk.asset": _ASSETS,
    "airflow.datasets": _ASSETS,
    "airflow.Dataset": _ASSETS,
    "airflow.timetables": _TIMETABLE,
    "airflow.sdk.CronTriggerTimetable": _TIMETABLE,
    "airflow.sdk.CronDataIntervalTimetable": _TIMETABLE,
    "airflow.sdk.setup": _TEARDOWN,
    "airflow.sdk.teardown": _TEARDOWN,
    "airflow.decorators.setup": _TEARDOWN,
    "airflow.decorators.teardown": _TEARDOWN,
}


class AirflowModule(ModuleType):
    """A module whose missing names are refused in words."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full_name = f"{self.__name__}.{name}"
        finder: AirflowFinder = vars(self)["__loader__"]
        if full_name in finder.modules:
            return importlib.import_module(full_name)
        names = finder.modules[self.__name__]
        while name not in names and finder.learn():
            pass
        if name not in names:
            raise UnsupportedImport(_missing_name(self.__name__, name, sorted(names)))
        vars(self).update(names)
        return names[name]


class AirflowFinder:
    """Finds every module in a table, which begins with Patchbay's own operators.

    A finder and a loader for ``import``; ``importlib.abc`` takes too long to import.
    """

    def __init__(self) -> None:
        self.modules = base_modules()
        add_operators(self.modules, OPERATORS.own.values())
        self._more: dict[str, Callable[[], None]] = {
            "hooks": self._add_hooks,
            "packages": self._add_packages,
        }

    def learn(self, *names: str) -> bool:
        """Fill the table with what takes time and few files need; false where that is done."""
        for name in names or ("hooks", "packages"):
            if name in self._more:
                self._more.pop(name)()
                return True
        return False

    def _add_hooks(self) -> None:
        hooks = own.own_module("tasks.dagfiles.authoring.hooks").MODULES
        add_names(self.modules, {**hooks, COMPAT: hooks["airflow.sdk"]})

    def _add_packages(self) -> None:
        add_operators(self.modules, operators_of_packages())

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        top = fullname.partition(".")[0]
        if top in sys.stdlib_module_names or (own.is_for_us(top) and top not in _OURS):
            return None
        if top in _OURS:
            while fullname not in self.modules and self.learn():
                pass
        elif top != "pendulum" and not top.startswith("_") and not _is_beside(top):
            # With a line below: a part of the standard library that isn't in its list of names.
            self.learn("packages")
        if fullname in self.modules:
            # All are packages: then a submodule that isn't there is asked for here too.
            return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]
        if top in _OURS:
            raise UnsupportedImport(_missing_module(_asked_for(fullname)), name=fullname)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return AirflowModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        names = self.modules[module.__name__]
        vars(module).update(names, __all__=sorted(names))


class PendulumFinder:
    """Offers a small stand-in for pendulum. It is asked last, so the real one comes first."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != "pendulum":
            return None
        return ModuleSpec(fullname, _OwnFile(fullname, str(STAND_IN)), origin=str(STAND_IN))


class _OwnFile(SourceFileLoader):
    """Keeps the bytecode, which is not done for what the DAG file imports."""

    def get_code(self, fullname: str) -> CodeType | None:
        is_kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
        try:
            return super().get_code(fullname)
        finally:
            sys.dont_write_bytecode = is_kept


@cache
def finder() -> AirflowFinder:
    """Making it takes milliseconds, which a process that forks others spends beforehand."""
    return AirflowFinder()


def _is_beside(top: str) -> bool:
    """Whether a module of that name stands in the DAG folder."""
    return any(Path(READING.folder, name).exists() for name in (f"{top}.py", top))


def install() -> None:
    """Let this process's ``import airflow…`` find Patchbay's modules."""
    sys.meta_path.insert(0, finder())
    sys.meta_path.append(PendulumFinder())


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
    parts = module.split(".")
    if hint is None and "hooks" in parts:
        hint = _HOOK
    if hint:
        return f"{module} isn't available: {hint}"
    if parts[1] in ("operators", "providers", "sensors"):
        return f"{module} isn't available: Patchbay has no operator there."
    return f"{module} isn't available in Patchbay."


def _missing_name(module: str, name: str, there: Sequence[str]) -> str:
    if there and module.startswith("airflow.providers."):
        return f"{name} isn't an operator that Patchbay has (it has: {', '.join(there)})."
    return _missing_module(f"{module}.{name}")
