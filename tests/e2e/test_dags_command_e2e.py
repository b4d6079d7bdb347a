"""``manage.py dags`` as a person types it, with a real worker: watch, cancel, clear, complete."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.models import Dag, DagRun
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.processes import REPOSITORY, test_variables
from tests.tasks.conftest import query_task, save_dag
from tests.terminal import in_a_process, in_this_process

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _dag(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    save_dag(query_task())


def test_what_failed_is_cleared_and_watched_to_its_good_end(
    worker: Any, google: FakeGoogle
) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()), times=1)
    words = ("trigger", "example_dag", "--run-id", "r1", "--conf", "-", "--watch")
    failed = in_a_process("dags", *words, given='{"day": 1}')
    assert failed.returncode == 1, failed.stderr
    assert DagRun.objects.get().conf == {"day": 1}
    again = in_this_process(
        *("dags", "clear", "example_dag", "r1", "--only-failed", "-y", "--watch")
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 task of r1 run again." in again.stdout
    assert "Success" in again.stdout
    [shown] = json.loads(in_this_process("dags", "run", "example_dag", "r1", "-o", "json").stdout)
    assert (shown["state"], shown["tasks"][0]["try"]) == ("success", 2)


def test_a_run_is_cancelled_and_watched_until_its_job_has_stopped(
    worker: Any, google: FakeGoogle, until: Any
) -> None:
    google.plan(JobPlan(running=600))
    triggered = in_this_process("dags", "trigger", "example_dag", "--run-id", "r1")
    assert triggered.returncode == 0
    until(lambda: google.jobs)
    words = ("cancel", "example_dag", "r1", "--reason", "a test", "--watch")
    answer = in_a_process("dags", *words)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "r1 is cancelling." in answer.stdout
    assert "Cancelled" in answer.stdout
    assert DagRun.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs", "example_dag", "--limit", "0"], "whole number"),
        (["runs", "example_dag", "--state", "odd"], "there is no odd"),
        (["pause"], "required: dag_id"),
        (["cancel", "example_dag"], "required: run_id"),
        (["clear", "example_dag", "r1", "--version", "later"], "there is no later"),
    ],
)
def test_wrong_usage_of_flags_ends_with_2(arguments: list[str], words: str) -> None:
    answer = in_this_process("dags", *arguments)
    assert (answer.returncode, words in answer.stderr) == (2, True), answer.stderr
    assert not Dag.objects.get().is_paused


@pytest.fixture
def scripts(tmp_path: Path) -> dict[str, Path]:
    """What ``manage.py`` prints for bash, in a file for each of its commands."""
    files = {command: tmp_path / f"{command}.bash" for command in ("dags", "connections")}
    for command, file in files.items():
        file.write_text(in_a_process(command, "completion", "bash").stdout)
    return files


def complete(line: str, *scripts: Path) -> list[str]:
    """What a real bash offers at the end of ``line`` when it has loaded these."""
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = f"""
        {"; ".join(f"source {script}" for script in scripts)}
        COMP_LINE='{line}' COMP_POINT={len(line)}
        COMP_WORDS=({words})
        COMP_CWORD={len(line.split(" ")) - 1}
        _patchbay
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    answer = subprocess.run(
        ["bash", "--norc", "-c", program],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables()},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not answer.stderr
    return answer.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_flags_choices_dags_and_runs(scripts: dict[str, Path]) -> None:
    dag = Dag.objects.get()
    version = dag.versions.get()
    for run_id in ("manual__2026-11-22T10:00:00+00:00", "mine"):
        DagRun.objects.create(dag=dag, version=version, run_id=run_id)
    start = f"{sys.executable} manage.py dags"
    own, other = scripts["dags"], scripts["connections"]
    assert complete(f"{start} tri", own) == ["trigger"]
    assert set(complete(f"{start} ", own)) >= {"list", "runs", "clear", "pause"}
    assert complete(f"{start} clear example_dag mine --only", own) == ["--only-failed"]
    assert complete(f"{start} list -o js", own) == ["json"]
    assert complete(f"{start} clear example_dag mine --version n", own) == ["now"]
    assert complete(f"{start} show ex", own) == ["example_dag"]
    assert complete(f"{start} cancel example_dag mi", own) == ["mine"]
    # bash takes a word apart at its colons, and replaces the last part alone.
    assert complete(f"{start} run example_dag manual__2026-11-22T10:00", own) == ["00:00+00:00"]
    assert complete(f"{start} pause example_dag exam", own) == ["example_dag"]
    assert complete(f"{start} completion z", own) == ["zsh"]
    connections = f"{sys.executable} manage.py connections"
    assert complete(f"{connections} ex", own, other) == ["export"]
    assert complete(f"{connections} ex", own) == []
    assert complete(f"{start} tri", own, other) == ["trigger"]
    assert "bashcompinit" in in_this_process("dags", "completion", "zsh").stdout
