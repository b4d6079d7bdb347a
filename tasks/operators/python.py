"""Operators that run the DAG file's own Python code, in a child process of the worker.

What the code is stands in the DAG file, not here: the child takes it from the
text of the file at the run's version, by ``task_id``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from tasks.operators.base import Argument, Context, Operator, TaskResult, Work

IMPORT_PATHS = ("airflow.operators.python", "airflow.providers.standard.operators.python")

ARGUMENTS = (
    Argument("op_args", kind="list", templated=True, label="Arguments by position"),
    Argument("op_kwargs", kind="json", templated=True, label="Arguments by name"),
    Argument("templates_dict", kind="json", templated=True, label="Templates"),
    Argument("templates_exts", kind="texts", supported=False, help="Give the text itself."),
    Argument(
        "show_return_value_in_logs",
        kind="boolean",
        default=True,
        label="Log what it returns",
    ),
)


class PythonOperator(Operator):
    """Call a function of the DAG file; ``@task`` makes such a task too.

    ``python_callable`` itself stays in the file. What the function returns, as
    JSON, is the XCom ``return_value``.
    """

    name: ClassVar[str] = "PythonOperator"
    import_paths: ClassVar[tuple[str, ...]] = IMPORT_PATHS
    arguments: ClassVar[tuple[Argument, ...]] = ARGUMENTS
    category: ClassVar[str] = "Python"
    work: ClassVar[Work] = Work(
        "Task runs Python code", "Function called in a process of its own", "Function returned"
    )
    summary: ClassVar[str] = "Calls a function of the DAG file, in a process of its own"
    asks_for_connections: ClassVar[bool] = True
    cancels: ClassVar[str] = "Its process gets SIGTERM, and 5 seconds later SIGKILL."
    result_name: ClassVar[str] = "what the function returns"

    def execute(self, session: Any, context: Context) -> TaskResult:
        del session
        from tasks.python.running import run_code, told

        returned = run_code(self.values, context)
        if returned.skipped is not None:
            reason = f": {returned.skipped}" if returned.skipped else ""
            return TaskResult(f"Skipped by its code{reason}", is_skipped=True)
        if self.values["show_return_value_in_logs"]:
            context.log(f"Returned {told(returned.value)}")
        return self.result(returned.value, returned.xcoms, context)

    def result(self, value: Any, xcoms: dict[str, Any], context: Context) -> TaskResult:
        """What the task leaves, when the function returned ``value``."""
        del context
        words = "nothing" if value is None else _WORDS.get(type(value), "a value")
        return TaskResult(f"The function returned {words}", value=value, xcoms=xcoms)


class BranchPythonOperator(PythonOperator):
    """Let only those of the following tasks run whose IDs the function returns."""

    name: ClassVar[str] = "BranchPythonOperator"
    summary: ClassVar[str] = "Lets a function choose which of the following tasks run"
    result_name: ClassVar[str] = "tasks that run"

    def result(self, value: Any, xcoms: dict[str, Any], context: Context) -> TaskResult:
        chosen = _chosen(value, context.downstream)
        summary = f"Goes on with {', '.join(chosen)}" if chosen else "Goes on with nothing"
        return TaskResult(summary, value=value, xcoms=xcoms, follow=chosen)


class ShortCircuitOperator(PythonOperator):
    """Go on only if the function returns something true; else skip what follows."""

    name: ClassVar[str] = "ShortCircuitOperator"
    arguments: ClassVar[tuple[Argument, ...]] = (
        *ARGUMENTS,
        Argument(
            "ignore_downstream_trigger_rules",
            kind="boolean",
            default=True,
            help="True skips all that follows, however far; False only what directly follows, "
            "and the trigger rules of the rest decide.",
        ),
    )
    summary: ClassVar[str] = "Goes on only if a function says so; else skips what follows"
    result_name: ClassVar[str] = "whether it went on"

    def result(self, value: Any, xcoms: dict[str, Any], context: Context) -> TaskResult:
        if value:
            return TaskResult("The condition is true", value=value, xcoms=xcoms)
        is_deep = self.values["ignore_downstream_trigger_rules"]
        return TaskResult(
            "The condition is false: what follows is skipped",
            value=value,
            xcoms=xcoms,
            skip="all" if is_deep else "direct",
        )


def _chosen(value: Any, downstream: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks that ``value`` names, each once; a TaskGroup stands for its tasks."""
    from connections.exceptions import Failure

    names = [value] if isinstance(value, str) else ([] if value is None else value)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Failure(
            "task:python-wrong-result",
            reason=f"{type(value).__name__}, where a task_id or a list of them is needed",
        )
    found = {
        name: [task for task in downstream if task == name or task.startswith(f"{name}.")]
        for name in names
    }
    if unknown := [name for name, tasks in found.items() if not tasks]:
        raise Failure(
            "task:branch-unknown",
            chosen=", ".join(unknown),
            downstream=", ".join(downstream) or "nothing",
        )
    return tuple(dict.fromkeys(task for tasks in found.values() for task in tasks))


_WORDS = {
    bool: "a truth value",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a dict",
}

OPERATORS_HERE = (PythonOperator, BranchPythonOperator, ShortCircuitOperator)
