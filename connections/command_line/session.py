"""How the command ends, and how it reads what it is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

from django.core.management.base import CommandError

from connections.diagnosis import explain
from connections.exceptions import ConnectionFailure, InvalidConnection

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130
STDIN = "-"
#: In bytes: of what a flag takes from a file or from standard input.
LARGEST_INPUT = 10_000_000


def failed(words: str) -> NoReturn:
    raise CommandError(words, returncode=FAILED)


def wrong_usage(words: str) -> NoReturn:
    raise CommandError(words, returncode=WRONG_USAGE)


def words_of(error: InvalidConnection | ConnectionFailure) -> str:
    """What is wrong, a line for each field; never a value."""
    if isinstance(error, InvalidConnection):
        return "\n".join(f"{name}: {words}" for name, words in error.errors.items())
    words = explain(error.code, error.facts)
    return f"{words.happened} {words.remedy}"


def read_text(path: str) -> str:
    """The content of a file, or of standard input for ``-``."""
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(LARGEST_INPUT + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(LARGEST_INPUT + 1)
    except OSError as error:
        failed(f"{path} can't be read: {error.strerror}.")
    if len(data) > LARGEST_INPUT:
        failed("This is too large: at most 10 MB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        failed("This is not text in UTF-8.")
