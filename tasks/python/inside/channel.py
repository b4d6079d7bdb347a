"""The child's end of the line to the worker."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tasks.dagfiles.authoring.exceptions import AirflowTaskTerminated, Refused
from tasks.python.protocol import HEADER, packed, unpacked


class OtherProcess(RuntimeError):
    """A process that the code forked has asked: only the first one has the worker's ear."""


class Channel:
    """Sends messages and asks questions; for any thread, but only of this process."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._depth = 0
        self._is_terminated = False

    @property
    def is_here(self) -> bool:
        """False in a process that this one forked: it would write between our messages."""
        return os.getpid() == self._pid

    def receive(self) -> dict[str, Any]:
        """The next message; end with the worker, if it is gone."""
        (length,) = HEADER.unpack(self._read(HEADER.size))
        return unpacked(self._read(length))

    def send(self, message: dict[str, Any]) -> None:
        data = packed(message)
        with self._uninterrupted(), self._lock:
            self._write(data)

    def ask(self, message: dict[str, Any]) -> Any:
        """The worker's answer. Raise ``Refused``."""
        if not self.is_here:
            raise OtherProcess("Only the task's first process can ask for connections and XComs.")
        data = packed(message)
        with self._uninterrupted(), self._lock:
            self._write(data)
            answer = self.receive()
        if answer["kind"] == "answer":
            return answer["value"]
        raise Refused(
            answer["words"],
            code=answer["code"],
            facts=answer["facts"],
            message=answer["message"],
        )

    def terminate(self, *_: object) -> None:
        """For SIGTERM: let the code tidy up. A message that is under way gets through first."""
        if self._depth:
            self._is_terminated = True
        else:
            raise AirflowTaskTerminated("The task is to end.")

    @contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        """Signals are handled in the main thread, in the midst of whatever it does."""
        is_main = threading.current_thread() is threading.main_thread()
        self._depth += is_main
        try:
            yield
        finally:
            self._depth -= is_main
            if is_main and not self._depth and self._is_terminated:
                self._is_terminated = False
                raise AirflowTaskTerminated("The task is to end.")

    def _write(self, data: bytes) -> None:
        try:
            self._line.sendall(data)
        except OSError:
            os._exit(1)

    def _read(self, length: int) -> bytes:
        pieces = []
        while length:
            try:
                piece = self._line.recv(min(length, 1 << 20))
            except OSError:
                piece = b""
            if not piece:
                os._exit(1)
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)
