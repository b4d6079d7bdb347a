"""Make `.venv` and install into it what a requirements file names.

    python3 patchbay/local/bootstrap.py requirements-local.txt

It runs before anything is installed, with whatever Python the machine has:
standard library only, and nothing of Patchbay is imported.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"
#: One line for each requirements file that is installed: its name, and a hash of all it pins.
STAMP = VENV / ".installed"


class BootstrapError(Exception):
    """One sentence: what is missing, and what to do."""


def main(names: list[str]) -> int:
    try:
        with only_one():
            for name in names:
                install(ROOT / name)
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def only_one() -> Iterator[None]:
    """Two starts at once must not install into one `.venv` together."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def install(requirements: Path) -> None:
    """Do nothing where this file, and all it pins, is installed already."""
    make_venv()
    wanted = f"{requirements.name} {digest(requirements)}"
    if wanted in installed():
        return
    say(f"Installing {requirements.name} into .venv; the first time takes a minute or two ...")
    began = time.monotonic()
    pip_install(requirements)
    # What this file includes is installed too: `make run` after `make test` has nothing to do.
    lines = [f"{file.name} {digest(file)}" for file in included(requirements)]
    STAMP.write_text("\n".join(lines) + "\n")
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def make_venv() -> None:
    if usable():
        return
    if sys.version_info < (3, 11):  # noqa: UP036 - it runs with whatever Python there is
        raise BootstrapError("Patchbay needs Python 3.11 or newer.")
    if find_spec("ensurepip") is None:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        raise BootstrapError(
            f"{sys.executable} can't make a virtual environment:"
            f" install {package} (Debian, Ubuntu: apt install {package})."
        )
    say(f"Making .venv with Python {sys.version.split()[0]} ...")
    command = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        lines = (made.stdout + made.stderr).strip().splitlines() or ["no reason given"]
        raise BootstrapError(f"Making {VENV} failed: {lines[-1]}")


def usable() -> bool:
    """A `.venv` that was cut short, or whose Python has gone since, is made anew."""
    check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
    try:
        found = subprocess.run([PYTHON, "-c", check], check=False, capture_output=True)
    except OSError:
        return False
    return found.returncode == 0


def pip_install(requirements: Path) -> None:
    """pip's many lines are shown only where it fails."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["-c", str(CONSTRAINTS), "-r", str(requirements)]
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise BootstrapError(f"Installing {requirements.name} failed: see pip's lines above.")


def installed() -> list[str]:
    try:
        return STAMP.read_text().splitlines()
    except OSError:
        return []


def digest(requirements: Path) -> str:
    """A hash of the file, of those it includes, and of the constraints."""
    summed = hashlib.sha256()
    for file in (*included(requirements), CONSTRAINTS):
        summed.update(file.read_bytes() + b"\0")
    return summed.hexdigest()


def included(requirements: Path) -> list[Path]:
    """The file itself, then those that its `-r` lines name, and theirs."""
    files = [requirements]
    for line in requirements.read_text().splitlines():
        if line.startswith("-r "):
            files += included(requirements.parent / line.removeprefix("-r ").strip())
    return files


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
