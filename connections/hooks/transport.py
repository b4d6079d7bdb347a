"""Tells what kept a call of the library requests from getting an answer.

Also closes the connections of a call that blocks.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3 import exceptions as pool
from urllib3.connection import HTTPConnection, HTTPSConnection


@dataclass(frozen=True)
class Broken:
    """``kind`` ends a code: name-unknown, unreachable, dropped, tls, timeout, proxy."""

    kind: str
    host: str
    reason: str = ""


def broken_by(error: requests.RequestException) -> Broken:
    """What ``error`` of a call means that got no answer."""
    host = host_of(str(getattr(error.request, "url", "") or ""))
    causes = list(causes_of(error))
    if isinstance(error, requests.exceptions.SSLError):
        return Broken("tls", host, _tls_reason(causes))
    if isinstance(error, requests.exceptions.ProxyError):
        return Broken("proxy", host, _connect_reason(causes))
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return Broken("unreachable", host, "no answer in time")
    if any(isinstance(cause, pool.NameResolutionError) for cause in causes):
        return Broken("name-unknown", host)
    if any(isinstance(cause, requests.ReadTimeout | pool.ReadTimeoutError) for cause in causes):
        return Broken("timeout", host)
    if any(isinstance(cause, pool.ProtocolError | ConnectionResetError) for cause in causes):
        return Broken("dropped", host)
    return Broken("unreachable", host, _connect_reason(causes))


def host_of(url: str) -> str:
    """The host of a URL with its port, without a user and a password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def causes_of(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what it was made from, outermost first."""
    while error is not None:
        yield error
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        reason = getattr(error, "reason", None)
        if isinstance(reason, BaseException):
            inner = reason
        error = inner or error.__cause__


def _connect_reason(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        if isinstance(cause, pool.NewConnectionError):
            return str(cause).rpartition("] ")[2].lower() or "refused"
    return "no connection"


def _tls_reason(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return cause.reason.replace("_", " ").lower()
    return "no TLS"


class StoppableAdapter(HTTPAdapter):
    """Gives every request these timeouts (seconds), and can end the calls that are under way.

    The library itself closes only connections that nobody uses.
    """

    def __init__(self, *, connect: float, read: float) -> None:
        self.timeout = (connect, read)
        self._live: WeakSet[HTTPConnection] = WeakSet()
        self._is_stopped = False
        super().__init__(max_retries=0)

    def stop(self) -> None:
        """From another thread: let each call come back at once, with an error."""
        self._is_stopped = True
        for connection in list(self._live):
            _shut(connection)

    def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
        return super().send(request, *args, **{**kwargs, "timeout": self.timeout})

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools()

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager: Any = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools()
        return manager

    def _pools(self) -> dict[str, Any]:
        adapter = self

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                adapter._watch(self)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                adapter._watch(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        return {"http": PlainPool, "https": SecurePool}

    def _watch(self, connection: HTTPConnection) -> None:
        self._live.add(connection)
        if self._is_stopped:
            _shut(connection)


def _shut(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        # Past the class of a TLS socket: that would take its state from under the one who reads.
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
