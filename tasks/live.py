"""Tells watchers that a run has changed, and what has changed since they looked.

The database is the truth; the message that is published after a commit only
wakes those who wait. When no message can be sent or heard, watchers look into
the database by themselves, and their page says ``Polling``.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from tasks.models import DagRun, LogLine, Step, TaskInstance

logger = logging.getLogger(__name__)

CHANNEL = "patchbay:runs"
#: After a failed publish no other is tried for so long: a trigger must not wait for each.
PUBLISH_PAUSE = 2.0
#: Seconds in which changes of one run are told as one.
PUBLISH_GAP = 0.01
RECONNECT_PAUSE = 1.0


@dataclass(frozen=True)
class Changes:
    """All that changed in a run after a cursor; ``sequence`` is the next cursor.

    ``tasks`` are the task instances that changed, or a step of which did, as
    primary key -> position; ``steps`` the positions of changed steps. Of the
    new log lines there are only the last ones.
    """

    run: DagRun
    tasks: dict[int, int]
    steps: frozenset[int]
    lines: list[LogLine]

    @property
    def sequence(self) -> int:
        return self.run.sequence


def light_runs() -> QuerySet[DagRun]:
    """Runs with their DAG and version, but without the version's texts, which may be large."""
    runs = DagRun.objects.select_related("dag", "version")
    return runs.defer("version__spec", "version__source")


def changes_since(run_id: int, cursor: int, *, most_lines: int = 500) -> Changes:
    """Read the run first: what is committed after it comes with the next call."""
    run = light_runs().get(pk=run_id)
    if run.sequence <= cursor:
        return Changes(run, {}, frozenset(), [])
    later = {"run_id": run_id, "sequence__gt": cursor, "sequence__lte": run.sequence}
    steps = list(
        Step.objects.filter(**later)
        .order_by()
        .values_list("position", "task_instance_id", "task_instance__position")
    )
    tasks = {pk: place for _, pk, place in steps if pk is not None}
    tasks |= dict(TaskInstance.objects.filter(**later).order_by().values_list("pk", "position"))
    lines = LogLine.objects.filter(**later).select_related("task_instance")
    last = list(lines.order_by("-sequence", "-pk")[:most_lines])
    return Changes(run, tasks, frozenset(position for position, _, _ in steps), last[::-1])


def publish_on_commit(run_id: int) -> None:
    """Wake the watchers of the run when the transaction is committed."""
    transaction.on_commit(lambda: _publisher.add(run_id))


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """One client a process; its pool is safe for threads."""
    return redis.Redis.from_url(
        settings.BROKER_URL, socket_connect_timeout=0.4, socket_timeout=0.4, decode_responses=True
    )


def answers() -> bool:
    """Whether the broker can be reached."""
    try:
        return bool(client().ping())
    except (redis.RedisError, OSError):
        return False


class _Publisher:
    """Tells of changes from a thread of its own: nobody waits for it, and what changes often in a
    moment is told once."""

    def __init__(self) -> None:
        self._waiting: set[int] = set()
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_ending = False

    def add(self, run_id: int) -> None:
        if not settings.BROKER_URL:
            return
        with self._lock:
            self._waiting.add(run_id)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
                self._thread.start()
        self._woken.set()

    def flush(self) -> None:
        """Tell at once what is left to be told."""
        with self._lock:
            waiting, self._waiting = self._waiting, set()
        if waiting:
            _publish(waiting)

    def end(self) -> None:
        """The process ends: tell what is left, and leave no thread behind that holds a lock."""
        self._is_ending = True
        self._woken.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self.flush()

    def _run(self) -> None:
        while not self._is_ending:
            self._woken.wait()
            self._woken.clear()
            self.flush()
            time.sleep(PUBLISH_GAP)


_silent_until = 0.0


def _publish(run_ids: Iterable[int]) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        with client().pipeline(transaction=False) as pipeline:
            for run_id in run_ids:
                pipeline.publish(CHANNEL, str(run_id))
            pipeline.execute()
    except (redis.RedisError, OSError):
        _silent_until = time.monotonic() + PUBLISH_PAUSE
        logger.warning("No watcher could be told of a change: the broker can't be reached.")


_publisher = _Publisher()
# A command that triggers a run ends before the thread has had its turn.
atexit.register(_publisher.end)


class Hub:
    """One subscription a web process, which wakes all its watchers."""

    def __init__(self) -> None:
        self.is_ending = False
        self._waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._anything: set[asyncio.Event] = set()
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def is_listening(self) -> bool:
        """Whether messages are heard; if not, watchers must look by themselves."""
        return self._listening.is_set()

    async def listening(self, *, seconds: float) -> None:
        """Wait until messages are heard, for no longer than ``seconds``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), seconds)

    @contextlib.contextmanager
    def watching(self, run_id: int | None) -> Iterator[asyncio.Event]:
        """An event that is set at each change of the run, or of any run for ``None``."""
        event = asyncio.Event()
        events = self._anything if run_id is None else self._waiting[run_id]
        events.add(event)
        if self._listener is None or self._listener.done():
            self._listener = asyncio.ensure_future(self._listen())
        try:
            yield event
        finally:
            events.discard(event)
            if run_id is not None and not events:
                self._waiting.pop(run_id, None)
            if not self._waiting and not self._anything:
                self._listener.cancel()
                self._listener = None
                self._listening.clear()

    async def _listen(self) -> None:
        # Without a broker there is nothing to hear: every watcher looks by itself.
        while settings.BROKER_URL:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._subscribe()
            self._listening.clear()
            self._wake_all()
            await asyncio.sleep(RECONNECT_PAUSE)

    async def _subscribe(self) -> None:
        connection = redis.asyncio.Redis.from_url(
            settings.BROKER_URL, socket_connect_timeout=2, health_check_interval=10
        )
        async with connection, connection.pubsub() as subscription:
            await subscription.subscribe(CHANNEL)
            async for message in subscription.listen():
                if message["type"] == "subscribe":
                    # What was published before is not heard: everybody looks once.
                    self._listening.set()
                    self._wake_all()
                elif message["type"] == "message":
                    self._wake(int(message["data"]))

    def end(self) -> None:
        """The web process is told to stop: every stream ends, for its browser to reconnect."""
        self.is_ending = True
        self._wake_all()

    def _wake(self, run_id: int) -> None:
        for event in (*self._waiting.get(run_id, ()), *self._anything):
            event.set()

    def _wake_all(self) -> None:
        for events in (*self._waiting.values(), self._anything):
            for event in events:
                event.set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop; a web process has one loop, and so one hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        _end_with_the_process(_hubs[loop], loop)
    return _hubs[loop]


def _end_with_the_process(own: Hub, loop: asyncio.AbstractEventLoop) -> None:
    """End the streams at the signal that ends the server, which would else wait for them."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def ending(caught: int, frame: Any, before: Any = before) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(own.end)
            if callable(before):
                before(caught, frame)
            elif before == signal.SIG_DFL:
                signal.signal(caught, signal.SIG_DFL)
                signal.raise_signal(caught)

        signal.signal(number, ending)
