"""``manage.py dags`` as a person types it: what it prints, and its exit codes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.models import DagRun
from tests.fakes.google import FakeGoogle, JobError, JobPlan, SilentServer
from tests.processes import REPOSITORY, test_variables
from tests.tasks.conftest import query_task, save_dag
from tests.terminal import in_a_process as manage
from tests.terminal import in_this_process

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _dag(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    save_dag(query_task())


def test_watch_prints_every_step_and_ends_with_0(worker: Any) -> None:
    answer = manage("dags", "trigger", "example_dag", "--watch")
    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    done = [line for line in lines if re.match(r"\d  .*\(.*s\)", line)]
    assert [line[0] for line in done] == list("123456")
    assert "my_gcp_conn" in done[1]
    assert "\x1b" not in answer.stdout


def test_a_failed_run_ends_with_1_and_says_what_to_do(worker: Any, google: FakeGoogle) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()))
    answer = in_this_process("dags", "trigger", "example_dag", "--watch")
    assert answer.returncode == 1
    assert "What to do" in answer.stdout
    assert "Syntax error" in answer.stdout


def test_on_a_terminal_the_table_is_drawn(worker: Any) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "manage.py", "dags", "trigger", "example_dag", "--watch"],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables(), "COLUMNS": "160", "TERM": "xterm-256color"},
        stdout=slave,
        stderr=slave,
        stdin=slave,
    ) as process:
        os.close(slave)
        drawn = b""
        while True:
            try:
                chunk = os.read(master, 65_536)
            except OSError:
                break
            if not chunk:
                break
            drawn += chunk
    os.close(master)
    assert process.returncode == 0
    text = drawn.decode()
    assert "Connection ID used" in text
    assert "┃" in text
    assert "DAG run successful" in text


def test_conf_reaches_the_run(worker: Any) -> None:
    answer = in_this_process("dags", "trigger", "example_dag", "--conf", '{"day": "2026-01-31"}')
    assert answer.returncode == 0
    assert DagRun.objects.get().conf == {"day": "2026-01-31"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dags", "trigger"], "dag_id"),
        (["dags", "trigger", "nowhere"], "There are: example_dag"),
        (["dags", "trigger", "example_dag", "--conf", "{"], "line 1, column"),
        (["dags", "trigger", "example_dag", "--conf", "[1]"], "JSON object"),
        (["dags"], "COMMAND"),
        (["dags", "fly"], "there is no fly"),
    ],
)
def test_wrong_usage_ends_with_2_and_makes_no_run(arguments: list[str], words: str) -> None:
    answer = in_this_process(*arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert not DagRun.objects.exists()


def test_without_services_it_says_how_to_start_them(tmp_path: Path) -> None:
    answer = manage(
        "dags", "trigger", "example_dag", PATCHBAY_BROKER_URL="", PATCHBAY_HOME=str(tmp_path)
    )
    assert answer.returncode == 1
    assert "make run" in answer.stderr
    assert not DagRun.objects.exists()


def test_services_that_are_gone_are_told_and_no_run_is_made(tmp_path: Path) -> None:
    """What ``kill -9`` of ``make run`` leaves behind: a file that names a broker."""
    (tmp_path / "local.env").write_text("PATCHBAY_BROKER_URL=redis://127.0.0.1:1/0\n")
    environment = {k: v for k, v in os.environ.items() if k != "PATCHBAY_BROKER_URL"}
    answer = subprocess.run(
        [sys.executable, "manage.py", "dags", "trigger", "example_dag"],
        cwd=REPOSITORY,
        env={**environment, **test_variables(), "PATCHBAY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 1
    assert "make run" in answer.stderr
    assert not DagRun.objects.exists()


def test_a_broker_that_does_not_answer_delays_the_run_and_loses_nothing() -> None:
    with SilentServer() as silent:
        address = f"redis://{silent.url.removeprefix('http://')}/0"
        answer = manage("dags", "trigger", "example_dag", PATCHBAY_BROKER_URL=address)
    assert answer.returncode == 0, answer.stderr
    assert "is queued" in answer.stdout
    # The worker of other tests sweeps: it may have found the run by now.
    assert DagRun.objects.get().state in ("queued", "running", "success")


def test_the_errors_of_dag_files_are_listed_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("from airflow import DAG\n\nwith DAG('x' as dag:\n")
    (tmp_path / "good.py").write_text((REPOSITORY / "dags/example_dag.py").read_text())
    synced = manage("dags", "sync", PATCHBAY_DAGS_FOLDER=str(tmp_path))
    assert synced.returncode == 0
    assert "broken.py:3" in synced.stderr
    errors = manage("dags", "errors", PATCHBAY_DAGS_FOLDER=str(tmp_path))
    assert errors.returncode == 1
    assert "broken.py:3" in errors.stdout
    assert "example_dag" in in_this_process("dags", "list").stdout
