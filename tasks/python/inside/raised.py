"""Says what the code raised, where in the user's files, and how the task should end."""

from __future__ import annotations

import linecache
import os
import traceback
from typing import Any

from tasks.dagfiles.authoring.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    AirflowTaskTerminated,
)
from tasks.python.inside.results import NotJson
from tasks.python.lines import shortened

LONGEST_MESSAGE = 2000


class WrongResult(TypeError):
    """What the function returned isn't what its kind of task needs."""


class Files:
    """The user's files: those below the DAG folder, and the DAG file at the run's version."""

    def __init__(self, folder: str, filename: str, source: str) -> None:
        self._folder = folder.rstrip(os.sep) + os.sep
        self._filename = filename
        # The file may have changed since; its lines are shown as they ran.
        for name in {filename, self._folder + filename}:
            linecache.cache[name] = (len(source), None, source.splitlines(True), name)

    def has(self, name: str) -> bool:
        return name == self._filename or name.startswith(self._folder)

    def shown(self, name: str) -> str:
        return name.removeprefix(self._folder)


def raised(error: BaseException, files: Files, *, is_loading: bool = False) -> dict[str, Any]:
    """The child's last word after an exception."""
    code = getattr(error, "code", None)
    facts = getattr(error, "facts", None)
    trace = _trace(error, files)
    if isinstance(code, str) and isinstance(facts, dict) and ":" in code:
        # What Patchbay's hooks raise, and what the worker refused: it has words of its own.
        message = getattr(error, "vendor_message", "") or trace
        plain = {name: value for name, value in facts.items() if _is_plain(value)}
        return {"kind": "failure", "code": code, "facts": plain, "message": message}
    return {
        "kind": "raised",
        "how": _how(error, is_loading=is_loading),
        "error": type(error).__name__,
        "message": _message(error),
        "trace": trace,
        "place": _place(error, files),
    }


def _how(error: BaseException, *, is_loading: bool) -> str:
    kinds: tuple[tuple[type[BaseException], str], ...] = (
        (MemoryError, "memory"),
        (SystemExit, "exited"),
        (AirflowTaskTerminated, "terminated"),
        (NotJson, "not-json"),
        (WrongResult, "wrong-result"),
        (AirflowFailException, "given-up"),
        (AirflowSkipException, "skipped"),
    )
    if is_loading:
        cause = error.__cause__ or error
        return "memory" if isinstance(cause, MemoryError) else "not-loaded"
    return next((how for kind, how in kinds if isinstance(error, kind)), "failed")


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"sys.exit({error.code!r})"
    try:
        return shortened(str(error), longest=LONGEST_MESSAGE)
    except Exception:  # the user's own exception may fail to say what it is
        return "its message could not be read"


def _place(error: BaseException, files: Files) -> str:
    frames = [
        (frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 1))
    own = [(name, line) for name, line in frames if files.has(name)]
    return f"{files.shown(own[-1][0])}, line {own[-1][1]}" if own else ""


def _trace(error: BaseException, files: Files) -> str:
    """The traceback, of the user's frames only."""
    try:
        told = traceback.TracebackException.from_exception(error)
        _keep_own(told, files)
        return "".join(told.format()).rstrip()
    except Exception:  # as above: it is the user's exception that is asked for its words
        return type(error).__name__


def _keep_own(told: traceback.TracebackException, files: Files) -> None:
    own = [frame for frame in told.stack if files.has(frame.filename)]
    for frame in own:
        frame.filename = files.shown(frame.filename)
    told.stack = traceback.StackSummary.from_list(own)
    inner = [told.__cause__, told.__context__, *(getattr(told, "exceptions", None) or ())]
    for each in filter(None, inner):
        _keep_own(each, files)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
