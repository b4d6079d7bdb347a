"""Makes log lines of what code prints, and bounds how much of it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: What one try may log. Then one line says that the rest is left out.
MOST_LINES = 10_000
MOST_CHARACTERS = 4_000_000
LONGEST_LINE = 10_000
#: A cut through a secret would leave a piece that nobody recognises as one: the word that
#: would be cut is left out whole, up to this length.
LONGEST_WORD = 4_096


def shortened(text: str, *, longest: int = LONGEST_LINE) -> str:
    """``text`` cut before the word that goes beyond ``longest``."""
    if len(text) <= longest:
        return text
    word = max(text.rfind(space, longest - LONGEST_WORD, longest) for space in " \t\n")
    end = word if word >= 0 else max(longest - LONGEST_WORD, 0)
    return f"{text[:end]}… ({len(text) - end:,} characters more)"


class Splitter:
    """Collects text until its line is whole."""

    def __init__(self) -> None:
        self._rest = ""

    def add(self, text: str) -> list[str]:
        """The lines that are whole now. Of a progress bar its last state remains."""
        *whole, rest = text.split("\n")
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = ""
        # What goes beyond is left out up to the line's end: it might begin within a secret.
        if len(self._rest) <= 2 * LONGEST_LINE:
            self._rest = _last_state(self._rest + rest)
        return [shortened(_last_state(line).rstrip("\r")) for line in whole]

    def rest(self) -> list[str]:
        """The line that has no end, if there is one."""
        line, self._rest = self._rest, ""
        return [shortened(line.rstrip("\r"))] if line else []


def _last_state(line: str) -> str:
    """What a terminal would show of it after the carriage returns."""
    start = line.rstrip("\r").rfind("\r") + 1
    return line[start:]


class Budget:
    """Lets so many lines through, and tells once when it is used up."""

    def __init__(self) -> None:
        self._lines = MOST_LINES
        self._characters = MOST_CHARACTERS

    @property
    def is_spent(self) -> bool:
        return self._lines <= 0 or self._characters <= 0

    def spend(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            if self.is_spent:
                return
            self._lines -= 1
            self._characters -= len(line)
            yield line
