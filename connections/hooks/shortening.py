"""Cuts what others said before it is masked: a secret must not be cut in two, and so be missed."""

from __future__ import annotations

#: A word that is longer is left out up to here; no secret of a connection is a longer one.
LONGEST_WORD = 4_096


def shortened(text: str, longest: int) -> str:
    """``text`` cut before the word that goes beyond ``longest`` characters."""
    if len(text) <= longest:
        return text
    start = max(longest - LONGEST_WORD, 0)
    end = max(text.rfind(space, start, longest) for space in " \t\n,;&\"'")
    return f"{text[: end if end >= 0 else start]}…"
