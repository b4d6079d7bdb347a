"""What a watcher is told beside the states of tasks: what time changes, notes, and the order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from access.audit import Actor
from tasks.acts import set_note
from tasks.models import DagRun, TaskInstance
from tasks.views.run_changes import InView, RunWatch
from tests.tasks.run_page_rows import Plan, change, make_run, many

pytestmark = pytest.mark.django_db


def watch(run: DagRun, query: str) -> RunWatch:
    return RunWatch(run.pk, run.sequence, InView.of(QueryDict(query)))


def lapse(run: DagRun, task_id: str) -> None:
    moment = timezone.now() - timedelta(seconds=1)
    run.task_instances.filter(task_id=task_id).update(lease_expires_at=moment)


def test_a_worker_that_is_lost_is_told_without_a_change_of_the_run() -> None:
    later = {"lease_expires_at": timezone.now() + timedelta(seconds=60)}
    run = make_run({"a": Plan("running", columns=later), "b": Plan()})
    watcher = watch(run, "shown=0-1&open=0.1,1.1")
    assert "Running" in watcher.remind()["heads"]["task-0"]
    assert "heads" not in watcher.remind()
    lapse(run, "a")
    told = watcher.remind()
    assert list(told["heads"]) == ["task-0"]
    assert "another takes it over" in told["heads"]["task-0"]
    assert told["nodes"] == {"0": "lost"}
    assert "heads" not in watcher.remind()


def test_the_only_task_of_a_run_whose_worker_is_lost_is_told_above(admin_client: Client) -> None:
    run = make_run({"a": Plan("running")})
    lapse(run, "a")
    html = admin_client.get(f"/runs/{run.pk}/").content.decode()
    assert "worker tells nothing any more" in html


def test_what_a_task_waits_for_is_told_when_it_is_another_thing() -> None:
    run = make_run({"a": Plan("running"), "b": Plan("queued")})
    watcher = watch(run, "shown=0-1&open=0.1,1.1")
    watcher.remind()
    run.task_instances.filter(task_id="b").update(waits_on=TaskInstance.WaitsOn.TASKS)
    told = watcher.remind()
    assert list(told["heads"]) == ["task-1"]
    assert "Waits for a place" in told["heads"]["task-1"]


def test_time_is_not_looked_at_for_tasks_out_of_view() -> None:
    run = make_run({"a": Plan("running"), "b": Plan()})
    lapse(run, "a")
    assert "heads" not in watch(run, "shown=1").remind()


def test_a_note_is_told_though_no_task_changed() -> None:
    run = make_run(many(3), state="success")
    watcher = watch(run, "shown=0-2")
    set_note(run, "Ran by <hand>.", actor=Actor("ada"))
    event = watcher.look()
    assert "Ran by &lt;hand&gt;." in event.data["replace"]["run-note"]
    assert event.data["heads"] == {}
    assert (event.data["sequence"], event.is_over) == (11, True)


def test_the_head_on_the_page_of_an_only_task_is_drawn() -> None:
    run = make_run({"a": Plan("running")})
    watcher = watch(run, "shown=0&open=0.1&keep=0&chosen=0&sort=order")
    change(run, "a", state="success")
    assert "Success" in watcher.look().data["heads"]["task-0"]


def test_a_long_list_is_told_its_new_order_once() -> None:
    run = make_run(many(150, task_0140="running", task_0141="queued"))
    watcher = watch(run, "shown=0-99")
    change(run, "task_0005", state="running")
    first = watcher.look().data["order"]
    assert (first[:3], len(first)) == ([5, 140, 141], 100)
    change(run, "task_0006", state="success")
    watcher._order._looked_at = float("-inf")
    assert "order" not in watcher.look().data
    change(run, "task_0140", state="failed")
    watcher._order._looked_at = float("-inf")
    assert watcher.look().data["order"][:3] == [140, 5, 141]


def test_an_order_that_nobody_looked_at_comes_without_a_further_change() -> None:
    run = make_run(many(150, task_0140="running"))
    watcher = watch(run, "shown=0-99")
    change(run, "task_0140", state="queued")
    assert "order" in watcher.look().data
    change(run, "task_0005", state="failed")
    assert "order" not in watcher.look().data
    watcher._order._looked_at = float("-inf")
    event = watcher.look()
    assert event.data["order"][:2] == [5, 140]
    assert "sequence" not in event.data
    assert watcher.look().data == {}


@pytest.mark.parametrize("query", ["shown=0-99&sort=order", "shown=&state=failed", "shown=0&q=a"])
def test_a_list_in_another_order_hears_of_none(query: str) -> None:
    run = make_run(many(150, task_0140="running"))
    watcher = watch(run, query)
    change(run, "task_0140", state="failed")
    assert "order" not in watcher.look().data


def test_in_a_long_run_what_runs_for_a_moment_is_not_opened(admin_client: Client) -> None:
    plans = many(150, task_0140="running", task_0141="running", task_0142="failed")
    run = make_run(plans)
    run.task_instances.filter(task_id="task_0141").update(started_at=timezone.now())
    html = admin_client.get(f"/runs/{run.pk}/").content.decode()
    assert html.count('class="step ') == 2 * 4 + 2
