"""Waits for a run to change, for who watches it in a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import redis
from django.db import connection

from tasks import live
from tasks.models import DagRun

#: The longest that is waited before one looks by oneself.
POLL = 0.25


class Changes:
    """Yields the run at each change until it is over; woken by messages, else by the clock."""

    def __init__(self, run: DagRun) -> None:
        self.run = run
        self.subscription: Any = None

    def __enter__(self) -> Changes:
        try:
            self.subscription = live.client().pubsub(ignore_subscribe_messages=True)
            self.subscription.subscribe(live.CHANNEL)
        except (redis.RedisError, OSError):
            self.subscription = None
        return self

    def __exit__(self, *_: object) -> None:
        if self.subscription is not None:
            self.subscription.close()

    def __iter__(self) -> Iterator[DagRun]:
        while True:
            run = DagRun.objects.select_related("dag").get(pk=self.run.pk)
            yield run
            if run.is_over:
                return
            self._wait()

    def _wait(self) -> None:
        """Until the run changes; the changes of others wake nobody."""
        connection.close()
        until = time.monotonic() + POLL
        try:
            while self.subscription is not None and (left := until - time.monotonic()) > 0:
                message = self.subscription.get_message(timeout=left)
                if message and message["data"] == str(self.run.pk):
                    return
        except (redis.RedisError, OSError):
            self.subscription = None
        time.sleep(max(0.0, until - time.monotonic()))
