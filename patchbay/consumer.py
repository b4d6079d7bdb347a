"""How a worker takes messages from the broker. The web process has no need of it."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer


class PatientConsumer(Consumer):
    """Looks for a broker that is away every few seconds, for as long as it takes.

    Celery lets half a minute pass between two looks, and then the broker is back and idle. After
    a hundred of them it would end the worker.
    """

    def ensure_connected(self, conn: Any) -> Any:
        ensure = conn.ensure_connection
        pauses = {"interval_start": 1, "interval_step": 1, "interval_max": 3}
        conn.ensure_connection = lambda *given, **more: ensure(*given, **{**more, **pauses})
        return super().ensure_connected(conn)
