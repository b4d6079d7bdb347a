"""Reads what a connection of the type http, and the task that uses it, say about calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from connections.exceptions import SessionFailure
from connections.types.base import LoadedConnection
from connections.types.values import WrongKind, number, text, truth, whole_number

CONNECT_TIMEOUT = 10.0
#: Airflow's hook waits without end; nothing here does.
READ_TIMEOUT = 60.0
MAX_REDIRECTS = 30
#: Extras that are no headers, also by their older names.
NO_HEADERS = frozenset(
    {"stream", "cert", "proxies", "proxy", "timeout", "verify", "verify_ssl", "allow_redirects"}
    | {"max_redirects", "trust_env", "check_response", "srv_lookup"}
)


@dataclass(frozen=True)
class Options:
    """How calls are made. ``timeouts`` are to connect and to answer, in seconds.

    ``verify`` and ``cert`` are as the library requests takes them.
    """

    timeouts: tuple[float, float] = (CONNECT_TIMEOUT, READ_TIMEOUT)
    verify: bool | str = True
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_redirects: bool = True
    max_redirects: int = MAX_REDIRECTS
    trust_env: bool = True
    check_response: bool = True

    def with_extra(self, extra: Mapping[str, Any]) -> Options:
        """These options, with those of ``extra`` that are set. Raise ``SessionFailure``."""
        given = {_OLD_NAMES.get(name, name): value for name, value in extra.items()}
        changes: dict[str, Any] = {}
        for name, reader in _READERS.items():
            value = given.get(name)
            if value not in (None, ""):
                try:
                    changes["timeouts" if name == "timeout" else name] = reader(value)
                except (WrongKind, ValueError):
                    raise SessionFailure("http:option-invalid", name=name) from None
        return replace(self, **changes)

    def bounded(self, longest: float) -> Options:
        connect, read = self.timeouts
        return replace(self, timeouts=(min(connect, longest), min(read, longest)))


def base_url(connection: LoadedConnection) -> str:
    """Where endpoints begin, from host, scheme and port. Raise ``SessionFailure``."""
    host = connection.host.strip()
    if not host:
        raise SessionFailure("http:no-host")
    url = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    try:
        parts = urlsplit(url)
        has_port = parts.port is not None
    except ValueError:
        raise SessionFailure("http:address-invalid", host=connection.host) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise SessionFailure("http:address-invalid", host=connection.host.rpartition("@")[2])
    if connection.port and not has_port:
        parts = parts._replace(netloc=f"{parts.netloc}:{connection.port}")
    return parts.geturl()


def headers_of(extra: Mapping[str, Any]) -> dict[str, str]:
    """Every extra that is no option, as a header."""
    return {
        name: header(value)
        for name, value in extra.items()
        if name not in NO_HEADERS and value is not None
    }


def header(value: Any) -> str:
    """A value of a header as text."""
    return json.dumps(value) if isinstance(value, dict | list) else text(value)


def _timeouts(value: Any) -> tuple[float, float]:
    """One number for both, or both in a list."""
    connect, read = value if isinstance(value, list | tuple) else (value, value)
    found = (float(number(connect)), float(number(read)))
    if min(found) <= 0:
        raise WrongKind("More than 0.")
    return found


def _verify(value: Any) -> bool | str:
    found = truth(value)
    return text(value) if found is None else found


def _cert(value: Any) -> str | tuple[str, str]:
    if isinstance(value, list | tuple):
        certificate, key = value
        return text(certificate), text(key)
    return text(value)


def _proxies(value: Any) -> dict[str, str]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, dict):
        raise WrongKind("An object.")
    return {text(scheme): text(url) for scheme, url in found.items()}


def _boolean(value: Any) -> bool:
    found = truth(value)
    if found is None:
        raise WrongKind("True or false.")
    return found


_OLD_NAMES = {"proxy": "proxies", "verify_ssl": "verify"}
_READERS = {
    "timeout": _timeouts,
    "verify": _verify,
    "cert": _cert,
    "proxies": _proxies,
    "allow_redirects": _boolean,
    "max_redirects": whole_number,
    "trust_env": _boolean,
    "check_response": _boolean,
}
