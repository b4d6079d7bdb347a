"""Listens to one child until it has said its last word, has ended, or must be ended."""

from __future__ import annotations

import codecs
import os
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from tasks.python.lines import Budget, Splitter
from tasks.python.process import Child
from tasks.python.protocol import LAST, Garbled, Inbox, packed, taken

#: Seconds between SIGTERM, at which the code may tidy up, and SIGKILL.
GRACE = 5.0
#: Seconds that a child may take to end after it closed its socket without a last word.
LAST_MOMENTS = 1.0
#: What it printed but nobody read yet is read in so many pieces at its end. What it started may
#: still print, without an end.
LAST_PIECES = 256
_CHUNK = 1 << 16
#: How often to look whether the child has ended, in seconds; the second where the system doesn't
#: tell it.
_LOOK, _OFTEN = 0.5, 0.02
_LEFT_OUT = "More was logged than is kept; the rest is left out."

#: Takes a message of the child; returns the answer to a question, ``None`` for what is none.
Handler = Callable[[dict[str, Any]], dict[str, Any] | None]
#: Takes a line and its level.
Logger = Callable[[str, str], None]
#: Seconds after which lines are shown that were logged.
SHOWN_AFTER = 1.0


class Conversation:
    """The worker's side of the talk with ``child``.

    ``last`` is the child's last word; ``None`` where it ended without one.
    ``is_garbled``: its socket was closed, or something else was written into it.
    """

    def __init__(
        self, child: Child, *, handle: Handler, log: Logger, show: Callable[[], object]
    ) -> None:
        """``show`` makes the lines seen that were logged."""
        self.child = child
        self.last: dict[str, Any] | None = None
        self.is_garbled = False
        self._handle = handle
        self._log_line = log
        self._show = show
        self._show_at: float | None = None
        self._inbox = Inbox()
        self._outbox = bytearray()
        self._printed = Splitter()
        self._budget = Budget()
        self._selector = selectors.DefaultSelector()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._look = _LOOK
        self._is_listening = True
        self._kill_at: float | None = None

    def stop(self) -> None:
        """End the child soon. Another thread may call it."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + GRACE
            self.child.signal(signal.SIGTERM)

    def hold(self, task: dict[str, Any]) -> None:
        """Give the child its task, and listen until its last word or its end."""
        with ExitStack() as stack:
            stack.enter_context(self._selector)
            self._watch(self.child.channel.fileno(), self._receive)
            self._watch(self.child.output, self._read_output)
            self._watch_end(stack)
            self._say(task)
            while not self._is_over():
                self._listen_once()
            self._read_what_is_left()

    def _watch(self, descriptor: int, read: Callable[[], object]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, read)

    def _watch_end(self, stack: ExitStack) -> None:
        try:
            end = os.pidfd_open(self.child.pid)
        except (AttributeError, OSError):
            self._look = _OFTEN
            return
        stack.callback(os.close, end)
        self._watch(end, lambda: None)

    def _is_over(self) -> bool:
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self.child.signal(signal.SIGKILL)
            self.child.wait(LAST_MOMENTS)
        return self.last is not None or not self._is_listening or self.child.has_ended

    def _listen_once(self) -> None:
        left = self._look if self._kill_at is None else self._kill_at - time.monotonic()
        for key, events in self._selector.select(max(0.0, min(self._look, left))):
            if events & selectors.EVENT_WRITE:
                self._send()
            if events & selectors.EVENT_READ and self._is_listening:
                key.data()
        if self._show_at is not None and time.monotonic() >= self._show_at:
            self._show_at = None
            self._show()

    def _read_what_is_left(self) -> None:
        if not self._is_listening and not self.is_garbled:
            # A process that ends closes its sockets a moment before.
            self.child.wait(LAST_MOMENTS)
            self.is_garbled = not self.child.has_ended
        while self.last is None and self._is_listening and self._receive():
            pass
        for _ in range(LAST_PIECES):
            if not self._read_output():
                break
        self._log(self._printed.rest(), "info")

    # Messages

    def _say(self, message: dict[str, Any]) -> None:
        self._outbox += packed(message)
        self._send()

    def _send(self) -> None:
        """Send as much as the child takes now; the rest when it takes more."""
        try:
            while self._outbox:
                del self._outbox[: self.child.channel.send(self._outbox)]
        except BlockingIOError:
            pass
        except OSError:  # it has ended, or has closed its socket: then there is nothing to read
            self._outbox.clear()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox else 0)
        with suppress(KeyError):
            channel = self._selector.get_key(self.child.channel.fileno())
            self._selector.modify(channel.fd, wanted, channel.data)

    def _receive(self) -> bool:
        """Read what is there, and act on it; false where nothing is."""
        try:
            chunk = self.child.channel.recv(_CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._is_listening = False
            self._selector.unregister(self.child.channel.fileno())
            return False
        try:
            for message in self._inbox.add(chunk):
                self._take(message)
        except Garbled:
            self.is_garbled, self._is_listening = True, False
        return True

    def _take(self, message: dict[str, Any]) -> None:
        if self.last is not None:
            return
        if message["kind"] in LAST:
            self.last = message
        elif message["kind"] == "lines":
            lines = taken(message, "lines", list)
            self._log([str(line) for line in lines], taken(message, "level", str))
        elif (answer := self._handle(message)) is not None:
            self._say(answer)

    # Lines

    def _read_output(self) -> bool:
        try:
            chunk = os.read(self.child.output, _CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            if self.child.output in self._selector.get_map():
                self._selector.unregister(self.child.output)
            return False
        self._log(self._printed.add(self._decoder.decode(chunk)), "info")
        return True

    def _log(self, lines: list[str], level: str) -> None:
        if self._budget.is_spent or not lines:
            return
        self._show_at = self._show_at or time.monotonic() + SHOWN_AFTER
        for line in self._budget.spend(lines):
            self._log_line(line, level)
        if self._budget.is_spent:
            self._log_line(_LEFT_OUT, "warning")
