"""What reading DAG files gives: DAGs, notices and problems."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from tasks.dagfiles.checks import check_values
from tasks.operators import OPERATORS
from tasks.spec import DagSpec, check_dag

KINDS = frozenset(
    {
        "argument",
        "crash",
        "duplicate",
        "exception",
        "exit",
        "import",
        "memory",
        "syntax",
        "timeout",
        "unreadable",
    }
)


@dataclass(frozen=True)
class ParsedDag:
    """A DAG that can be stored, and what its author should know.

    ``notices`` tell what the file asks for and doesn't get. ``made_in`` is
    the file, relative to the folder, whose execution made the DAG; it differs
    from the file that was read where that one imports the other.
    """

    spec: DagSpec
    notices: tuple[str, ...] = ()
    made_in: str = ""

    @property
    def source_used(self) -> bool:
        """Whether the file's own code runs as a task, so that its text belongs to the version.

        ``spec.source_digest`` is then the SHA-256 of the bytes that were read.
        """
        return bool(self.spec.source_digest)


@dataclass(frozen=True)
class ImportProblem:
    """Why a file, or a DAG in it, isn't there. ``kind`` is one of ``KINDS``.

    ``message`` is shown to the author; ``line`` is a line of the file.
    """

    filename: str
    line: int | None
    message: str
    kind: str


@dataclass(frozen=True)
class ParsedFile:
    """One file, its name relative to the folder, with slashes.

    A file that defines no DAG has neither DAGs nor a problem. It has both
    where one of its DAGs is wrong and the others are right.
    """

    filename: str
    dags: tuple[ParsedDag, ...] = ()
    problem: ImportProblem | None = None


def file_from_json(text: bytes, *, filename: str) -> ParsedFile:
    """Raise ``ValueError``, ``KeyError``, ``TypeError`` or ``AttributeError`` for nonsense.

    The user's code ran in the process that wrote ``text``, so all is checked.
    """
    data = json.loads(text, parse_constant=_refuse_constant)
    dags = tuple(_dag(dag) for dag in data["dags"])
    return ParsedFile(filename, dags, _problem(data["problem"], filename=filename))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _problem(data: dict[str, Any] | None, *, filename: str) -> ImportProblem | None:
    if data is None:
        return None
    problem = ImportProblem(filename=filename, **data)
    line = problem.line
    is_line = line is None or (isinstance(line, int) and 0 <= line < 1 << 31)
    if not is_line or problem.kind not in KINDS or not isinstance(problem.message, str):
        raise TypeError("not a problem")
    _check_characters({"message": problem.message})
    return problem


def _check_characters(data: dict[str, Any]) -> None:
    """Refuse what no database takes: the author's code may have written the answer itself."""
    if "\\u0000" in json.dumps(data):
        raise ValueError("a NUL character")
    json.dumps(data, ensure_ascii=False).encode()


def _dag(data: dict[str, Any]) -> ParsedDag:
    # The file's own name may be odd; it is made fit where it is read.
    _check_characters({"spec": data["spec"], "notices": data["notices"]})
    spec = DagSpec.from_json(data["spec"])
    check_dag(spec)
    check_values(spec)
    if not all(isinstance(text, str) for text in (data["made_in"], *data["notices"])):
        raise TypeError("not a DAG")
    for task in spec.tasks:
        declaration = OPERATORS[task.operator]
        named = {declaration.connection_argument: task.conn_id} if task.conn_id else {}
        declaration.check({**task.arguments, **named})
    return ParsedDag(spec, tuple(data["notices"]), data["made_in"])
