"""Schedules on real workers, through a real broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from tasks.models import Dag, DagRun, DagVersion
from tasks.schedules.due import set_paused
from tasks.schedules.planning import plan
from tasks.spec import DagSpec, TaskSpec
from tests import processes
from tests.conftest import ACTOR

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def save(dag_id: str = "every_second", *, interval: float = 1, **more: Any) -> Dag:
    """A DAG that needs no cloud, whose schedule begins now."""
    spec = DagSpec(dag_id, (TaskSpec("nothing", "EmptyOperator"),), interval=interval, **more)
    dag = Dag.objects.create(dag_id=dag_id, filename=f"{dag_id}.py")
    dag.current_version = DagVersion.objects.create(
        dag=dag, number=1, spec=spec.to_json(), digest=spec.digest()
    )
    dag.save()
    plan(dag, timezone.now())
    return dag


def scheduled(dag: Dag) -> list[DagRun]:
    return list(DagRun.objects.filter(dag=dag, run_type="scheduled").order_by("logical_date"))


@pytest.fixture(autouse=True)
def _paused_at_the_end(transactional_db: None) -> Iterator[None]:
    """No schedule goes on while the tables are emptied."""
    yield
    Dag.objects.update(is_paused=True)


def test_runs_come_by_themselves_one_for_each_slot(worker: Any, until: Any) -> None:
    dag = save()
    until(lambda: len([run for run in scheduled(dag) if run.is_over]) >= 4, seconds=90)
    assert {run.state for run in scheduled(dag)[:4]} == {"success"}
    dates = [run.logical_date for run in scheduled(dag)]
    for earlier, later in pairwise(dates):
        # Without catchup a busy machine may pass one over, and never comes between two.
        assert (later - earlier) % timedelta(seconds=1) == timedelta(0)
        assert later > earlier


def test_two_workers_make_each_slot_once_and_a_late_one_after_another(until: Any) -> None:
    start = timezone.now() - timedelta(seconds=30)
    dag = save(interval=2, start_date=start.isoformat(), catchup=True, max_active_runs=100)
    with processes.worker() as one, processes.worker() as other:
        until(lambda: len([run for run in scheduled(dag) if run.is_over]) >= 18, seconds=90)
        set_paused(dag, True, actor=ACTOR)
        text = one.text + other.text
    dates = [run.logical_date for run in scheduled(dag)]
    assert dates == [start + number * timedelta(seconds=2) for number in range(len(dates))]
    assert set(Counter(dates).values()) == {1}
    assert "No run of DAG" not in text
    assert "Traceback" not in text


def test_a_pause_stops_the_schedule_and_its_end_starts_it_again(worker: Any, until: Any) -> None:
    paused, other = save("paused"), save("other")
    until(lambda: scheduled(paused), seconds=90)
    set_paused(paused, True, actor=ACTOR)
    before = len(scheduled(paused))
    seen = len(scheduled(other))
    until(lambda: len(scheduled(other)) >= seen + 3, seconds=90)
    assert len(scheduled(paused)) == before
    set_paused(paused, False, actor=ACTOR)
    until(lambda: len(scheduled(paused)) > before, seconds=90)
