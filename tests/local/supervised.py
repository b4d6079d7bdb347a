"""A program: the real supervisor with stand-ins for the services.

    python supervised.py FOLDER STAND_IN [STAND_IN ...]

A stand-in is written as ``name:option,option``. It says in ``FOLDER/events``
what happens to it, and in ``FOLDER/pids`` who it is.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from patchbay.local.readiness import PAUSE
from patchbay.local.services import Service
from patchbay.local.supervisor import Supervisor
from patchbay.local.terminal import Terminal

STAND_IN = """
import os, signal, subprocess, sys, time
folder, name, *options = sys.argv[1:]

def say(file, text):
    handle = os.open(f"{folder}/{file}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{text}\\n".encode())

def end(*_):
    if "slow" in options:
        time.sleep(1.5)
    say("events", f"{name} ended")
    sys.exit(0)

signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in options else end)
say("pids", os.getpid())
if "parent" in options:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    say("pids", child.pid)
print(f"{name} is up")
if "failing" in options:
    sys.exit("it can't go on")
if "ending" in options:
    time.sleep(0.5)
    print("the reason why", flush=True)
    sys.exit(7)
if "silent" not in options:
    say("events", f"{name} started")
while True:
    time.sleep(600)
"""


def service(folder: Path, written: str) -> Service:
    name, _, options = written.partition(":")

    async def ready() -> None:
        events = folder / "events"
        while not (events.exists() and f"{name} started" in events.read_text()):
            await asyncio.sleep(PAUSE)

    return Service(
        name,
        (sys.executable, "-u", "-c", STAND_IN, str(folder), name, *options.split(",")),
        ready=ready,
        start_seconds=1.0 if "hasty" in options else 60.0,
        stop_seconds=20.0 if "patient" in options or not _outlives(options) else 1.0,
    )


def _outlives(options: str) -> bool:
    """Whether something of it must be killed: what ends when it is told to has time to."""
    return "stubborn" in options or "parent" in options


async def main(folder: Path, stand_ins: list[str]) -> int:
    async def start(supervisor: Supervisor) -> None:
        for written in stand_ins:
            stand_in = service(folder, written)
            if "failing" in written:
                await supervisor.complete(stand_in, environment={})
            else:
                await supervisor.launch(stand_in, environment={})
        terminal.plain("all are up")

    terminal = Terminal()
    supervisor = Supervisor(environment=dict(os.environ), terminal=terminal, log=folder)
    return await supervisor.run(start)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), sys.argv[2:])))
