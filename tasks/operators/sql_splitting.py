"""Splits a text of SQL into its statements, without understanding them.

Semicolons count but in texts, names, comments, and the bodies of routines and triggers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_COMMENTS = (r"--[^\n]*", r"/\*.*?(?:\*/|\Z)")
_NAMES = r'"(?:[^"]|"")*"'
_WORD = r"[^\W\d]\w*"
#: What is to be taken as one piece, by dialect. A text that doesn't end takes all the rest.
_PIECES = {
    "postgres": (
        r"\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)",
        r"\b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)",
        r"'(?:[^']|'')*(?:'|\Z)",
        _NAMES,
    ),
    "mysql": (
        r"'(?:[^'\\]|\\.|'')*(?:'|\Z)",
        r'"(?:[^"\\]|\\.|"")*(?:"|\Z)',
        r"`[^`]*`",
        # Two dashes begin a comment only before a space: 5--3 is 8.
        r"\#[^\n]*|--(?=\s|\Z)[^\n]*|--",
    ),
    "sqlite": (r"'(?:[^']|'')*(?:'|\Z)", _NAMES, r"`[^`]*`", r"\[[^\]]*\]"),
}
_SCANNERS = {
    dialect: re.compile("|".join((*pieces, *_COMMENTS, _WORD, ";", r"\s+", ".")), re.DOTALL)
    for dialect, pieces in _PIECES.items()
}
_COMMENT = re.compile(r"--|/\*|\#")
_ROUTINE = frozenset({"PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"})
#: What stands behind END where it ends something that ``_opens`` doesn't count.
_OTHER_ENDS = frozenset({"IF", "LOOP", "WHILE", "REPEAT", "FOR"})


def statements_in(text: str, dialect: str) -> list[str]:
    """The statements, without the semicolons between them. One of comments alone is left out."""
    return [statement for statement in _statements(text, _SCANNERS[dialect]) if statement]


def _statements(text: str, scanner: re.Pattern[str]) -> Iterator[str]:
    start, has_more, depth = 0, False, 0
    words: list[str] = []
    for found in scanner.finditer(text):
        piece = found[0]
        if piece == ";" and not depth:
            yield text[start : found.start()].strip() if has_more else ""
            start, has_more, words = found.end(), False, []
            continue
        is_comment = bool(_COMMENT.match(piece)) and len(piece) > 1
        has_more = has_more or not (piece.isspace() or is_comment)
        if piece.isidentifier():
            words.append(piece.upper())
            depth = max(0, depth + _opens(words))
    yield text[start:].strip() if has_more else ""


def _opens(words: list[str]) -> int:
    """1 where the last word begins a block of a routine, -1 where one ended before or with it."""
    if words[0] != "CREATE" or not _ROUTINE & set(words):
        return 0
    word, before = words[-1], words[-2]
    if before == "END":
        # The END itself was counted: it is taken back where it ended something else.
        return 1 if word in _OTHER_ENDS else 0
    return {"BEGIN": 1, "CASE": 1, "END": -1}.get(word, 0)
