"""Which files of a folder are DAG files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

IGNORE_FILE = ".airflowignore"

#: A file that names neither in its first MiB isn't read any further.
MARKS = (b"dag", b"airflow")
_LOOKED_AT = 1 << 20


@dataclass(frozen=True)
class BadPattern:
    """A line of ``.airflowignore``, or the whole file, that can't be used."""

    kind: str
    line: int | None
    words: str


def dag_files(folder: Path, patterns: list[re.Pattern[str]]) -> Iterator[str]:
    """Names, relative to ``folder`` and with slashes, in order.

    A file or folder that can't be looked into is among them, so that reading
    it says why. Raise ``OSError`` where ``folder`` itself can't be listed.
    """
    for name in sorted(_python_files(folder)):
        if not any(pattern.search(name) for pattern in patterns) and _may_have_a_dag(folder / name):
            yield name


def ignore_patterns(folder: Path) -> tuple[list[re.Pattern[str]], list[BadPattern]]:
    """The regular expressions in the folder's ``.airflowignore``, one a line, ``#`` comments.

    This is Airflow 2's default syntax. They are searched for in the relative name.
    """
    try:
        text = (folder / IGNORE_FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [BadPattern("unreadable", None, f"The file can't be read: {error.strerror}.")]
    good: list[re.Pattern[str]] = []
    bad: list[BadPattern] = []
    for number, line in enumerate(text.splitlines(), start=1):
        pattern = re.sub(r"\s*#.*", "", line).strip()
        try:
            good += [re.compile(pattern)] if pattern else []
        except (re.error, OverflowError, RecursionError) as error:
            words = f"{pattern!r} isn't a regular expression: {error}."
            bad.append(BadPattern("syntax", number, words))
    return good, bad


def _python_files(folder: Path) -> Iterator[str]:
    seen: set[str] = set()
    failed: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=failed.append, followlinks=True):
        seen.add(os.path.realpath(parent))
        folders[:] = [name for name in folders if is_walked(parent, name, seen)]
        for name in files:
            if name.endswith(".py") and not name.startswith("."):
                yield Path(parent, name).relative_to(folder).as_posix()
    for error in failed:
        if error.filename == str(folder):
            raise error
        yield Path(error.filename).relative_to(folder).as_posix()


def is_walked(parent: str, name: str, seen: set[str]) -> bool:
    """Links are followed, as Airflow does, but never round in a circle."""
    hidden = name.startswith(".") or name == "__pycache__"
    return not hidden and os.path.realpath(Path(parent, name)) not in seen


def _may_have_a_dag(path: Path) -> bool:
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            return False  # a pipe or a socket: opening it could wait for ever
        with path.open("rb") as file:
            start = file.read(_LOOKED_AT).lower()
    except OSError:
        return True
    return any(mark in start for mark in MARKS)
