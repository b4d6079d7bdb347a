"""A DAG file written as Airflow's public examples are, on the local BigQuery and object store."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connections.validation import Draft
from patchbay.local.demo import PROJECT
from patchbay.local.objects import ObjectStore
from patchbay.local.ports import HOST, free_port
from patchbay.local.weather import stored_rows
from tests.local.objects import object_store
from tests.local.processes import Program, program, until
from tests.tasks.like_examples import Run, left_by, results_of, runner_in_this_process, states_of

pytestmark = [pytest.mark.e2e, pytest.mark.django_db, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Cloud:
    """Both servers that stand for Google's."""

    bigquery: str
    store: ObjectStore

    @property
    def connection(self) -> Draft:
        extra: dict[str, Any] = {"project": PROJECT, "is_anonymous": True}
        extra |= {"api_endpoint": self.bigquery, "storage_endpoint": self.store.endpoint}
        return Draft("google_cloud_default", "google_cloud_platform", extra=extra)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder, port = tmp_path_factory.mktemp("cloud"), free_port()
    with object_store(folder / "objects", output=folder / "storage") as (store, _):
        command = [sys.executable, "-m", "patchbay.local.bigquery", "--project", PROJECT]
        command += ["--storage", store.endpoint, "--objects", str(folder / "on the way")]
        command += ["--rest-port", str(port), "--grpc-port", "0", "--ephemeral"]
        url = f"http://{HOST}:{port}"
        env = {**os.environ, "HOME": str(folder)}
        with program(command, folder=folder / "bigquery", env=env) as running:
            until(lambda: answers(url, running), what="the local BigQuery", seconds=90)
            yield Cloud(url, store)


def answers(url: str, running: Program) -> bool:
    assert running.process.poll() is None, running.output + running.errors
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def run_file(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner_in_this_process(tmp_path, settings, monkeypatch)


def test_every_kind_of_job_between_a_bucket_and_a_data_set(run_file: Run, cloud: Cloud) -> None:
    if not cloud.store.has_bucket("atlas"):
        cloud.store.make_bucket("atlas", project=PROJECT)
    cloud.store.write("atlas", "in/rivers.csv", b"river,km\nInn,518\nEnns,254\n")
    cloud.store.write("atlas", "in/more.csv", b"river,km\nMur,464\n")
    run = run_file("like_bigquery_jobs.py", cloud.connection)
    said = results_of(run)
    assert run.state == "success", said
    assert "3 rows" in said["load"]
    assert "1 file" in said["extract"]
    assert "Check passed" in said["one_is_long"]
    assert left_by(run)["look"] == ["out.csv"]
    assert not cloud.store.has_bucket(f"{PROJECT}-rivers")
    assert sorted(cloud.store.names("atlas")) == ["in/more.csv", "in/rivers.csv"]
    assert stored_rows(cloud.bigquery) == 0


def test_a_file_that_is_not_there_fails_its_job_with_its_name_and_what_was_made_is_deleted(
    run_file: Run, cloud: Cloud
) -> None:
    if not cloud.store.has_bucket("atlas"):
        cloud.store.make_bucket("atlas", project=PROJECT)
    text = (Path(__file__).parents[1] / "dags" / "like_bigquery_jobs.py").read_text()
    changed = text.replace("gs://atlas/in/*.csv", "gs://atlas/none.csv")
    cloud.store.write("atlas", "in/rivers.csv", b"river,km\n")
    run = run_file("like_bigquery_jobs.py", cloud.connection, text=changed)
    states = states_of(run)
    assert states["load"] == "failed"
    assert states["extract"] == states["look"] == "upstream_failed"
    assert states["delete_dataset"] == states["delete_bucket"] == "success"
    failed = run.steps.get(task_instance__task_id="load", number=4)
    assert failed.error_code == "job:not-found"
    assert "gs://atlas/none.csv" in failed.vendor_message
