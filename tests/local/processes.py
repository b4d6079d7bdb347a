"""Starts and ends the programs under test, and looks whether anything of them is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Seconds. Generous: a loaded machine makes a test slow, not red.
PATIENCE = 90.0


def until(condition: Callable[[], bool], *, what: str, seconds: float = PATIENCE) -> None:
    """Wait for ``condition``; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs. One that ended and was not waited for does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def children(pid: int) -> list[int]:
    """Every process that descends from ``pid``."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found += [int(folder.name), *children(int(folder.name))]
    return found


class Program:
    """A program in the background, with its output in files."""

    def __init__(self, command: list[str], *, folder: Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._out, self._err = folder / "stdout", folder / "stderr"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=dict(env), stdout=out, stderr=err, start_new_session=True
            )

    @property
    def output(self) -> str:
        return self._out.read_text()

    @property
    def errors(self) -> str:
        return self._err.read_text()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def exit_code(self, *, seconds: float = PATIENCE) -> int:
        return self.process.wait(seconds)

    def wait_for(self, text: str, *, seconds: float = PATIENCE) -> None:
        def there() -> bool:
            if text in self.output:
                return True
            assert self.process.poll() is None, f"ended:\n{self.output}\n{self.errors}"
            return False

        until(there, what=repr(text), seconds=seconds)


@contextmanager
def program(
    command: list[str], *, folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Whatever the test does, the program and all it started are gone afterwards."""
    running = Program(command, folder=folder, env=os.environ if env is None else env)
    try:
        yield running
    finally:
        left = children(running.process.pid)
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        for pid in left:
            if alive(pid):
                os.kill(pid, 9)


@contextmanager
def running_patchbay(home: Path, *, folder: Path, **variables: str) -> Iterator[Program]:
    """All of Patchbay, as `make run` starts it, ready for use; ``PORT`` has to be among
    ``variables``. ``folder`` takes its output. Whatever the test does, nothing is left."""
    command, env = patchbay(home, variables)
    with program(command, folder=folder, env=env) as running:
        running.wait_for("Patchbay is ready: ", seconds=120)
        yield running


def patchbay(
    home: Path, variables: Mapping[str, str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """The command and the environment of `make run`'s supervisor in ``home``."""
    kept = {name: value for name, value in os.environ.items() if not _configures(name)}
    env = {**kept, "PATCHBAY_HOME": str(home), **(variables or {})}
    return [sys.executable, "-m", "patchbay.local"], env


def _configures(name: str) -> bool:
    return name.startswith(("PATCHBAY_", "DJANGO_")) or name in ("PORT", "TEST_DATABASE_URL")
