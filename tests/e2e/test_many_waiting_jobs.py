"""One worker process holds as many waiting cloud jobs as it has threads, in little memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.acts import cancel_run
from tasks.models import TaskInstance
from tests.conftest import ACTOR
from tests.fakes.google import FakeGoogle, JobPlan
from tests.processes import worker
from tests.tasks.conftest import query_task, trigger

JOBS = 200
MOST_MEGABYTES = 400

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def megabytes(pid: int) -> float:
    """The resident memory of a process, from /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def test_two_hundred_cloud_jobs_wait_in_one_worker_and_a_cancel_reaches_all(
    google: FakeGoogle, key: dict[str, Any], connect: Any, until: Any, over: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600, cancel_after=1))
    with worker(slots=JOBS + 20, PATCHBAY_LEASE_SECONDS="60") as process:
        run = trigger(*(query_task(f"t{number}") for number in range(JOBS)))
        until(lambda: len(google.jobs) == JOBS, seconds=150)
        rows = TaskInstance.objects.filter(run=run)
        assert rows.filter(state="running").count() == JOBS
        assert megabytes(process.popen.pid) < MOST_MEGABYTES
        cancel_run(run, actor=ACTOR)
        assert over(run, seconds=150).state == "cancelled"
    assert set(rows.values_list("state", flat=True)) == {"cancelled"}
    assert {job.inserts for job in google.jobs.values()} == {1}
    assert all(job.stopped for job in google.jobs.values())
