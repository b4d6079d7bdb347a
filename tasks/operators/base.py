"""What an operator is: a declaration that pages and the parser read, and ``execute``.

An operator gets a session and a context, and never touches the database. This
module imports only the standard library: the DAG file parser reads the
declarations in a process of its own that must start fast.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol


class ArgumentError(ValueError):
    """An argument of an operator that can't be right; its words are shown to the author."""


@dataclass(frozen=True)
class Argument:
    """One argument of an operator, under Airflow's name.

    ``kind`` is one of ``json`` (a dict), ``text``, ``lines`` (a long text),
    ``sql`` (SQL, or a list of it), ``integer``, ``number``, ``boolean``,
    ``texts`` (a list or set of texts), ``list`` and ``any`` (any JSON).
    ``choices`` are the values that a text may have, where it has such.
    ``supported`` is false for an argument that is accepted only with its
    default value, because nothing here acts on another. ``files`` are the ends
    of file names: a text that ends so names a file beside the DAG file, whose
    content takes its place when the DAG file is read. ``label`` is for forms.
    """

    name: str
    kind: str = "text"
    required: bool = False
    default: Any = None
    templated: bool = False
    supported: bool = True
    help: str = ""
    choices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class TaskResult:
    """What a task leaves behind: one sentence for step 4, and its facts by name.

    ``value`` is the XCom ``return_value``, ``xcoms`` are others by key; both
    are JSON. ``follow`` names the directly following tasks that run, the
    others are skipped (``None``: all run). ``skip`` is ``all`` to skip all that
    follows, however far, ``direct`` for only what directly follows.
    ``is_skipped`` ends the task itself as skipped.
    """

    summary: str
    facts: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    xcoms: dict[str, Any] = field(default_factory=dict)
    follow: tuple[str, ...] | None = None
    skip: str = ""
    is_skipped: bool = False


@dataclass(frozen=True)
class Work:
    """What row 4 of the execution table says of an operator's work: what the task does, by what,
    and what is expected of it."""

    action: str
    internal_state: str
    done: str


CLOUD_CALL = Work(
    "Task executes cloud API call", "Session used to send request", "Cloud job started successfully"
)


