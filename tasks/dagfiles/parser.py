"""Read DAG files without importing them: each in a process of its own, with limits.

The one door to this package for the rest of Patchbay. A user's fault never
raises here: it becomes an ``ImportProblem`` in the result.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tasks.dagfiles.duplicates import settle_duplicates
from tasks.dagfiles.endings import problem_of_end
from tasks.dagfiles.folder import IGNORE_FILE, dag_files, ignore_patterns
from tasks.dagfiles.process import run_child
from tasks.dagfiles.results import ImportProblem, ParsedDag, ParsedFile, file_from_json

__all__ = ["ImportProblem", "ParsedDag", "ParsedFile", "parse_file", "parse_folder"]

#: Seconds that one file may take.
TIMEOUT = 10.0
#: Files that are read at the same time.
WORKERS = 2


def parse_folder(folder: Path, *, timeout: float = TIMEOUT) -> list[ParsedFile]:
    """Every DAG file below ``folder``, by name; ``timeout`` is for each, in seconds.

    Raise ``OSError`` where the folder itself can't be listed: an empty answer
    would look as if every DAG were gone.
    """
    folder = folder.absolute()
    patterns, bad_patterns = ignore_patterns(folder)
    names = list(dag_files(folder, patterns))
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        parsed = list(pool.map(partial(_parse, folder=folder, timeout=timeout), names))
    ignored = [_failed(IGNORE_FILE, bad.kind, bad.words, line=bad.line) for bad in bad_patterns[:1]]
    return ignored + settle_duplicates(parsed)


def parse_file(path: Path, *, folder: Path, timeout: float = TIMEOUT) -> ParsedFile:
    """Read one file, which is below ``folder``; ``timeout`` is in seconds.

    Raise ``ValueError`` for a file that isn't, ``OSError`` where no process
    can be started in the folder.
    """
    folder = folder.absolute()
    name = path.absolute().relative_to(folder).as_posix()
    return _parse(name, folder=folder, timeout=timeout)


def _parse(name: str, *, folder: Path, timeout: float) -> ParsedFile:
    run = run_child(folder, folder / name, timeout=timeout)
    # A name on disk may hold bytes that aren't UTF-8, which no database keeps.
    shown = os.fsencode(name).decode(errors="replace")
    last_line = run.result.rstrip(b"\n").rpartition(b"\n")[2]
    if not last_line.startswith(b"{"):
        problem = problem_of_end(run, path=folder / name, folder=folder, timeout=timeout)
        return _failed(shown, problem.kind, problem.message, line=problem.line)
    try:
        return file_from_json(last_line, filename=shown)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _failed(shown, "crash", "What came back from reading the file makes no sense.")


def _failed(name: str, kind: str, words: str, *, line: int | None = None) -> ParsedFile:
    return ParsedFile(name, problem=ImportProblem(name, line, words, kind))
