"""`make run`, whole: the real services in an empty folder."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from patchbay.local.ports import free_port
from tests.local.processes import ROOT, alive, children, patchbay, running_patchbay, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def manage(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` as in a second terminal."""
    _, env = patchbay(home)
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_first_start_works_a_second_keeps_the_data_and_nothing_is_left(tmp_path: Path) -> None:
    home, port = tmp_path / "a home", free_port()
    url = f"http://127.0.0.1:{port}"
    with running_patchbay(home, folder=tmp_path / "first", PORT=str(port)) as running:
        last = running.output.splitlines()[-1]
        ready = f"Patchbay is ready: {url}   user admin · password "
        found = re.fullmatch(re.escape(ready) + r"(\S{16,}) \(shown only this time\)", last)
        assert found, last
        password = found[1]
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
            assert answer.read() == b"ok"
        watched = manage(home, "dags", "trigger", "example_dag", "--watch")
        assert watched.returncode == 0, watched.stdout + watched.stderr
        assert "DAG run successful" in watched.stdout
        _second_start_is_refused(home, url)
        # Now and then a worker has one more, which reads the DAG files.
        until(lambda: len(children(running.process.pid)) == 6, what="six services")
        processes = children(running.process.pid)
        running.signal(signal.SIGINT)
        assert running.exit_code() == 0
    assert not any(alive(pid) for pid in processes)
    assert "PATCHBAY_BROKER_URL" not in (home / "local.env").read_text()
    _only_the_owner_reads(home)
    _secrets_are_in_no_log(home, password)

    began = time.monotonic()
    with running_patchbay(home, folder=tmp_path / "second", PORT=str(port)) as running:
        assert running.output.splitlines()[-1] == f"Patchbay is ready: {url}   user admin"
        # Ten seconds are promised; a loaded machine makes this test slow, not red.
        assert time.monotonic() - began < 60
        listed = manage(home, "dags", "trigger", "example_dag", "--watch")
        assert listed.returncode == 0, listed.stdout + listed.stderr
        processes = children(running.process.pid)
        running.signal(signal.SIGKILL)
        running.exit_code()
        until(lambda: not any(map(alive, processes)), what="the end of the services")


def _second_start_is_refused(home: Path, url: str) -> None:
    command, env = patchbay(home, {"PORT": str(free_port())})
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"Patchbay is already running from {home} ({url}).\n"


def _only_the_owner_reads(home: Path) -> None:
    for path in (home, *home.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def _secrets_are_in_no_log(home: Path, password: str) -> None:
    config = (home / "valkey" / "valkey.conf").read_text()
    broker_password = re.search(r"^requirepass (\S+)$", config, re.MULTILINE)
    assert broker_password
    secrets = [password, broker_password[1]]
    secrets += [path.read_text().strip() for path in (home / "keys").iterdir()]
    for log in (home / "log").iterdir():
        text = log.read_text()
        assert not [secret for secret in secrets if secret in text], log.name


def test_the_brokers_password_is_on_no_command_line_and_the_admins_in_no_environment(
    tmp_path: Path,
) -> None:
    with running_patchbay(
        tmp_path / "home",
        folder=tmp_path / "output",
        PORT=str(free_port()),
        PATCHBAY_ADMIN_PASSWORD="correct horse battery",
    ) as running:
        assert "correct horse" not in running.output
        for pid in children(running.process.pid):
            command = Path(f"/proc/{pid}/cmdline").read_text()
            environment = Path(f"/proc/{pid}/environ").read_text()
            assert "redis://" not in command
            assert "correct horse" not in environment
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
