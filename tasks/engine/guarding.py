"""Keeps one part that fails from stopping the others of a tick or a sweep."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import Error as DatabaseFault
from django.db import connection

logger = logging.getLogger(__name__)
T = TypeVar("T")


def guarded(part: Callable[[], T]) -> T | None:
    """Without its clock a worker makes no try, look or run any more: it outlives whatever fails."""
    try:
        return part()
    except DatabaseFault:
        logger.warning("The database can't be asked for what is due; the next tick will.")
        connection.close()
    except Exception:
        logger.exception("A part of the clock's tick failed; the next one tries again.")
    return None
