"""What keeps `make run` from starting: one clear line, exit code 1, nothing half started."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from patchbay.local.home import Home
from patchbay.local.keys import prepare_keys
from patchbay.local.ports import HOST
from tests.local.processes import ROOT, patchbay


def start(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command, env = patchbay(home, variables)
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line; nothing else was said."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def started(home: Path) -> bool:
    """Whether any service left a trace."""
    return (home / "local.env").exists() or any((home / "log").glob("*"))


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port = listener.getsockname()[1]
        line = refusal(start(tmp_path / "home", PORT=str(port)))
    assert line.startswith(f"Port {port} is taken")
    assert not started(tmp_path / "home")
    assert not (tmp_path / "home" / "keys").exists()


def test_a_port_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    assert refusal(start(tmp_path / "home", PORT="http")).startswith("PORT must be a number")
    assert not (tmp_path / "home").exists()


def test_a_corrupt_key_is_told_in_one_line(tmp_path: Path) -> None:
    keys = prepare_keys(tmp_path / "keys", database=tmp_path / "none", warn=pytest.fail)
    keys.field_encryption_keys.write_text("broken\n")
    line = refusal(start(tmp_path, PORT=str(free())))
    assert f"{keys.field_encryption_keys} is corrupt" in line
    assert not started(tmp_path)


def test_a_second_start_is_refused_with_the_address_of_the_first(tmp_path: Path) -> None:
    with Home(tmp_path).open(url="http://127.0.0.1:8123"):
        line = refusal(start(tmp_path, PORT=str(free())))
    assert line == f"Patchbay is already running from {tmp_path} (http://127.0.0.1:8123)."
    assert not started(tmp_path)


def test_a_home_that_is_no_folder_is_told_in_one_line(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.touch()
    assert "can't be made" in refusal(start(home))


def free() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
