"""Who listens on which queue, and which queues nobody listens on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis
from django.db.models import Count, Min

from tasks import live
from tasks.engine.workers import GONE_AFTER, KEY, Worker
from tasks.models import TaskInstance
from tasks.states import TaskState

DEFAULT = ("default",)


@dataclass(frozen=True)
class Listener:
    """A worker, the queues it listens on, and how many seconds ago it was heard of last.

    ``None`` where that can't be told.
    """

    worker: Worker
    queues: tuple[str, ...]
    seconds: int | None


@dataclass(frozen=True)
class Unheard:
    """A queue on which tasks wait since a moment, and no worker listens."""

    queue: str
    tasks: int
    since: datetime


def queues_of(worker: Worker) -> tuple[str, ...]:
    return tuple(getattr(worker, "queues", DEFAULT))


def listeners(workers: list[Worker] | None) -> list[Listener]:
    """How long ago each was heard of follows from how long its key in the broker lives on."""
    found = workers or []
    left: list[int] = [-1] * len(found)
    try:
        with live.client().pipeline(transaction=False) as pipe:
            for worker in found:
                pipe.ttl(KEY + worker.name)
            left = pipe.execute() if found else []
    except (redis.RedisError, OSError):
        pass
    return [
        Listener(worker, queues_of(worker), GONE_AFTER - seconds if seconds >= 0 else None)
        for worker, seconds in zip(found, left, strict=True)
    ]


def unheard_queues(workers: list[Worker] | None) -> list[Unheard]:
    """The queues with waiting tasks that no worker serves; one query.

    Without any worker, or when the broker can't be asked, that is told instead.
    """
    if not workers:
        return []
    served = {queue for worker in workers for queue in queues_of(worker)}
    waiting = TaskInstance.objects.filter(state=TaskState.QUEUED, waits_on="").order_by()
    rows = waiting.exclude(queue__in=served).values_list("queue")
    return [
        Unheard(queue, tasks, since)
        for queue, tasks, since in rows.annotate(tasks=Count("pk"), since=Min("queued_at"))
    ]
