"""All that can go wrong at once, for some seconds: afterwards nothing is lost, or done twice."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection

from connections.services import create_connection
from connections.validation import Draft
from tasks.acts import cancel_run, clear_tasks
from tasks.engine.context import job_id_of
from tasks.engine.places import sessions_held
from tasks.engine.workers import workers
from tasks.exceptions import ActRefused
from tasks.models import DagRun, Step, TaskInstance
from tasks.services import trigger_dag_run
from tasks.spec import DagSpec, TaskSpec
from tasks.states import RUN_TERMINAL, STEP_TERMINAL, TASK_TERMINAL
from tests import processes
from tests.conftest import ACTOR
from tests.engine.driving import save_spec
from tests.fakes.google import FakeGoogle, JobPlan
from tests.tasks.conftest import QUERY

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True), pytest.mark.timeout(150)]

SECONDS = 8
SESSIONS = 2
TRIES: dict[str, Any] = {"retries": 50, "retry_delay": 0.5}


def job(task_id: str, *upstream: str) -> TaskSpec:
    arguments = {"configuration": QUERY, "gcp_conn_id": "my_gcp_conn"}
    name = "BigQueryInsertJobOperator"
    return TaskSpec(task_id, name, "my_gcp_conn", arguments, upstream=upstream, **TRIES)


def query(task_id: str, *upstream: str) -> TaskSpec:
    arguments = {"sql": "SELECT 1", "conn_id": "small"}
    return TaskSpec(
        task_id, "SQLExecuteQueryOperator", "small", arguments, upstream=upstream, **TRIES
    )


FAN = [query(f"t{n}", "first") for n in range(12)]
DAGS = (
    DagSpec("chain", (job("a"), job("b", "a"), query("c", "b"))),
    DagSpec("fan", (query("first"), *FAN, job("last", *(each.task_id for each in FAN)))),
    DagSpec("waiting", (job("a"), query("b")), max_active_runs=1),
)


class World:
    """Two workers, and what happens to them."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self.random = random.Random(seed)
        self.stack = stack
        self.broker = redis.Redis.from_url(settings.BROKER_URL)
        self.most_sessions = 0
        self.workers = [self.start(), self.start()]

    def start(self) -> processes.Process:
        options = ["-P", "threads", "-c", "8", "--without-gossip", "--without-mingle"]
        command = ["-m", "celery", "-A", "patchbay.celery:app", "worker", *options]
        process = processes.Process("worker", *command)
        self.stack.callback(process.stop)
        return process

    def act(self) -> None:
        acts: list[tuple[Callable[[], object], int]] = [
            (self.trigger, 8),
            (self.cancel, 2),
            (self.clear, 2),
            (self.cut_connections, 3),
            (self.empty_the_broker, 1),
            (self.kill, 1),
        ]
        [act] = self.random.choices([each for each, _ in acts], [share for _, share in acts])
        with suppress(ActRefused):
            act()
        self.most_sessions = max(self.most_sessions, sessions_held("small"))

    def trigger(self) -> None:
        trigger_dag_run(self.random.choice(DAGS).dag_id, actor=ACTOR)

    def cancel(self) -> None:
        runs = DagRun.objects.exclude(state__in=RUN_TERMINAL).order_by("pk")
        if run := runs.first():
            cancel_run(run, actor=ACTOR)

    def clear(self) -> None:
        if run := DagRun.objects.filter(state__in=RUN_TERMINAL).order_by("?").first():
            clear_tasks(run, actor=ACTOR)

    def cut_connections(self) -> None:
        if connection.vendor != "postgresql":
            return
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
                "pg_backend_pid() AND datname = current_database() "
                "AND backend_type = 'client backend'"
            )

    def empty_the_broker(self) -> None:
        self.broker.flushall()

    def kill(self) -> None:
        self.workers.pop(0).kill()
        self.workers.append(self.start())


@pytest.fixture
def world(
    transactional_db: None, google: FakeGoogle, key: dict[str, Any], connect: Any
) -> Iterator[World]:
    google.plan(JobPlan(running=0.4))
    connect(keyfile_dict=key, api_endpoint=google.url)
    draft = Draft("small", "sqlite", host=":memory:", max_sessions=SESSIONS)
    create_connection(draft, actor=ACTOR)
    for spec in DAGS:
        save_spec(spec)
    with ExitStack() as stack:
        yield World(stack, seed=7)


def test_whatever_goes_wrong_nothing_is_lost_or_done_twice(
    world: World, google: FakeGoogle, until: Any
) -> None:
    until(lambda: len(workers() or []) >= 2, seconds=60)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        world.act()
        time.sleep(0.2)
    assert google.jobs
    until(lambda: not DagRun.objects.exclude(state__in=RUN_TERMINAL).exists(), seconds=90)
    assert not DagRun.objects.exclude(tasks_left=0).exists()
    assert not TaskInstance.objects.exclude(state__in=TASK_TERMINAL).exists()
    assert not Step.objects.exclude(state__in=STEP_TERMINAL).exclude(number=1).exists()
    assert not DagRun.objects.filter(state="failed").exists()
    assert world.most_sessions <= SESSIONS
    assert sessions_held("small") == 0
    assert set(google.jobs) <= known_jobs(), "a try has started two jobs"


def known_jobs() -> set[str]:
    """The one job of each try of each task."""
    found = set()
    rows = TaskInstance.objects.filter(operator="BigQueryInsertJobOperator")
    for row in rows.select_related("run__dag"):
        for number in range(1, row.try_number + 1):
            row.try_number = number
            found.add(job_id_of(row))
    return found
