"""Moments that every database, and every time zone, can hold."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
WORDS = "A moment between 1970 and 9000."


def wrong_moment(moment: datetime | None) -> str:
    """What is wrong with an aware moment, or an empty text. At the edges of time zones overflow."""
    return "" if moment is None or EARLIEST <= moment < LATEST else WORDS
