"""Which workers are there: each tells Redis every few seconds, under a key that expires."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection

from tasks import leases, live

logger = logging.getLogger(__name__)

KEY = "patchbay:worker:"
BEAT = 5.0
#: Seconds after which a worker that tells nothing counts as gone.
GONE_AFTER = 15


@dataclass(frozen=True)
class Worker:
    """A worker process, how many tasks it may run at once, and how many it runs."""

    name: str
    slots: int
    busy: int


def workers() -> list[Worker] | None:
    """Every worker that lives; ``None`` when the broker can't be asked."""
    if not settings.BROKER_URL:
        return None
    try:
        client = live.client()
        keys = list(client.scan_iter(match=KEY + "*", count=200))
        values = client.mget(keys) if keys else []
    except (redis.RedisError, OSError):
        return None
    found = [Worker(**json.loads(value)) for value in values if value]
    return sorted(found, key=lambda worker: worker.name)


def start_heartbeat(slots: int) -> None:
    """Tell that this process is a worker, and sweep, until it stops.

    A thread of its own, because a message would wait behind those that it should help.
    """
    thread = threading.Thread(target=_beat, args=(slots,), name="heartbeat", daemon=True)
    thread.start()


def _beat(slots: int) -> None:
    key = f"{KEY}{socket.gethostname()}:{os.getpid()}"
    name = key.removeprefix(KEY)
    while True:
        text = json.dumps({"name": name, "slots": slots, "busy": leases.busy()})
        # While the broker is away nothing can be told; the next beat tells.
        with contextlib.suppress(redis.RedisError, OSError):
            live.client().set(key, text, ex=GONE_AFTER)
        _sweep()
        if leases.stopping.wait(BEAT):
            break
    with contextlib.suppress(redis.RedisError, OSError):
        live.client().delete(key)


def _sweep() -> None:
    from tasks.tasks import sweep

    try:
        sweep()
    except DatabaseFault:
        logger.warning("The database can't be asked for what was lost; the next sweep will.")
    finally:
        connection.close()
