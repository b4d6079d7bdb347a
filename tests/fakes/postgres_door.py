"""A PostgreSQL that never lets anybody in, and says why; or says nothing.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104


class ClosedDoor(socketserver.ThreadingTCPServer):
    """``state`` and ``words`` are the answer; without a state it says nothing at all.

    ``raw`` is sent in place of an answer of PostgreSQL.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, state: str = "", words: str = "", *, raw: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), _Guest)
        self.state, self.words, self.raw = state, words, raw
        self.port = int(self.server_address[1])

    def __enter__(self) -> ClosedDoor:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *rest: Any) -> None:
        self.shutdown()
        self.server_close()


class _Guest(socketserver.BaseRequestHandler):
    server: ClosedDoor

    def handle(self) -> None:
        while head := self.request.recv(8):
            size, kind = struct.unpack(">II", head)
            if self.server.raw:
                self.request.sendall(self.server.raw)
                return
            if not self.server.state:
                self.request.recv(4096)
            elif kind in (SSL_REQUEST, GSS_REQUEST):
                self.request.sendall(b"N")
            else:
                self.request.recv(size - 8)
                parts = (("S", "FATAL"), ("V", "FATAL"), ("C", self.server.state))
                fields = [f"{name}{text}\0" for name, text in (*parts, ("M", self.server.words))]
                body = "".join(fields).encode() + b"\0"
                self.request.sendall(b"E" + struct.pack(">I", len(body) + 4) + body)
                return
