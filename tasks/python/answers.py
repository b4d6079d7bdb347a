"""What the worker answers when the code asks for a connection or for what other tasks left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from connections.diagnosis import explain
from connections.exceptions import Failure
from tasks.operators.base import Context
from tasks.python.protocol import Garbled, taken

#: What the code may leave by ``ti.xcom_push`` in one try, as JSON. The engine's own limit on one
#: XCom is lower; this one keeps a loop from filling the worker's memory.
PUSHED_BYTES = 8 << 20
NOT_CLOSED = "the process ended before it closed its session"
#: What of the run the code may see, where the engine tells it.
DAG_RUN = (
    *("conf", "run_id", "run_type", "logical_date", "note"),
    *("data_interval_start", "data_interval_end", "start_date", "queued_at"),
)
OF_A_TRY = ("max_tries", "start_date")


class Answers:
    """Handles the child's messages for one try; keeps what it pushed."""

    def __init__(self, context: Context) -> None:
        self.pushed: dict[str, Any] = {}
        self._context = context
        self._pushed_bytes = 0
        self._sessions: list[str] = []
        self._closings: list[str] = []

    def handle(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The answer; ``None`` where the child waits for none. Raise ``Garbled``."""
        if message["kind"] == "closed":
            self._closings.append(taken(message, "problem", str))
            return None
        answer = {
            "connection": self._connection,
            "opened": self._opened,
            "pull": self._pull,
            "push": self._push,
        }.get(message["kind"])
        if answer is None:
            raise Garbled(message["kind"])
        try:
            return {"kind": "answer", "value": answer(message)}
        except Failure as failure:
            return {
                "kind": "refusal",
                "code": failure.code,
                "facts": portable(failure.facts),
                "message": failure.vendor_message,
                "words": explain(failure.code, failure.facts).happened,
            }

    def close_sessions(self) -> None:
        """Tell how the closing of the code's sessions went, once its process is over."""
        if not self._sessions:
            return
        left = len(self._sessions) - len(self._closings)
        problems = [*filter(None, self._closings), *([NOT_CLOSED] if left > 0 else [])]
        self._context.session_closed(problems[0] if problems else "")

    def _connection(self, message: dict[str, Any]) -> dict[str, Any]:
        return asdict(self._context.request_connection(taken(message, "conn_id", str)))

    def _opened(self, message: dict[str, Any]) -> None:
        identity = taken(message, "identity", str)
        self._context.mask({str(each) for each in taken(message, "secrets", list)})
        self._sessions.append(identity)
        self._context.session_opened(identity)

    def _pull(self, message: dict[str, Any]) -> Any:
        asked = taken(message, "task_ids", (str, list))
        names = [asked] if isinstance(asked, str) else [str(each) for each in asked]
        pull = self._context.names["ti"].xcom_pull
        values = portable(pull(task_ids=names, key=taken(message, "key", str)))
        return values[0] if isinstance(asked, str) else values

    def _push(self, message: dict[str, Any]) -> None:
        value = message.get("value")
        self._pushed_bytes += len(json.dumps(value))
        if self._pushed_bytes > PUSHED_BYTES:
            raise Failure("task:result-too-large", megabytes=PUSHED_BYTES >> 20)
        self.pushed[taken(message, "key", str)] = value


def names_for(context: Context) -> dict[str, Any]:
    """The names of ``context`` as data: the child makes objects of them again."""
    names = {
        name: value
        for name, value in context.names.items()
        if value is None or isinstance(value, _PLAIN)
    }
    run = context.names.get("dag_run")
    told = {name: _part(run, name) for name in DAG_RUN}
    names["dag_run"] = {name: value for name, value in told.items() if value is not None}
    names["params"] = context.names.get("params") or {}
    names["run_id"] = context.run_id
    ti = context.names.get("ti")
    names["ti"] = {
        **{name: value for name in OF_A_TRY if (value := _part(ti, name)) is not None},
        "dag_id": context.dag_id,
        "task_id": context.task_id,
        "run_id": context.run_id,
        "try_number": context.try_number,
    }
    return {name: portable(value) for name, value in names.items()}


def dates_among(context: Context) -> list[list[str]]:
    """Which of the names are moments: JSON has only their text."""
    run = context.names.get("dag_run")
    ti = context.names.get("ti")
    found = [[name] for name, value in context.names.items() if isinstance(value, datetime)]
    found += [["dag_run", name] for name in DAG_RUN if isinstance(_part(run, name), datetime)]
    found += [["ti", name] for name in OF_A_TRY if isinstance(_part(ti, name), datetime)]
    return found


_PLAIN = (str, int, float, date, list, tuple, Mapping)


def _part(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def portable(value: Any) -> Any:
    """``value`` as JSON; a date becomes its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [portable(item) for item in value]
    return str(value)
