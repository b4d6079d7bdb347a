"""A run on a real Celery worker, through a real broker."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from tasks.engine.places import Message
from tasks.engine.recovery import lost
from tasks.models import TaskInstance
from tasks.tasks import send
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.tasks.conftest import query_task, states, trigger

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_lapsed_task_is_sent_once_and_not_at_every_sweep(
    google: FakeGoogle, key: dict[str, Any], connect: Any, monkeypatch: Any
) -> None:
    """The first of the module: no worker is there yet that would sweep, too."""
    connect(keyfile_dict=key, api_endpoint=google.url)
    monkeypatch.setattr("tasks.services.send", lambda ids: True)
    row = trigger().task_instances.get()
    past = timezone.now() - timedelta(seconds=5)
    TaskInstance.objects.update(
        state="running", lease_token=uuid.uuid4(), lease_expires_at=past, sent_at=past
    )
    TaskInstance.objects.update(sent_at=past - timedelta(seconds=5))
    assert lost() == [(row.pk, "default")]
    assert lost() == []
    TaskInstance.objects.update(state="success", lease_token=None)


def test_a_run_is_successful_on_a_worker(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(pending=0.1, running=0.2))
    run = over(trigger())
    assert run.state == "success"
    assert states(run) == ["success"] * 6
    assert run.task_instances.get().worker


def test_a_run_that_fails_ends_failed_with_the_session_closed(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.invalid_query()))
    run = over(trigger())
    assert states(run) == ["success", "success", "success", "failed", "success", "failed"]


def test_the_next_task_is_sent_when_the_one_before_it_ends(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    tasks = [query_task("a"), query_task("b"), query_task("c", upstream=("a", "b"))]
    run = over(trigger(*tasks))
    assert run.state == "success"
    assert len(google.jobs) == 3


def test_a_lost_message_is_sent_again_by_the_sweep(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, monkeypatch: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    monkeypatch.setattr("tasks.services.send", lambda ids: True)
    run = trigger()
    assert lost() == []
    TaskInstance.objects.update(sent_at=None)
    # Unless the worker's own sweep was quicker.
    send(lost())
    assert over(run).state == "success"


def test_a_broker_that_is_down_delays_a_run_and_loses_nothing(
    worker: Any,
    google: FakeGoogle,
    key: dict[str, Any],
    connect: Any,
    over: Any,
    monkeypatch: Any,
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)

    def refuse(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("refused")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.tasks.run_task_instance.apply_async", refuse)
        run = trigger()
    assert run.state == "queued"
    # Unless the worker's own sweep was quicker.
    send(lost())
    assert over(run).state == "success"


def test_a_message_that_comes_twice_runs_the_task_once(
    worker: Any, google: FakeGoogle, key: dict[str, Any], connect: Any, over: Any, until: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600))
    run = trigger()
    send([Message(run.task_instances.get().pk, "default")] * 5)
    until(lambda: google.jobs)
    google.finish()
    assert over(run).state == "success"
    assert [job.inserts for job in google.jobs.values()] == [1]
