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

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def manage(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **test_variables()},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(autouse=True)
def _dag(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    save_dag(query_task())


def test_what_failed_is_cleared_and_watched_to_its_good_end(
    worker: Any, google: FakeGoogle
) -> None:
    google.plan(JobPlan(error=JobError.invalid_query()), times=1)
    words = ("trigger", "example_dag", "--run-id", "r1", "--conf", "-", "--watch")
    failed = manage("dags", *words, given='{"day": 1}')
    assert failed.returncode == 1, failed.stderr
    assert DagRun.objects.get().conf == {"day": 1}
    again = manage("dags", "clear", "example_dag", "r1", "--only-failed", "-y", "--watch")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "1 task of r1 run again." in again.stdout
    assert "Success" in again.stdout
    [shown] = json.loads(manage("dags", "run", "example_dag", "r1", "-o", "json").stdout)
    assert (shown["state"], shown["tasks"][0]["try"]) == ("success", 2)


def test_a_run_is_cancelled_and_watched_until_its_job_has_stopped(
    worker: Any, google: FakeGoogle, until: Any
) -> None:
    google.plan(JobPlan(running=600))
    assert manage("dags", "trigger", "example_dag", "--run-id", "r1").returncode == 0
    until(lambda: google.jobs)
    answer = manage("dags", "cancel", "example_dag", "r1", "--reason", "a test", "--watch")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "r1 is cancelling." in answer.stdout
    assert "Cancelled" in answer.stdout
    assert DagRun.objects.get().state == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["runs", "example_dag", "--limit", "0"], "whole number"),
        (["runs", "example_dag", "--state", "odd"], "invalid choice"),
        (["pause"], "required: dag_id"),
        (["cancel", "example_dag"], "required: run_id"),
        (["clear", "example_dag", "r1", "--version", "later"], "invalid choice"),
    ],
)
def test_wrong_usage_of_flags_ends_with_2(arguments: list[str], words: str) -> None:
    answer = manage("dags", *arguments)
    assert (answer.returncode, words in answer.stderr) == (2, True), answer.stderr
    assert not Dag.objects.get().is_paused


def complete(line: str, tmp_path: Path, *others: str) -> list[str]:
    """What a real bash offers at the end of ``line``, with the scripts of ``others`` loaded too."""
    sources = []
    for command in ("dags", *others):
        script = tmp_path / f"{command}.bash"
        script.write_text(manage(command, "completion", "bash").stdout)
        sources.append(f"source {script}")
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = f"""
        {"; ".join(sources)}
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
        timeout=60,
        check=True,
    )
    assert not answer.stderr
    return answer.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_flags_choices_dags_and_runs(tmp_path: Path) -> None:
    dag = Dag.objects.get()
    version = dag.versions.get()
    for run_id in ("manual__2026-11-22T10:00:00+00:00", "mine"):
        DagRun.objects.create(dag=dag, version=version, run_id=run_id)
    start = f"{sys.executable} manage.py dags"
    assert complete(f"{start} tri", tmp_path) == ["trigger"]
    assert set(complete(f"{start} ", tmp_path)) >= {"list", "runs", "clear", "pause"}
    assert complete(f"{start} clear example_dag mine --only", tmp_path) == ["--only-failed"]
    assert complete(f"{start} list -o js", tmp_path) == ["json"]
    assert complete(f"{start} clear example_dag mine --version n", tmp_path) == ["now"]
    assert complete(f"{start} show ex", tmp_path) == ["example_dag"]
    assert complete(f"{start} cancel example_dag mi", tmp_path) == ["mine"]
    # bash takes a word apart at its colons, and replaces the last part alone.
    assert complete(f"{start} run example_dag manual__2026-11-22T10:00", tmp_path) == [
        "00:00+00:00"
    ]
    assert complete(f"{start} pause example_dag exam", tmp_path) == ["example_dag"]
    assert complete(f"{start} completion z", tmp_path) == ["zsh"]
    connections = f"{sys.executable} manage.py connections"
    assert complete(f"{connections} ex", tmp_path, "connections") == ["export"]
    assert complete(f"{connections} ex", tmp_path) == []
    assert complete(f"{start} tri", tmp_path, "connections") == ["trigger"]
    assert "bashcompinit" in manage("dags", "completion", "zsh").stdout
