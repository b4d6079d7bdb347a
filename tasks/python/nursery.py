"""The worker's side of the process that children are forked from: one for each worker process."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tasks.python.protocol import BIRTH, LONGEST_REQUEST, NUMBER, REAP

CHILD = Path(__file__).with_name("child.py")
#: Seconds that an answer may take, the start of Python included. A machine that is slower than
#: that gets a new Python for each child.
PATIENCE = 20.0


def command(mode: str, *descriptors: int) -> list[str]:
    return [sys.executable, "-s", "-P", str(CHILD), mode, *map(str, descriptors)]


class Nursery:
    """A running process of this kind."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raise ``OSError`` where no process can be started."""
        self.environment = dict(environment)
        self._lock = threading.Lock()
        with ExitStack() as unless_started:
            self._line, theirs = socket.socketpair()
            unless_started.enter_context(self._line)
            life, self._life = os.pipe()
            unless_started.callback(os.close, self._life)
            try:
                with theirs:
                    self._process = subprocess.Popen(  # noqa: S603 - our own script
                        command("many", theirs.fileno(), life),
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        cwd="/",
                        env=self.environment,
                        pass_fds=(theirs.fileno(), life),
                        start_new_session=True,
                    )
            finally:
                os.close(life)
            unless_started.pop_all()
        self._line.settimeout(PATIENCE)

    def birth(self, folder: str, descriptors: Sequence[int]) -> int:
        """The number of a new child that has these descriptors. Raise ``OSError``."""
        request = BIRTH + os.fsencode(folder)
        if len(request) > LONGEST_REQUEST:
            raise OSError("The path of the folder for temporary files is too long")
        pid = self._ask(request, descriptors)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    def reap(self, pid: int) -> int:
        """The exit code of a child that has ended. Raise ``OSError``."""
        return self._ask(REAP + str(pid).encode(), ())

    def _ask(self, request: bytes, descriptors: Sequence[int]) -> int:
        with self._lock:
            socket.send_fds(self._line, [request], descriptors)
            answer = self._line.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(answer) != NUMBER.size:
            raise ConnectionResetError("The process that makes children is gone")
        (number,) = NUMBER.unpack(answer)
        return int(number)

    def close(self) -> None:
        """Children that live are not touched."""
        self._process.kill()
        self._process.wait()
        self._line.close()
        os.close(self._life)


_lock = threading.Lock()
_present: list[tuple[int, Nursery]] = []


def nursery(environment: Mapping[str, str]) -> Nursery:
    """This process's, started when it is first asked for. Raise ``OSError``."""
    with _lock:
        if _present and _present[0][0] != os.getpid():
            _present.clear()  # it is that of the process that forked this one
        if _present and _present[0][1].environment != environment:
            _present.pop()[1].close()
        if not _present:
            _present.append((os.getpid(), Nursery(environment)))
        return _present[0][1]


def give_up(broken: Nursery | None = None) -> None:
    """End this process's, so that the next child gets a new one."""
    with _lock:
        if _present and _present[0][0] == os.getpid() and broken in (None, _present[0][1]):
            _present.pop()[1].close()


atexit.register(give_up)
