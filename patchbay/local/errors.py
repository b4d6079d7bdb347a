"""What can keep `make run` from starting, or end it."""

from __future__ import annotations


class LocalError(Exception):
    """One sentence for the person at the terminal: what is wrong, and what to do."""


class ServiceEnded(LocalError):
    """A service ended by itself, or never became ready. Carries its last lines of output."""

    def __init__(self, message: str, *, lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.lines = lines
