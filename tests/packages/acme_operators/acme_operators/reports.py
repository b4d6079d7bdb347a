"""Asks for reports. Imported when the first task runs."""

from __future__ import annotations

from typing import Any


def make(session: Any, report: str, form: str) -> str:
    """Asks nobody: it is an example."""
    return f"{session.identity}/{report}.{form}"
