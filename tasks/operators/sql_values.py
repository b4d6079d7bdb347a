"""Makes JSON of what databases give, as Airflow's XCom shows it."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from connections.hooks.shortening import shortened
from connections.hooks.sql import Answer

#: Characters of a row that the words of a failure show.
LONGEST_ROW = 500


def rows_of(answer: Answer, *, as_dicts: bool) -> list[Any] | None:
    """The rows as lists, or as dicts by the names of the columns; ``None`` where none can be."""
    if not answer.columns:
        return None
    rows = [[plain(cell) for cell in row] for row in answer.rows]
    return [dict(zip(answer.columns, row, strict=True)) for row in rows] if as_dicts else rows


def plain(value: Any) -> Any:
    """Dates and times as ISO text, bytes as base64, what JSON doesn't know as its text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return _number(value)
        case datetime() | date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case dict():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple() | set():
            return [plain(item) for item in value]
    return str(value)


def _number(value: Decimal) -> int | float | str:
    """A number where JSON's has all its digits, else its text."""
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value() and abs(value.adjusted()) < 100:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)


def shown(columns: Iterable[str], row: Iterable[Any]) -> str:
    """A row in words."""
    pairs = zip(columns, row, strict=True)
    text = ", ".join(f"{name} = {plain(value)}" for name, value in pairs)
    return shortened(text, LONGEST_ROW)


def as_number(value: Any) -> float | None:
    """What can be compared as a number; ``None`` for all else."""
    if isinstance(value, (int, float, Decimal, str)):
        try:
            return float(value)
        except ValueError:
            return None
    return None
