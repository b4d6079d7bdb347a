"""The process that children are forked from: it has imported already what each of them needs.

Forking takes a few milliseconds where a new Python takes sixty. It has a single
thread, and never sees a user's code.
"""

from __future__ import annotations

import gc
import os
import socket
from contextlib import suppress

from tasks.dagfiles.authoring.imports import finder
from tasks.python.inside.main import end_with_worker, main
from tasks.python.protocol import BIRTH, LONGEST_REQUEST, NOT_ENDED, NUMBER, REAP


def serve(control: int, life: int) -> None:
    """Do what the worker asks, one request after the other, until it is gone."""
    end_with_worker(life)
    finder()
    gc.collect()
    # What is there by now stays shared with the children: nothing of it is looked at again.
    gc.freeze()
    line = socket.socket(fileno=control)
    unreaped: set[int] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(line, LONGEST_REQUEST, 3)
        unreaped = {pid for pid in unreaped if _status(pid) == NOT_ENDED}
        if request.startswith(BIRTH):
            answer = _born(request.removeprefix(BIRTH), descriptors, [control, life])
        elif request.startswith(REAP):
            pid = int(request.removeprefix(REAP))
            answer = _status(pid)
            unreaped |= {pid} if answer == NOT_ENDED else set()
        else:
            os._exit(0)
        line.sendall(NUMBER.pack(answer))


def _born(folder: bytes, descriptors: list[int], ours: list[int]) -> int:
    """The number of a new child; negative where there can't be one."""
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or 1)
    if pid == 0:
        for descriptor in ours:
            os.close(descriptor)
        _live(folder, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    if pid > 0:
        _make_group(pid)
    return pid


def _live(folder: bytes, line: int, life: int, output: int) -> None:
    _make_group(os.getpid())
    for number in (1, 2):
        os.dup2(output, number)
    os.close(output)
    try:
        os.chdir(folder)
    except OSError:
        os._exit(1)
    os.environb[b"TMPDIR"] = folder
    os.umask(0o077)
    gc.unfreeze()
    main(line, life)


def _make_group(pid: int) -> None:
    """Both sides do it: then it is done before anybody sends the group a signal."""
    with suppress(OSError):
        os.setpgid(pid, pid)


def _status(pid: int) -> int:
    """The exit code of a child that has ended, negative for a signal."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if found else NOT_ENDED
