"""The child process of one try: how it starts, and how it surely ends."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Protocol

from tasks.dagfiles.process import PASSED_ON
from tasks.python.nursery import Nursery, command, give_up, nursery
from tasks.python.protocol import NOT_ENDED

#: What of this process's environment clients of services need, beside what a DAG file may see.
#: None of it holds a secret of Patchbay's; a variable of a connection is never passed on.
NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE"),
)
_OWN_ENVIRONMENT = {
    "PYTHONUTF8": "1",
    # Both reserve address space for each thread or core, which the memory limit counts.
    "MALLOC_ARENA_MAX": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_LOOK = os.WEXITED | os.WNOWAIT | os.WNOHANG
#: Seconds that a killed process may take to be gone.
LONGEST_DEATH = 5.0
#: Whether a process that isn't ours can be watched: Linux can.
can_fork = hasattr(os, "pidfd_open")


class Process(Protocol):
    """A process whose number stays its own until it is reaped."""

    pid: int

    @property
    def has_ended(self) -> bool: ...

    def reap(self) -> int:
        """The exit code of the process, which has ended or was killed."""


class Started:
    """A Python of its own."""

    def __init__(self, descriptors: Sequence[int], folder: str, env: Mapping[str, str]) -> None:
        line, life, output = descriptors
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            command("one", line, life),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            # What the code leaves in the folder for temporary files goes with it.
            env={**env, "TMPDIR": folder},
            pass_fds=(line, life),
            start_new_session=True,
            umask=0o077,
        )
        self.pid = self._process.pid

    @property
    def has_ended(self) -> bool:
        return os.waitid(os.P_PID, self.pid, _LOOK) is not None

    def reap(self) -> int:
        return self._process.wait()


class Born:
    """A fork of the nursery, which reaps it when it is told to."""

    def __init__(self, parent: Nursery, descriptors: Sequence[int], folder: str) -> None:
        self._parent = parent
        self.pid = parent.birth(folder, descriptors)
        self._watch = os.pidfd_open(self.pid)

    @property
    def has_ended(self) -> bool:
        return self._is_over(0)

    def _is_over(self, seconds: float) -> bool:
        watch = select.poll()  # select() takes no number above 1023
        watch.register(self._watch, select.POLLIN)
        return bool(watch.poll(seconds * 1000))

    def reap(self) -> int:
        self._is_over(LONGEST_DEATH)
        os.close(self._watch)
        try:
            code = self._parent.reap(self.pid)
        except OSError:
            give_up(self._parent)
            code = NOT_ENDED
        return -signal.SIGKILL if code == NOT_ENDED else code


class Child:
    """A running child. ``channel`` carries messages, ``output`` what is written to 1 and 2."""

    def __init__(self, variables: Iterable[str] = ()) -> None:
        """Raise ``OSError`` where no process can be started."""
        self._lock = threading.Lock()
        self._is_there = True
        with ExitStack() as unless_started:
            self.folder = tempfile.mkdtemp(prefix="patchbay-task-")
            unless_started.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.channel, theirs = socket.socketpair()
            unless_started.enter_context(self.channel)
            with theirs, ExitStack() as after_the_start:
                # Nothing is ever written to it: its end is the end of this process.
                life, self._life = os.pipe()
                unless_started.callback(os.close, self._life)
                self.output, output = os.pipe()
                unless_started.callback(os.close, self.output)
                for descriptor in (life, output):
                    after_the_start.callback(os.close, descriptor)
                descriptors = (theirs.fileno(), life, output)
                self._process = _new_process(descriptors, self.folder, _environment(variables))
            unless_started.pop_all()
        self.pid = self._process.pid
        self.channel.setblocking(False)
        os.set_blocking(self.output, False)

    @property
    def has_ended(self) -> bool:
        return self._process.has_ended

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, but at most so long."""
        end = time.monotonic() + seconds
        while not self.has_ended and time.monotonic() < end:
            time.sleep(0.002)

    def signal(self, number: int) -> None:
        """Send a signal to the child with all that it started in its group."""
        with self._lock:
            if self._is_there:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, number)

    def end(self) -> int:
        """Kill what is left, free all that the child held, and return its exit code.

        It is negative for the signal that ended it, as in ``subprocess``.
        """
        self.signal(signal.SIGKILL)
        with self._lock:
            self._is_there = False
        code = self._process.reap()
        self.channel.close()
        os.close(self.output)
        os.close(self._life)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


def _environment(variables: Iterable[str]) -> dict[str, str]:
    names = {*PASSED_ON, *NETWORK, *variables} - {"TMPDIR"}
    return {name: os.environ[name] for name in names if name in os.environ} | _OWN_ENVIRONMENT


def _new_process(descriptors: Sequence[int], folder: str, env: Mapping[str, str]) -> Process:
    """A fork of the nursery; a new Python where there can't be one."""
    if can_fork:
        parent = None
        try:
            parent = nursery(env)
            return Born(parent, descriptors, folder)
        except OSError:
            give_up(parent)
    return Started(descriptors, folder, env)
