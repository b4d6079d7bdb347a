"""Runs one task's code, from the first message of the worker to the last word to it."""

from __future__ import annotations

import faulthandler
import fcntl
import gc
import inspect
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tasks.dagfiles import limits
from tasks.dagfiles.authoring.connecting import offer
from tasks.dagfiles.authoring.hooks import hook_for
from tasks.dagfiles.callables import CallableTask, load
from tasks.python.inside.channel import Channel
from tasks.python.inside.names import context_from
from tasks.python.inside.output import capture
from tasks.python.inside.raised import Files, WrongResult, raised
from tasks.python.inside.results import as_json
from tasks.python.inside.sessions import WorkerSessions
from tasks.python.protocol import MESSAGE_BYTES, packed


def main(line: int, life: int) -> None:
    """``line`` and ``life`` are file descriptors: the socket, and a pipe that the worker holds."""
    for descriptor in (line, life):
        os.set_inheritable(descriptor, False)
    end_with_worker(life)
    faulthandler.enable(file=2)
    channel = Channel(socket.socket(fileno=line))
    task = channel.receive()
    limits.limit_memory(int(task["memory"]) << 20)
    printed = capture(channel)
    last = _done(task, channel)
    if not channel.is_here:  # the code forked, and the first process has the last word
        os._exit(0)
    for each in printed:
        each.finish()
    channel.send(last)
    # No exit handlers and no waiting for threads: the function has returned.
    os._exit(0)


def end_with_worker(life: int) -> None:
    """Be killed, with all of this process group, as soon as the worker is gone."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(life, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETFL, os.O_ASYNC)
    else:
        threading.Thread(target=_wait_for_end, args=[life], daemon=True).start()
    ended = select.poll()  # select() takes no number above 1023
    ended.register(life, select.POLLIN)
    if ended.poll(0):
        os._exit(1)


def _wait_for_end(life: int) -> None:
    os.read(life, 1)
    os.killpg(0, signal.SIGKILL)


def _done(task: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Do the task; return the last word."""
    files = Files(task["folder"], task["filename"], task["source"])
    context = context_from(task, channel)
    sessions = WorkerSessions(channel, context=context)
    is_loading = True
    try:
        signal.signal(signal.SIGTERM, channel.terminate)
        loaded = load(
            task["source"], task["filename"], task["folder"], task["dag_id"], task["task_id"]
        )
        is_loading = False
        offer(sessions, hook=hook_for)
        return _returned(_called(loaded.function, task, context), loaded)
    except BaseException as error:  # whatever the user's code raises, SystemExit too
        if isinstance(error, MemoryError):
            limits.spend_spare_memory()
            gc.collect()
        return raised(error, files, is_loading=is_loading)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if channel.is_here:
            sessions.close()


def _called(function: Callable[..., Any], task: dict[str, Any], context: dict[str, Any]) -> Any:
    given = task["op_args"] or []
    named = task["op_kwargs"] or {}
    return function(*given, **arguments_of(function, given, {**context, **named}))


def arguments_of(
    function: Callable[..., Any], positional: list[Any], names: Mapping[str, Any]
) -> dict[str, Any]:
    """Those of ``names`` that the function takes, by Airflow's rule: all for ``**kwargs``."""
    parameters = list(inspect.signature(function).parameters.values())
    by_place = {
        each.name
        for each in parameters[: len(positional)]
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    }
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return {name: value for name, value in names.items() if name not in by_place}
    taken = {
        each.name
        for each in parameters
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    return {name: names[name] for name in names if name in taken - by_place}


def _returned(value: Any, loaded: CallableTask) -> dict[str, Any]:
    last: dict[str, Any] = {"kind": "returned", "value": as_json(value)}
    if loaded.multiple_outputs and value is not None:
        if not isinstance(last["value"], dict):
            raise WrongResult(f"a {type(value).__name__}, where multiple_outputs needs a dict")
        last["outputs"] = last["value"]
    size = len(packed(last))
    if size > MESSAGE_BYTES:
        raise TooLarge(size)
    return last


class TooLarge(ValueError):
    """The result is larger than what the worker takes."""

    code = "task:result-too-large"

    def __init__(self, size: int) -> None:
        super().__init__(f"The result takes {size >> 20} MiB as JSON.")
        self.facts = {"megabytes": MESSAGE_BYTES >> 20}
