"""Sessions with services that speak HTTP, opened by a test and closed after it."""

from __future__ import annotations

import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from connections.diagnosis import explain
from connections.exceptions import Failure
from connections.hooks import hook_for
from connections.hooks.http import HttpSession
from connections.types import TYPES
from connections.types.base import LoadedConnection

Open = Callable[..., HttpSession]
BASIC = b64encode(b"ann:tulip").decode()
COLUMNS = ("schema", "login", "password", "port")


@contextmanager
def opener() -> Iterator[Open]:
    """Keyword arguments are columns or extras; ``longest`` is what a test of a connection sets."""
    opened: list[tuple[Any, HttpSession]] = []

    def open_session(host: str = "", *, longest: float | None = None, **given: Any) -> HttpSession:
        columns = {name: given.pop(name) for name in COLUMNS if name in given}
        hook = hook_for(LoadedConnection("api", "http", host=host, extra=given, **columns))
        if longest is not None:
            hook.longest_call = longest
        session: HttpSession = hook.open()
        opened.append((hook, session))
        return session

    yield open_session
    for hook, session in opened:
        hook.close(session)


def refused(call: Callable[[], Any], *, unseen: tuple[str, ...] = ("tulip", BASIC)) -> Failure:
    """How a call fails; whatever is shown of it must show none of ``unseen``."""
    with pytest.raises(Failure) as caught:
        call()
    failure = caught.value
    words = explain(failure.code, failure.facts)
    shown = "".join(traceback.format_exception(failure))
    shown += f"{failure!r} {failure.facts} {failure.vendor_message} {words}"
    assert not [secret for secret in unseen if secret in shown]
    assert "?" not in f"{words.short} {words.happened} {words.cause} {words.remedy}"
    for name in words.fields:
        assert TYPES["http"].field(name)
    return failure
