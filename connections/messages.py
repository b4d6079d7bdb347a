"""Sends messages to workers. They carry ids only, never a secret, never a payload."""

from __future__ import annotations

import logging
from typing import Any

import kombu.exceptions
import redis
from django.conf import settings

logger = logging.getLogger(__name__)


def send(task: Any, row_id: int | list[int], **options: Any) -> bool:
    """Ask a worker for ``task`` with the number of a row, or of many.

    ``False`` when the broker can't be had.
    """
    if not settings.BROKER_URL:
        return False
    try:
        task.apply_async(args=(row_id,), retry=False, **options)
    except (kombu.exceptions.OperationalError, redis.RedisError, OSError):
        return False
    return True
