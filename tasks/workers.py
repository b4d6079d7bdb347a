"""Which workers are there: each tells Redis every few seconds, under a key that expires."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import dataclass

import redis
from django.conf import settings

from tasks import leases, live

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
    """Tell that this process is a worker, until it stops."""
    thread = threading.Thread(target=_beat, args=(slots,), name="heartbeat", daemon=True)
    thread.start()


def _beat(slots: int) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        text = json.dumps({"name": name, "slots": slots, "busy": leases.busy()})
        try:
            live.client().set(KEY + name, text, ex=GONE_AFTER)
        except (redis.RedisError, OSError):
            pass  # The broker is away; the next beat tells.
        if leases.stopping.wait(BEAT):
            break
    try:
        live.client().delete(KEY + name)
    except (redis.RedisError, OSError):
        pass
