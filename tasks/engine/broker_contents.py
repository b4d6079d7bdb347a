"""What lies in the broker: how many messages of a queue wait there, and whether it was emptied.

Redis may be restarted without what it held, or emptied by hand. A key without an
expiry tells: where it is missing, the messages are missing too.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

import redis
from django.conf import settings

from tasks import live

MARK = "patchbay:filled"
LOCK = "patchbay:filling"
#: Seconds after which another worker sends again, where the one that began to is gone.
LOCKED_FOR = 10


def waiting(queues: Collection[str]) -> dict[str, int] | None:
    """How many messages of each queue no worker has taken; ``None`` where it can't be asked."""
    if not settings.BROKER_URL:
        return None
    names = list(queues)
    try:
        with live.client().pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            return dict(zip(names, pipeline.execute(), strict=True))
    except (redis.RedisError, OSError):
        return None


def is_to_be_filled() -> bool:
    """Whether the broker is new or was emptied, and it is this process that sends again."""
    if not settings.BROKER_URL:
        return False
    try:
        if live.client().exists(MARK):
            return False
        return bool(live.client().set(LOCK, 1, nx=True, ex=LOCKED_FOR))
    except (redis.RedisError, OSError):
        return False


def go_on() -> None:
    """It takes its time: nobody else is to begin."""
    with suppress(redis.RedisError, OSError):
        live.client().expire(LOCK, LOCKED_FOR)


def mark_as_filled() -> None:
    """All that it lost was sent again."""
    # Where it is away again, who finds it next sends once more.
    with suppress(redis.RedisError, OSError):
        live.client().set(MARK, 1)
        live.client().delete(LOCK)
