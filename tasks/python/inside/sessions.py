"""Opens the sessions that the code asks for, here in the child, and closes them at its end."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.dagfiles.authoring import own
from tasks.dagfiles.authoring.exceptions import Refused
from tasks.python.inside.channel import Channel


class WorkerSessions:
    """``tasks.dagfiles.authoring.connecting.Sessions``, for one run of the code."""

    def __init__(self, channel: Channel, *, context: dict[str, Any]) -> None:
        self.context = context
        self._channel = channel
        self._fields: dict[str, dict[str, Any]] = {}
        self._open: dict[str, tuple[Any, Any]] = {}
        self._lock = threading.RLock()

    def connection(self, conn_id: str) -> dict[str, Any]:
        with self._lock:
            if conn_id not in self._fields:
                question = {"kind": "connection", "conn_id": conn_id}
                self._fields[conn_id] = self._channel.ask(question)
            return self._fields[conn_id]

    def session(self, conn_id: str) -> Any:
        with self._lock:
            if conn_id not in self._open:
                fields = self.connection(conn_id)
                with _own_modules():
                    hook = _hook(fields)
                    session = hook.open()
                self._open[conn_id] = (hook, session)
                secrets = sorted({*hook.secrets, *session.secrets})
                self._channel.ask(
                    {"kind": "opened", "identity": str(session.identity), "secrets": secrets}
                )
            return self._open[conn_id][1]

    def close(self) -> None:
        """Close every session, and tell the worker how that went."""
        with self._lock:
            while self._open:
                conn_id, (hook, session) = self._open.popitem()
                problem = ""
                try:
                    with _own_modules():
                        hook.close(session)
                except Exception as error:  # a driver's own; the other sessions are closed too
                    problem = f"{conn_id}: {type(error).__name__}: {error}"
                self._channel.send({"kind": "closed", "problem": problem})


@contextmanager
def _own_modules() -> Iterator[None]:
    """While the block runs ours can be imported; after it too, as far as no module of the user's
    is in the way: a session may import more when it is used."""
    try:
        with own.shown():
            yield
    finally:
        own.leave("connections")


def _hook(fields: dict[str, Any]) -> Any:
    hooks: Any = importlib.import_module("connections.hooks")
    types: Any = importlib.import_module("connections.types.base")
    loaded = types.LoadedConnection(**fields)
    try:
        return hooks.hook_for(loaded)
    except LookupError:
        facts = {"conn_type": loaded.conn_type, "conn_id": loaded.conn_id}
        words = f"Nothing here opens sessions of the type {loaded.conn_type}."
        raise Refused(words, code="task:python-no-hook", facts=facts) from None
