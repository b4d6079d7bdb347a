"""Reads an answer of HTTP, but never more of it than fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests
from requests.structures import CaseInsensitiveDict

from connections.exceptions import Failure
from connections.hooks.transport import host_of

#: Bytes, unpacked. What is to be kept of it is much less: an XCom is small.
LARGEST_ANSWER = 16 * 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """``what`` names the call, for people: its method and its path."""

    status: int
    reason: str
    url: str
    what: str
    text: str = field(repr=False)
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=CaseInsensitiveDict, repr=False)


def read(response: requests.Response, *, what: str, check: Callable[[], None]) -> Answer:
    """The whole answer. Raise ``Failure`` for one that is too large.

    ``check`` is called between its pieces, and may raise.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_content(CHUNK):
        check()
        size += len(piece)
        if size > LARGEST_ANSWER:
            response.close()
            limit = f"{LARGEST_ANSWER // 1024**2} MB"
            raise Failure("http:too-large", host=host_of(response.url), what=what, limit=limit)
        pieces.append(piece)
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        url=response.url,
        what=what,
        text=_text(b"".join(pieces), response.encoding),
        size=size,
        headers=response.headers,
    )


def _text(data: bytes, encoding: str | None) -> str:
    try:
        return data.decode(encoding or "utf-8", errors="replace")
    except LookupError:
        return data.decode("utf-8", errors="replace")
