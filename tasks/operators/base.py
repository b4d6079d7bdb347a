"""What an operator is: a declaration that pages and the parser read, and ``execute``.

An operator gets a session and a context, and never touches the database. This
module imports only the standard library: the DAG file parser reads the
declarations in a process of its own that must start fast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol


class ArgumentError(ValueError):
    """An argument of an operator that can't be right; its words are shown to the author."""


@dataclass(frozen=True)
class Argument:
    """One argument of an operator, under Airflow's name.

    ``kind`` is one of ``json``, ``text``, ``integer``, ``number``, ``boolean``
    and ``texts`` (a list or set of texts). ``supported`` is false for an
    argument that is accepted only with its default value, because nothing
    here acts on another.
    """

    name: str
    kind: str = "text"
    required: bool = False
    default: Any = None
    templated: bool = False
    supported: bool = True
    help: str = ""


@dataclass(frozen=True)
class TaskResult:
    """What a task leaves behind: one sentence for step 4, and its facts by name."""

    summary: str
    facts: dict[str, Any] = field(default_factory=dict)


class Context(Protocol):
    """What the runner gives an operator beside its session."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    #: Derived from run, task and try: the same after a takeover, other for another try.
    job_id: str

    def progress(self, text: str, **facts: Any) -> None:
        """Show ``text`` as the result of the running step; keep ``facts``; renew the lease."""

    def log(self, text: str, *, level: str = "info") -> None:
        """Add a line to the task's log; it is shown with the step's next change."""

    def retried(self, reason: str) -> None:
        """Count one more transient failure that is retried inside the step."""

    def wait(self, seconds: float) -> None:
        """Sleep, renewing the lease. Raises when the task was taken away from this worker."""


class Operator(ABC):
    """A kind of task. Subclasses declare themselves in class variables.

    ``name`` is Airflow's class name and ``import_paths`` the Airflow modules
    that offer it. ``connection_argument`` names the argument that holds the
    conn_id.
    """

    name: ClassVar[str]
    import_paths: ClassVar[tuple[str, ...]]
    connection_argument: ClassVar[str]
    default_conn_id: ClassVar[str]
    connection_types: ClassVar[tuple[str, ...]]
    arguments: ClassVar[tuple[Argument, ...]]

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        """``arguments`` are checked and rendered; declared defaults fill what is not given."""
        defaults = {argument.name: argument.default for argument in self.arguments}
        self.values: dict[str, Any] = {**defaults, **arguments}

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        """Raise ``ArgumentError`` for arguments that can't work, whatever the connection."""
        known = {argument.name: argument for argument in cls.arguments}
        for name, value in arguments.items():
            if name not in known:
                raise ArgumentError(f"{cls.name} has no argument {name!r}.")
            _check_value(cls.name, known[name], value)
        for argument in cls.arguments:
            if argument.required and arguments.get(argument.name) is None:
                raise ArgumentError(f"{cls.name} needs the argument {argument.name!r}.")

    @abstractmethod
    def execute(self, session: Any, context: Context) -> TaskResult:
        """Do the work with an open session. Failures are ``connections.exceptions.Failure``."""


_KINDS: dict[str, tuple[type, ...]] = {
    "json": (dict,),
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "texts": (list, tuple, set, frozenset),
}


def _check_value(operator: str, argument: Argument, value: Any) -> None:
    if value is None:
        return
    is_stray_bool = isinstance(value, bool) and argument.kind in ("integer", "number")
    if is_stray_bool or not isinstance(value, _KINDS[argument.kind]):
        raise ArgumentError(
            f"{operator}: {argument.name} must be {_WORDS[argument.kind]}, "
            f"not {type(value).__name__}."
        )
    if value != argument.default and not argument.supported:
        raise ArgumentError(
            f"{operator}: {argument.name}={value!r} is not supported. {argument.help}".rstrip()
        )
    if argument.kind == "texts" and not _holds_texts(value):
        raise ArgumentError(f"{operator}: {argument.name} must hold only texts.")


def _holds_texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


_WORDS = {
    "json": "a dict",
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "True or False",
    "texts": "a list of texts",
}
