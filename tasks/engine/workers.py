"""Which workers are there: each tells Redis every few seconds, under a key that expires."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from dataclasses import asdict, dataclass
from typing import Any

import redis
from django.conf import settings

from tasks import live
from tasks.engine import leases

KEY = "patchbay:worker:"
BEAT = 5.0
#: Seconds after which a worker that tells nothing counts as gone.
GONE_AFTER = 15


@dataclass(frozen=True)
class Worker:
    """A worker process, how many tasks it may run at once, how many it runs, and from where."""

    name: str
    slots: int
    busy: int
    queues: tuple[str, ...] = ("default",)


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
    found = [_worker(json.loads(value)) for value in values if value]
    return sorted(found, key=lambda worker: worker.name)


def _worker(told: dict[str, Any]) -> Worker:
    return Worker(**{**told, "queues": tuple(told.get("queues", ("default",)))})


def start_heartbeat(slots: int, queues: tuple[str, ...]) -> None:
    """Tell that this process is a worker until it stops."""
    thread = threading.Thread(target=_beat, args=(slots, queues), name="heartbeat", daemon=True)
    thread.start()


def _beat(slots: int, queues: tuple[str, ...]) -> None:
    key = f"{KEY}{socket.gethostname()}:{os.getpid()}"
    name = key.removeprefix(KEY)
    while True:
        text = json.dumps(asdict(Worker(name, slots, leases.busy(), queues)))
        # While the broker is away nothing can be told; the next beat tells.
        with contextlib.suppress(redis.RedisError, OSError):
            live.client().set(key, text, ex=GONE_AFTER)
        if leases.stopping.wait(BEAT):
            break
    with contextlib.suppress(redis.RedisError, OSError):
        live.client().delete(key)
