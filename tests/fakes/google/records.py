"""The requests the fake has seen."""

import json
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.fakes.google.answers import Json


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came in.

    ``call`` is the method's name in Google's reference (``jobs.insert``), ``token`` for the
    token endpoint, or ``unknown``. ``query`` and ``headers`` are flat, header names in lower
    case. ``body`` is the parsed JSON or form, else the text, else None. ``at`` is seconds
    since the epoch.
    """

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    call: str
    params: dict[str, str]
    at: float = field(default_factory=time.time)

    @property
    def text(self) -> str:
        """Path and body as one text, to match against."""
        return f"{self.path}\n{json.dumps(self.body)}"

    def to_json(self) -> Json:
        """The record as the control endpoint shows it."""
        return asdict(self)


class RequestLog:
    """The latest requests, oldest first; at most ``keep`` of them. Thread-safe."""

    def __init__(self, *, keep: int) -> None:
        self._records: deque[RecordedRequest] = deque(maxlen=keep)
        self._lock = threading.Lock()

    def add(self, record: RecordedRequest) -> None:
        """Remember a request."""
        with self._lock:
            self._records.append(record)

    def all(self) -> list[RecordedRequest]:
        """A copy of what is remembered."""
        with self._lock:
            return list(self._records)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._records.clear()
