"""HTTP/1.1 with keep-alive: bytes in, a RecordedRequest to the fake, bytes out."""

import contextlib
import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.google.answers import Answer
from tests.fakes.google.bigquery import route
from tests.fakes.google.records import RecordedRequest

Respond = Callable[[RecordedRequest], Answer | None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: "HttpServer"

    def _serve(self) -> None:
        answer = self.server.respond(self._read())
        if answer is None:
            self.close_connection = True
            return
        self._write(answer)

    do_GET = do_POST = do_DELETE = do_CONNECT = _serve

    def _read(self) -> RecordedRequest:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path) if self.command != "CONNECT" else urlsplit("")
        path = url.path or self.path
        call, params = route(self.command, path)
        return RecordedRequest(
            method=self.command,
            path=path,
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=_parsed(raw, self.headers.get_content_type()),
            call="token" if (self.command, path) == ("POST", "/token") else call,
            params=params,
        )

    def _write(self, answer: Answer) -> None:
        self.send_response_only(answer.code)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: the request log says it."""


def _parsed(raw: bytes, content_type: str) -> Any:
    if not raw:
        return None
    text = raw.decode("utf-8", "replace")
    if content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        return json.loads(text)
    except ValueError:
        return text


class HttpServer(ThreadingHTTPServer):
    """One thread per connection, all of which end when the server closes."""

    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self.respond: Respond = lambda _: None
        self._open: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without the reverse look-up of HTTPServer, which may wait for a DNS server."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection in a thread that ``close_connections`` can end."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until either side closes it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(threading.current_thread(), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what broke, unless the client merely went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """End every connection and wait for its thread."""
        with self._lock:
            still_open = dict(self._open)
        for thread, connection in still_open.items():
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=5)
