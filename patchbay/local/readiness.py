"""When a service does its work. Each of these asks until the answer is yes, for ever."""

from __future__ import annotations

import asyncio
import re

from patchbay.local.ports import HOST

#: Seconds between two questions, and for one answer.
PAUSE = 0.05
ANSWER = 5.0


async def at_once() -> None:
    """For a service that can't be asked."""


async def web_answers(port: int, path: str) -> None:
    """Until ``path`` answers 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n"
    await _ask(port, request, re.compile(rb"^HTTP/1\.[01] 200 "))


async def valkey_answers(port: int, password: str) -> None:
    """Until Valkey takes commands: while it reads its data it answers ``-LOADING``."""
    await _ask(port, f"AUTH {password}\r\nPING\r\nQUIT\r\n", re.compile(rb"\+PONG"))


async def somebody_waits_for_messages(port: int, password: str) -> None:
    """Until a client of Valkey waits for the next message, which only the worker does."""
    request = f"AUTH {password}\r\nINFO clients\r\nQUIT\r\n"
    await _ask(port, request, re.compile(rb"blocked_clients:[1-9]"))


async def _ask(port: int, request: str, yes: re.Pattern[bytes]) -> None:
    while True:
        try:
            answer = await asyncio.wait_for(_answer(port, request.encode()), ANSWER)
        except (OSError, TimeoutError):
            answer = b""
        if yes.search(answer):
            return
        await asyncio.sleep(PAUSE)


async def _answer(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
