"""Real processes: a worker for each module that asks for one, and one web process for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from django.conf import settings

from tasks.engine.workers import workers
from tasks.models import DagRun
from tests import processes

#: Seconds. Generous: a loaded machine makes a test slow, not red.
PATIENCE = 90.0


@pytest.fixture(scope="module")
def worker(django_db_setup: None) -> Iterator[processes.Process]:
    with processes.worker() as process:
        yield process


@pytest.fixture(scope="module")
def web(shared_web: str) -> str:
    return shared_web


@pytest.fixture(autouse=True)
def _quiet(transactional_db: None) -> Iterator[None]:
    """No message of a test reaches the next one, and no worker writes while tables are emptied."""
    broker = redis.Redis.from_url(settings.BROKER_URL)
    broker.delete("default")
    yield
    broker.delete("default")
    end = time.monotonic() + 60
    while workers() and DagRun.objects.filter(state="running").exists():
        assert time.monotonic() < end, "A run goes on after its test."
        time.sleep(0.05)


@pytest.fixture
def until() -> Callable[..., Any]:
    """Wait until a function gives something true."""

    def wait(function: Callable[[], Any], *, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while not (found := function()):
            assert time.monotonic() < end, "This did not happen in time."
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def over(until: Callable[..., Any]) -> Callable[..., DagRun]:
    """Wait until a run is over, and return it as it is then."""

    def wait(run: DagRun, *, seconds: float = PATIENCE) -> DagRun:
        def found() -> DagRun | None:
            latest = DagRun.objects.get(pk=run.pk)
            return latest if latest.is_over else None

        result: DagRun = until(found, seconds=seconds)
        return result

    return wait
