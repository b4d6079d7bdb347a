"""The supervisor's promises, with stand-ins for the services and real signals."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local.processes import ROOT, Program, alive, program, until

SUPERVISED = ROOT / "tests" / "local" / "supervised.py"


@contextmanager
def supervised(folder: Path, *stand_ins: str) -> Iterator[Program]:
    command = [sys.executable, "-W", "error", str(SUPERVISED), str(folder), *stand_ins]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with program(command, folder=folder / "supervisor", env=environment) as running:
        yield running


def events(folder: Path) -> list[str]:
    return (folder / "events").read_text().splitlines()


def pids(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids").read_text().split()]


def all_gone(folder: Path) -> bool:
    return not any(alive(pid) for pid in pids(folder))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_in_the_reverse_order_of_their_start(
    tmp_path: Path, number: signal.Signals
) -> None:
    with supervised(tmp_path, "valkey", "worker", "web") as running:
        running.wait_for("all are up")
        running.signal(number)
        assert running.exit_code() == 0
    ended = [event for event in events(tmp_path) if event.endswith("ended")]
    assert ended == ["web ended", "worker ended", "valkey ended"]
    assert all_gone(tmp_path)
    assert running.errors == ""


def test_a_service_that_does_not_end_is_killed_after_its_time(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker:stubborn", "web") as running:
        running.wait_for("all are up")
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
    assert "worker didn't end in 1 s and is killed." in running.output
    assert all_gone(tmp_path)


def test_what_a_service_started_ends_with_it(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker:parent") as running:
        running.wait_for("all are up")
        assert len(pids(tmp_path)) == 2
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
        until(lambda: all_gone(tmp_path), what="the end of the child's child")


def test_a_second_ctrl_c_kills_at_once(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker:stubborn,patient", "web") as running:
        running.wait_for("all are up")
        running.signal(signal.SIGINT)
        until(lambda: "web ended" in events(tmp_path), what="the end of web")
        time.sleep(0.6)
        began = time.monotonic()
        running.signal(signal.SIGINT)
        assert running.exit_code() == 0
    assert time.monotonic() - began < 15
    assert all_gone(tmp_path)


def test_one_ctrl_c_that_arrives_twice_still_ends_in_order(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker:slow,patient") as running:
        running.wait_for("all are up")
        running.signal(signal.SIGINT)
        running.signal(signal.SIGINT)
        assert running.exit_code() == 0
    assert events(tmp_path)[-1] == "worker ended"


def test_a_sigterm_that_arrives_twice_still_ends_in_order(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker:slow,patient") as running:
        running.wait_for("all are up")
        running.signal(signal.SIGTERM)
        time.sleep(0.7)
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
    assert events(tmp_path)[-1] == "worker ended"


def test_a_signal_during_the_start_leaves_nothing(tmp_path: Path) -> None:
    with supervised(tmp_path, "valkey", "worker:silent") as running:
        until((tmp_path / "worker.log").exists, what="the second service")
        running.signal(signal.SIGTERM)
        assert running.exit_code() == 0
    assert "all are up" not in running.output
    assert all_gone(tmp_path)


def test_kill_9_of_the_supervisor_leaves_no_service(tmp_path: Path) -> None:
    with supervised(tmp_path, "valkey", "worker:stubborn", "web") as running:
        running.wait_for("all are up")
        running.signal(signal.SIGKILL)
        running.exit_code()
        until(lambda: all_gone(tmp_path), what="the end of the services")


def test_the_terminals_ctrl_c_reaches_only_the_supervisor(tmp_path: Path) -> None:
    with supervised(tmp_path, "web") as running:
        running.wait_for("all are up")
        (web,) = pids(tmp_path)
        assert os.getpgid(web) == web != os.getpgid(running.process.pid)
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.exit_code() == 0


def test_a_service_that_ends_by_itself_is_named_with_its_last_lines_and_ends_all(
    tmp_path: Path,
) -> None:
    with supervised(tmp_path, "valkey", "worker:ending") as running:
        assert running.exit_code() == 1
    assert running.errors.splitlines() == [
        "The last lines of worker:",
        "    worker is up",
        "    the reason why",
        "worker ended by itself, with exit code 7.",
    ]
    assert events(tmp_path)[-1] == "valkey ended"
    assert all_gone(tmp_path)


def test_a_service_killed_from_outside_is_told_by_the_signals_name(tmp_path: Path) -> None:
    with supervised(tmp_path, "valkey", "web") as running:
        running.wait_for("all are up")
        os.kill(pids(tmp_path)[1], signal.SIGKILL)
        assert running.exit_code() == 1
    assert running.errors.splitlines()[-1] == "web ended by itself, by SIGKILL."
    assert all_gone(tmp_path)


def test_a_step_that_fails_ends_the_start(tmp_path: Path) -> None:
    with supervised(tmp_path, "valkey", "setup:failing", "web") as running:
        assert running.exit_code() == 1
    assert "    it can't go on" in running.errors.splitlines()
    assert running.errors.splitlines()[-1] == "setup ended by itself, with exit code 1."
    assert "web started" not in events(tmp_path)
    assert all_gone(tmp_path)


def test_a_service_that_never_is_ready_ends_the_start(tmp_path: Path) -> None:
    with supervised(tmp_path, "valkey", "web:silent,hasty") as running:
        assert running.exit_code() == 1
    assert running.errors.splitlines()[-1] == "web isn't ready after 1 s."
    assert events(tmp_path)[-1] == "valkey ended"
    assert all_gone(tmp_path)
