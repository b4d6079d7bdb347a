"""Tasks that call a function of the DAG file: the PythonOperators, ``@task`` and its kin."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import update_wrapper
from typing import Any, NoReturn, get_origin, get_type_hints

from tasks.dagfiles.authoring.errors import ArgumentProblem
from tasks.dagfiles.authoring.groups import TaskGroup, child_id, dag_around, open_group, suffixed
from tasks.dagfiles.authoring.operators import CLASSES, Task
from tasks.dagfiles.authoring.reading import READING
from tasks.dagfiles.authoring.xcom import XComArg

#: The operators whose code stands in the DAG file.
CODE_OPERATORS = frozenset({"PythonOperator", "BranchPythonOperator", "ShortCircuitOperator"})
#: What a function can take by name without being given it: the run's own facts, as in Airflow.
CONTEXT_NAMES = frozenset(
    {
        *("conn", "conf", "dag", "dag_run", "data_interval_end", "data_interval_start"),
        *("ds", "ds_nodash", "exception", "execution_date", "expanded_ds", "inlet_events"),
        *("inlets", "logical_date", "macros", "map_index_template", "next_ds", "outlet_events"),
        *("outlets", "params", "prev_data_interval_end_success", "prev_ds", "reason", "run_id"),
        *("prev_data_interval_start_success", "prev_end_date_success", "start_date", "task"),
        *("prev_start_date_success", "task_instance", "task_instance_key_str", "var"),
        *("task_reschedule_count", "templates_dict", "test_mode", "ti", "try_number", "ts"),
        *("triggering_asset_events", "ts_nodash", "ts_nodash_with_tz"),
    }
)
_NO_MAPPING = "Dynamic task mapping (expand, partial) isn't supported."


class PythonTask(Task, is_base=True):
    """A task with a function, which stays in this process: the spec has only its arguments."""

    __slots__ = ("multiple_outputs",)

    def _own_code(self, given: dict[str, Any]) -> Callable[..., Any]:
        self.multiple_outputs = bool(given.pop("multiple_outputs", False))
        function: object = given.pop("python_callable", None)
        if isinstance(function, TaskFunction):
            function = function.function
        if not callable(function):
            raise ArgumentProblem(
                f"{self.declaration.name} needs the argument 'python_callable', a function."
            )
        return function


class TaskFunction:
    """What ``@task`` makes of a function: calling it makes a task, and gives its output."""

    def __init__(self, function: Callable[..., Any], operator: str, given: dict[str, Any]) -> None:
        self.function = function
        self.operator = operator
        self.given = given
        update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> XComArg:
        given = {"task_id": self.function.__name__, **self.given}
        given.setdefault("multiple_outputs", _returns_a_dict(self.function))
        if self.function.__doc__:
            given.setdefault("doc_md", inspect.cleandoc(self.function.__doc__))
        given["task_id"] = _free_id(given["task_id"], given)
        self._check_call(args, kwargs)
        if args:
            given["op_args"] = list(args)
        if kwargs:
            given["op_kwargs"] = kwargs
        made = _class(self.operator)(python_callable=self.function, **given)
        code = getattr(self.function, "__code__", None)
        if code is not None and code.co_filename == READING.filename:
            # What the task does stands there, and not where it is called.
            made.line = code.co_firstlineno
        return XComArg(made)

    def override(self, **given: Any) -> TaskFunction:
        return TaskFunction(self.function, self.operator, {**self.given, **given})

    def expand(self, *args: object, **kwargs: object) -> NoReturn:
        del args, kwargs
        raise ArgumentProblem(f"{self.function.__name__}: {_NO_MAPPING}")

    partial = expand_kwargs = expand

    def __rshift__(self, other: object) -> NoReturn:
        raise ArgumentProblem(
            f"{self.function.__name__} is a function: call it, as {self.function.__name__}(), "
            "to make the task that stands before or after another."
        )

    __lshift__ = __rrshift__ = __rlshift__ = __rshift__

    def _check_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise ``ArgumentProblem`` where the function couldn't be called so."""
        signature = inspect.signature(self.function)
        later = list(signature.parameters)[len(args) :]
        context = {name: None for name in later if name in CONTEXT_NAMES}
        try:
            signature.bind(*args, **{**context, **kwargs})
        except TypeError as error:
            name = self.function.__name__
            raise ArgumentProblem(f"{name}() can't be called so: {error}.") from None


class TaskDecorator:
    """``@task``, and ``@task.branch`` and ``@task.short_circuit`` on it."""

    def __init__(self, operator: str) -> None:
        self._operator = operator

    def __call__(self, function: object = None, **given: Any) -> Any:
        if callable(function):
            return TaskFunction(function, self._operator, given)
        if function is not None:
            raise ArgumentProblem("@task takes its arguments by name, such as @task(retries=2).")
        return lambda made: TaskFunction(made, self._operator, given)


class Tasks(TaskDecorator):
    """The name ``task`` of a DAG file."""

    def __init__(self) -> None:
        super().__init__("PythonOperator")
        self.python = self
        self.branch = TaskDecorator("BranchPythonOperator")
        self.short_circuit = TaskDecorator("ShortCircuitOperator")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ArgumentProblem(
            f"@task.{name} isn't supported; there are @task, @task.branch and @task.short_circuit."
        )


task = Tasks()


def _class(operator: str) -> type[Task]:
    if operator not in CLASSES:
        raise ArgumentProblem(f"Patchbay has no {operator} here.")
    return CLASSES[operator]


def _free_id(task_id: object, given: Mapping[str, Any]) -> Any:
    """As Airflow numbers the tasks that one function makes: ``f``, ``f__1``, ``f__2`` …"""
    if not isinstance(task_id, str):
        return task_id
    dag = dag_around(f"Task {task_id!r}", given.get("dag"))
    group = given.get("task_group")
    inside = group if isinstance(group, TaskGroup) else open_group(dag)
    return suffixed(task_id, dag.task_dict, lambda label: child_id(inside, label))


def _returns_a_dict(function: Callable[..., Any]) -> bool:
    """Whether the function says so: then each key of its dict is an output of its own."""
    try:
        returned = get_type_hints(function).get("return")
    except (NameError, TypeError, AttributeError, SyntaxError):
        return False
    kind = get_origin(returned) or returned
    return isinstance(kind, type) and issubclass(kind, Mapping)
