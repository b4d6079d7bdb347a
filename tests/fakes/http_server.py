"""Any service that speaks HTTP: answers as it was told, and remembers what came in.

::

    with HttpServer() as server:
        server.on("/v1/rows", Reply(200, '{"rows": 3}'))
        server.on("/gone", Reply.drop())
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Call:
    """A request as it came in; header names are in small letters."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """``cut`` bytes of the body are sent before the connection breaks; ``hangs`` never answers."""

    status: int = 200
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hangs: bool = False

    @classmethod
    def of_json(cls, body: Any, *, status: int = 200, **headers: str) -> Reply:
        return cls(status, json.dumps(body), {"Content-Type": "application/json", **headers})

    @classmethod
    def redirect(cls, url: str, *, status: int = 302) -> Reply:
        return cls(status, "", {"Location": url})

    @classmethod
    def drop(cls) -> Reply:
        return cls(cut=-1)

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


Answerer = Callable[[Call], Reply]


class HttpServer:
    """On 127.0.0.1 for as long as its ``with`` block lasts."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.closing = threading.Event()
        #: Set when a request has come that is not answered.
        self.hanging = threading.Event()
        self._routes: dict[str, list[Reply]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port: int = self._server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"

    def on(self, path: str, *replies: Reply) -> None:
        """Answer calls of ``path`` with these, one after the other; the last stays."""
        self._routes[path] = list(replies)

    def answer(self, call: Call) -> Reply:
        """Subclasses that know a service override this."""
        replies = self._routes.get(call.path, [Reply(404, "nothing here")])
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def of(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1

        def serve(self) -> None:
            url = urlsplit(self.path)
            call = Call(
                method=self.command,
                path=url.path,
                query=dict(parse_qsl(url.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            server.calls.append(call)
            self.write(server.answer(call))

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

        def write(self, reply: Reply) -> None:
            self.close_connection = True
            if reply.hangs:
                server.hanging.set()
                server.closing.wait(30)
                return
            if reply.cut == -1:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.data)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.data[: reply.cut])
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
