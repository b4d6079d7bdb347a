"""Operators that do nothing themselves but say what runs next. None needs a connection."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from tasks.operators.base import Argument, ArgumentError, Context, Operator, TaskResult, Work

#: What a filled expression says when it is false, in small letters.
FALSE = frozenset({"", "false", "none", "null", "0", "0.0", "[]", "{}", "()"})
#: How an expression begins that somebody forgot to put between braces.
BARE = re.compile(r"(?:not\s+)?(?:params|dag_run|ti|task_instance|conn)[.\[]")
SKIP_ALL, SKIP_DIRECT = "all", "direct"
CHOOSES = Work("Task chooses what follows", "Template filled, no session is needed", "Chosen")


class EmptyOperator(Operator):
    """Do nothing: a place where branches meet or part."""

    name: ClassVar[str] = "EmptyOperator"
    import_paths: ClassVar[tuple[str, ...]] = (
        "airflow.operators.empty",
        "airflow.providers.standard.operators.empty",
    )
    arguments: ClassVar[tuple[Argument, ...]] = ()
    category: ClassVar[str] = "Flow"
    work: ClassVar[Work] = Work("Task has nothing to do", "No session is needed", "Nothing to do")
    summary: ClassVar[str] = "Does nothing: a place where branches meet or part"
    resumes: ClassVar[bool] = True
    cancels: ClassVar[str] = "There is nothing to cancel: it ends as it begins."
    is_instant: ClassVar[bool] = True

    def execute(self, session: Any, context: Context) -> TaskResult:
        del session, context
        return TaskResult("Nothing to do")


class DummyOperator(EmptyOperator):
    """The older name of ``EmptyOperator``."""

    name: ClassVar[str] = "DummyOperator"
    import_paths: ClassVar[tuple[str, ...]] = (
        "airflow.operators.dummy",
        "airflow.operators.dummy_operator",
    )
    summary: ClassVar[str] = "The older name of EmptyOperator"


class BranchExpressionOperator(Operator):
    """Let only those of the following tasks run that a template names.

    ``expression`` is a template whose text is the ID of a task that directly
    follows, or several with commas between; as a reference, what another task
    left may be a list of them. An empty text skips all that follows.
    """

    name: ClassVar[str] = "BranchExpressionOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("patchbay.operators",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "expression",
            required=True,
            templated=True,
            help="The task to run, or several with commas between, such as "
            "{{ 'full' if params.all else 'delta' }}.",
        ),
    )
    category: ClassVar[str] = "Flow"
    work: ClassVar[Work] = CHOOSES
    summary: ClassVar[str] = "Chooses by a template which of the following tasks run"
    resumes: ClassVar[bool] = True
    cancels: ClassVar[str] = "It ends at once by itself."
    result_name: ClassVar[str] = "tasks that run"

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        given = arguments.get("expression")
        if given is None and "expression" in arguments:
            arguments = {**arguments, "expression": ""}  # what another task left may be nothing
        elif isinstance(given, list | tuple):
            arguments = {**arguments, "expression": ", ".join(map(str, given))}
        super().check(arguments)
        _refuse_bare(cls.name, "expression", given)

    def execute(self, session: Any, context: Context) -> TaskResult:
        del session
        chosen = names_in(self.values["expression"])
        if unknown := [name for name in chosen if name not in context.downstream]:
            from connections.exceptions import Failure

            raise Failure(
                "task:branch-unknown",
                chosen=", ".join(unknown),
                downstream=", ".join(context.downstream) or "nothing",
            )
        summary = f"Goes on with {', '.join(chosen)}" if chosen else "Goes on with nothing"
        value = chosen[0] if len(chosen) == 1 else list(chosen)
        return TaskResult(summary, value=value, follow=chosen)


class ShortCircuitExpressionOperator(Operator):
    """Go on only if a template says so; else skip what follows.

    ``condition`` is false when its text is empty, ``False``, ``None``, ``0``,
    or an empty list or dict; any other text is true.
    """

    name: ClassVar[str] = "ShortCircuitExpressionOperator"
    import_paths: ClassVar[tuple[str, ...]] = ("patchbay.operators",)
    arguments: ClassVar[tuple[Argument, ...]] = (
        Argument(
            "condition",
            kind="any",
            required=True,
            templated=True,
            help="Such as {{ dag_run.conf.get('day') }}. Empty, False, None and 0 are false.",
        ),
        Argument(
            "ignore_downstream_trigger_rules",
            kind="boolean",
            default=True,
            help="True skips all that follows, however far; False only what directly follows, "
            "and the trigger rules of the rest decide.",
        ),
    )
    category: ClassVar[str] = "Flow"
    work: ClassVar[Work] = CHOOSES
    summary: ClassVar[str] = "Goes on only if a template says so; else skips what follows"
    resumes: ClassVar[bool] = True
    cancels: ClassVar[str] = "It ends at once by itself."
    result_name: ClassVar[str] = "whether it went on"

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        given = arguments.get("condition")
        if given is None and "condition" in arguments:
            arguments = {**arguments, "condition": False}
        super().check(arguments)
        _refuse_bare(cls.name, "condition", given)

    def execute(self, session: Any, context: Context) -> TaskResult:
        del session, context
        if is_true(self.values["condition"]):
            return TaskResult("The condition is true", value=True)
        is_deep = self.values["ignore_downstream_trigger_rules"]
        return TaskResult(
            "The condition is false: what follows is skipped",
            value=False,
            skip=SKIP_ALL if is_deep else SKIP_DIRECT,
        )


def names_in(value: Any) -> tuple[str, ...]:
    """The names in a list, in the text of a list, or in a text with commas; each once."""
    if isinstance(value, str) and value.strip().startswith(("[", "(")):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            return (value.strip(),)
    if not isinstance(value, (list, tuple)):
        text = "" if value is None else str(value)
        value = [] if text.strip() in ("", "None") else re.split(r"[,\n]", text)
    return tuple(dict.fromkeys(name for each in value if (name := str(each).strip())))


def is_true(value: Any) -> bool:
    """As Python sees it; a text by what it says."""
    return value.strip().lower() not in FALSE if isinstance(value, str) else bool(value)


def _refuse_bare(operator: str, argument: str, value: Any) -> None:
    if isinstance(value, str) and BARE.match(value.strip()):
        raise ArgumentError(
            f"{operator}: {argument} is a template: write it as {{{{ {value.strip()[:60]} }}}}."
        )


OPERATORS_HERE = (
    EmptyOperator,
    DummyOperator,
    BranchExpressionOperator,
    ShortCircuitExpressionOperator,
)
