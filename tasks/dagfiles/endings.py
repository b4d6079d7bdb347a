"""Why a child ended without handing anything back."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tasks.dagfiles.problems import Problem, shorten
from tasks.dagfiles.process import ChildRun
from tasks.dagfiles.protocol import STARTED


def problem_of_end(run: ChildRun, *, path: Path, folder: Path, timeout: float) -> Problem:
    """``path`` is the file that was read, ``timeout`` the seconds that it had."""
    line = _last_line(run.result, path)
    code = run.returncode
    if code is None or code == -signal.SIGXCPU:
        return Problem(
            "timeout",
            line,
            f"The file is not read after {timeout:g} s, which is the time limit. "
            "What takes long belongs into a task.",
        )
    output = _output(run.output, folder=folder)
    if not run.result.startswith(STARTED):
        return Problem("crash", None, f"Reading the file didn't even start.{output}")
    if code < 0:
        return Problem("crash", line, f"Reading the file crashed with {_signal(-code)}.{output}")
    return Problem(
        "exit", line, f"The file ended the process with code {code} before it was read.{output}"
    )


def _last_line(trace: bytes, path: Path) -> int | None:
    """The innermost line of the file in what ``faulthandler`` wrote."""
    shown = str(path).encode("ascii", "backslashreplace")
    found = re.search(rb'File "' + re.escape(shown) + rb'", line (\d+)', trace)
    return int(found[1]) if found else None


def _signal(number: int) -> str:
    return next((known.name for known in signal.Signals if known == number), f"signal {number}")


def _output(output: bytes, *, folder: Path) -> str:
    text = shorten(output.decode(errors="replace").strip(), folder=str(folder))
    return f" Its output ended with:\n{text}" if text else ""