class Context(Protocol):
    """What the runner gives an operator beside its session."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int
    #: Derived from run, task and try: the same after a takeover, other for another try.
    job_id: str
    #: The tasks that directly follow this one.
    downstream: tuple[str, ...]
    #: What templates may name (``ds``, ``params``, ``dag_run``, ``ti`` …).
    names: Mapping[str, Any]
    #: How often a sensor has looked in this try, this time included; 1 for all other tasks.
    look_number: int
    #: The name of the DAG file; empty for a DAG made in the browser.
    filename: str

    @property
    def source(self) -> str:
        """The text of the DAG file at the run's version."""

    def progress(self, text: str, **facts: Any) -> None:
        """Show ``text`` as the result of the running step; keep ``facts``; renew the lease."""

    def log(self, text: str, *, level: str = "info") -> None:
        """Add a line to the task's log; it is shown with the step's next change."""

    def flush(self) -> None:
        """Show now what was logged, for a task that logs for long without other changes."""

    def retried(self, reason: str) -> None:
        """Count one more transient failure that is retried inside the step."""

    def wait(self, seconds: float) -> None:
        """Sleep, renewing the lease. Raises when the task was cancelled, or ran out of time, or
        was taken away from this worker: let it pass."""

    def check(self) -> None:
        """Raise what ``wait`` would raise now. Call it where a stopped call has failed."""

    def stopped_by(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        """While the block runs, call ``stop`` from another thread when the task is to stop, so
        that a call that blocks comes back; ``check`` then raises why."""

    def request_connection(self, conn_id: str) -> Any:
        """Fetch a further connection as step 2 does; a ``LoadedConnection``. Its secrets are
        masked from now on. For tasks that ask while they run. Raise ``ConnectionFailure``."""

    def mask(self, secrets: set[str]) -> None:
        """Let none of ``secrets`` be stored or logged from here on: what such a session holds."""

    def session_opened(self, identity: str) -> None:
        """Show step 3 as done, for a session that the operator opened by itself."""

    def session_closed(self, problem: str = "") -> None:
        """Show how the closing of that session went, when the task ends."""


class Operator(ABC):
    """A kind of task. Subclasses declare themselves in class variables.

    ``name`` is Airflow's class name and ``import_paths`` the Airflow modules
    that offer it. ``connection_argument`` names the argument that holds the
    conn_id; empty for an operator that needs no connection (its session is
    ``None``). ``resumes``: a worker that takes over goes on where the lost one
    was (it finds the cloud job by its id, or doing it twice does no harm);
    where it is false the try is lost with its worker. ``cancels`` tells in
    words what a cancel does. ``summary`` is one line for the catalogue of the
    form. ``result_name`` names the XCom value in words; empty for none.
    ``asks_for_connections``: it has no connection argument, and may ask for
    connections while it runs. ``is_instant``: it does nothing, and ends in the
    transaction that would send it to a worker. ``work`` is for row 4 of the
    execution table.
    """

    name: ClassVar[str]
    import_paths: ClassVar[tuple[str, ...]]
    connection_argument: ClassVar[str] = ""
    default_conn_id: ClassVar[str] = ""
    connection_types: ClassVar[tuple[str, ...]] = ()
    arguments: ClassVar[tuple[Argument, ...]]
    category: ClassVar[str] = "Other"
    summary: ClassVar[str] = ""
    resumes: ClassVar[bool] = False
    cancels: ClassVar[str] = "It ends as soon as its present call does."
    result_name: ClassVar[str] = ""
    is_instant: ClassVar[bool] = False
    asks_for_connections: ClassVar[bool] = False
    work: ClassVar[Work] = CLOUD_CALL

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        """``arguments`` are checked and rendered; declared defaults fill what is not given."""
        defaults = {argument.name: argument.default for argument in self.arguments}
        self.values: dict[str, Any] = {**defaults, **arguments}

    @classmethod
    def check(cls, arguments: Mapping[str, Any]) -> None:
        """Raise ``ArgumentError`` for arguments that can't work, whatever the connection.

        A spec has the connection beside its arguments, so that one is not missed here.
        """
        known = {argument.name: argument for argument in cls.arguments}
        for name, value in arguments.items():
            if name not in known:
                raise ArgumentError(f"{cls.name} has no argument {name!r}.")
            _check_value(cls.name, known[name], value)
        for argument in cls.arguments:
            is_missed = argument.required and argument.name != cls.connection_argument
            if is_missed and arguments.get(argument.name) is None:
                raise ArgumentError(f"{cls.name} needs the argument {argument.name!r}.")

    @abstractmethod
    def execute(self, session: Any, context: Context) -> TaskResult | None:
        """Do the work with an open session. Failures are ``connections.exceptions.Failure``.

        Only a sensor may return ``None``: what it waits for is not there yet.
        """

    def cancel(self, session: Any, context: Context) -> str:
        """Stop what this try may have left running elsewhere, and wait until it has stopped.

        Called after ``execute`` was interrupted by a cancel or by its time
        limit, and instead of it when a worker takes over a task that is being
        cancelled. Return what was done, in words; empty where there was
        nothing. Raise ``AlreadyDone`` where the work had ended well before.
        """
        del session, context
        return ""


class AlreadyDone(Exception):
    """What was to be cancelled had ended well: ``result`` is what it left."""

    def __init__(self, result: TaskResult) -> None:
        super().__init__(result.summary)
        self.result = result


class Sensor(Operator):
    """Looks whether something is there, and gives its worker back between two looks."""

    category: ClassVar[str] = "Sensors"
    resumes: ClassVar[bool] = True
    cancels: ClassVar[str] = "It looks no more."
    #: What every sensor takes, with Airflow's meaning; times in seconds.
    common: ClassVar[tuple[Argument, ...]] = (
        Argument("poke_interval", kind="number", default=60.0, label="Look every (s)"),
        Argument("timeout", kind="number", default=604_800.0, label="Give up after (s)"),
        Argument("soft_fail", kind="boolean", default=False, label="Skip instead of fail"),
        Argument(
            "mode",
            default="reschedule",
            choices=("poke", "reschedule"),
            help="Both mean the same here: between two looks no worker is held.",
        ),
        Argument("exponential_backoff", kind="boolean", default=False),
        Argument("max_wait", kind="number"),
        Argument("deferrable", kind="boolean", default=False, help="Means nothing here."),
    )


KINDS: dict[str, tuple[type, ...]] = {
    "json": (dict,),
    "text": (str,),
    "lines": (str,),
    "sql": (str, list, tuple),
    "list": (list, tuple),
    "any": (object,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "texts": (list, tuple, set, frozenset),
}


def _check_value(operator: str, argument: Argument, value: Any) -> None:
    if value is None or (argument.templated and is_reference(value)):
        return
    is_stray_bool = isinstance(value, bool) and argument.kind in ("integer", "number")
    if is_stray_bool or not isinstance(value, KINDS[argument.kind]):
        raise ArgumentError(
            f"{operator}: {argument.name} must be {_WORDS[argument.kind]}, "
            f"not {type(value).__name__}."
        )
    if value != argument.default and not argument.supported:
        raise ArgumentError(
            f"{operator}: {argument.name}={value!r} is not supported. {argument.help}".rstrip()
        )
    has_texts = argument.kind == "texts" or (argument.kind == "sql" and not isinstance(value, str))
    if has_texts and not _holds_texts(value):
        raise ArgumentError(f"{operator}: {argument.name} must hold only texts.")
    is_template = argument.templated and isinstance(value, str) and "{" in value
    if argument.choices and value not in argument.choices and not is_template:
        raise ArgumentError(
            f"{operator}: {argument.name} must be {' or '.join(argument.choices)}, not {value!r}."
        )


def is_reference(value: Any) -> bool:
    """Whether ``value`` stands for what another task left (``tasks.spec.XCOM_MARK``)."""
    return isinstance(value, dict) and "__xcom__" in value


def _holds_texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


_WORDS = {
    "json": "a dict",
    "text": "a text",
    "lines": "a text",
    "sql": "a text or a list of texts",
    "list": "a list",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "True or False",
    "texts": "a list of texts",
}
