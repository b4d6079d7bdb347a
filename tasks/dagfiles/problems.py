"""What went wrong while a DAG file was read, as a kind, a line and words.

Runs in the process that reads the file, where the exception is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType

from tasks.dagfiles.authoring.errors import ArgumentProblem, UnsupportedImport
from tasks.dagfiles.limits import MEMORY_BYTES
from tasks.operators.base import ArgumentError
from tasks.spec import SpecError

MAX_MESSAGE = 2000


@dataclass(frozen=True)
class Problem:
    """As ``parser.ImportProblem``, which adds the file."""

    kind: str
    line: int | None
    message: str


def problem_of(error: BaseException, *, folder: str, filename: str) -> Problem:
    """``folder`` and ``filename`` are absolute; the words have paths relative to the folder."""
    places = _places(error, folder=folder)
    line = next((line for name, line in reversed(places) if name == filename), None)
    message = _words(error)
    if places and places[-1][0] != filename:
        name, at = places[-1]
        message += f" (in {os.path.relpath(name, folder)}, line {at})"
    return Problem(_kind(error), line, shorten(message, folder=folder))


def shorten(message: str, *, folder: str) -> str:
    """Take out the machine's paths and what the database can't keep, and bound the length."""
    for path in {folder, os.path.realpath(folder)}:
        message = message.replace(f"{path}{os.sep}", "")
    message = message.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


def _places(error: BaseException, *, folder: str) -> list[tuple[str, int]]:
    """File and line of each frame of the user's code, innermost last."""
    places = []
    traceback: TracebackType | None = error.__traceback__
    while traceback is not None:
        places.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 1))
    start = folder + os.sep
    return [(name, line) for name, line in places if name.startswith(start)]


def _kind(error: BaseException) -> str:
    if isinstance(error, ArgumentProblem | ArgumentError | SpecError):
        return "argument"
    kinds = {
        SyntaxError: "syntax",
        ImportError: "import",
        MemoryError: "memory",
        SystemExit: "exit",
    }
    return next((kind for type_, kind in kinds.items() if isinstance(error, type_)), "exception")


def _words(error: BaseException) -> str:
    text = _text(error)
    match error:
        case ArgumentProblem() | ArgumentError() | SpecError() | UnsupportedImport():
            words = text
        case SyntaxError():
            words = ": ".join(filter(None, (error.msg, (error.text or "").strip())))
        case ModuleNotFoundError():
            words = _missing_module(error.name or text)
        case ImportError():
            words = text.removesuffix(" (unknown location)")
        case MemoryError():
            words = f"The file takes more than the {MEMORY_BYTES >> 20} MiB of memory it may have."
        case SystemExit():
            words = f"The file ends the process while it is read: sys.exit({error.code!r})."
        case _:
            words = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return words


def _missing_module(name: str) -> str:
    return f"There is no module {name!r}, neither beside the DAG files nor installed with Patchbay."


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the user's own exception may fail to say what it is
        return "(its message could not be read)"
