"""What a watcher of a run is sent: what changed, of what its page shows, in pieces it can take."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.http import QueryDict

from tasks.models import DagRun
from tasks.states import StepState
from tasks.views.run_changes import MOST_HEADS, Event, InView, RunWatch, positions
from tests.tasks.run_page_rows import Plan, add_lines, change, make_run, many

pytestmark = pytest.mark.django_db


def watch(run: DagRun, query: str) -> RunWatch:
    return RunWatch(run.pk, run.sequence, InView.of(QueryDict(query)))


def drawn(event: Event) -> set[str]:
    return set(event.data.get("heads", {}))


def test_nothing_is_sent_when_nothing_changed() -> None:
    run = make_run(many(10))
    event = watch(run, "shown=0-9").look()
    assert (event.data, event.cursor, event.is_over) == ({}, 10, False)


def test_only_what_changed_and_is_on_the_page_is_drawn() -> None:
    run = make_run(many(200, task_0003="queued", task_0150="queued"))
    watcher = watch(run, "shown=0-99&sort=order")
    change(run, "task_0003", "task_0150", state="success")
    event = watcher.look()
    assert drawn(event) == {"task-3"}
    assert set(event.data["lanes"]) == {"lane-3"}
    assert set(event.data["nodes"]) == {"3", "150"}
    assert ">200</span>" in event.data["replace"]["run-chips"]
    assert event.cursor == 11
    assert watcher.look().data == {}


def test_steps_are_sent_for_open_tasks_alone() -> None:
    run = make_run(many(20, task_0003="queued", task_0004="queued"))
    watcher = watch(run, "shown=0-19&open=3.1&keep=3")
    change(run, "task_0003", "task_0004", state="success", step=(4, StepState.SUCCESS))
    event = watcher.look()
    steps = [key for key in event.data["replace"] if key.startswith("step-")]
    assert steps == ["step-400014"]
    assert event.data["rows"] == {}


def test_a_task_that_begins_to_run_is_opened_and_folded_when_it_went_well() -> None:
    run = make_run(many(20, task_0003="queued"))
    watcher = watch(run, "shown=0-19")
    change(run, "task_0003", state="running", step=(4, StepState.RUNNING))
    assert watcher.look().data["rows"]["3"].count('class="step ') == 4
    change(run, "task_0003", state="success", step=(4, StepState.SUCCESS))
    assert watcher.look().data["rows"] == {"3": ""}


def test_what_was_shut_by_hand_stays_shut() -> None:
    run = make_run(many(20, task_0003="queued"))
    watcher = watch(run, "shown=0-19&shut=3")
    change(run, "task_0003", state="failed", step=(4, StepState.FAILED))
    assert watcher.look().data["rows"] == {}


def test_a_thousand_changes_come_in_pieces_and_the_cursor_with_the_last() -> None:
    plans = {f"task_{n:04}": Plan("queued") for n in range(1_000)}
    run = make_run(plans)
    watcher = watch(run, "shown=0-199&sort=order")
    change(run, *plans, state="success", step=(4, StepState.SUCCESS))
    events = [watcher.look()]
    while events[-1].cursor is None:
        events.append(watcher.look())
    assert [len(drawn(event)) for event in events] == [60, 60, 60, 20]
    assert len(set().union(*map(drawn, events))) == 200
    assert "sequence" not in events[0].data
    assert events[-1].data["sequence"] == 11
    assert max(len(json.dumps(event.data)) for event in events) < 150_000


def test_who_is_cut_off_between_pieces_gets_all_of_them_again() -> None:
    plans = {f"task_{n:04}": Plan("queued") for n in range(100)}
    run = make_run(plans)
    change(run, *plans, state="success")
    query = "shown=0-99&sort=order"
    first = RunWatch(run.pk, 10, InView.of(QueryDict(query))).look()
    assert (len(drawn(first)), first.cursor) == (MOST_HEADS, None)
    again = RunWatch(run.pk, 10, InView.of(QueryDict(query)))
    assert len(drawn(again.look()) | drawn(again.look())) == 100


def test_a_task_that_fails_out_of_view_enters_a_list_of_what_matters() -> None:
    run = make_run(many(300, task_0250="running", task_0251="running"))
    watcher, other = watch(run, "shown=0-99"), watch(run, "shown=0-99&sort=order")
    change(run, "task_0250", state="failed")
    assert drawn(watcher.look()) == {"task-250"}
    assert drawn(other.look()) == set()


def test_the_end_is_told_with_what_may_be_done_then() -> None:
    run = make_run({"a": Plan("running"), "b": Plan()})
    watcher = watch(run, "shown=0-1&open=0.1,1.1")
    change(run, "a", state="failed", step=(4, StepState.FAILED))
    run.refresh_from_db()
    DagRun.objects.filter(pk=run.pk).update(state="failed", ended_at=run.queued_at)
    event = watcher.look()
    assert event.is_over
    assert event.data["is"] == ["over", "failed"]
    assert event.data["length"] is not None


def test_a_further_try_brings_all_its_rows() -> None:
    run = make_run({"a": Plan("running", try_number=2, max_tries=3)})
    watcher = watch(run, "open=0.2")
    assert watcher.look().data == {}
    change(run, "a", state="running", step=(4, StepState.RUNNING))
    assert watcher.look().data["rows"] == {}
    late = RunWatch(run.pk, 10, InView.of(QueryDict("open=0.1")))
    assert late.look().data["rows"]["0"].count('class="step ') == 4 + 1


def test_lines_follow_the_filter_and_too_many_are_said(monkeypatch: Any) -> None:
    run = make_run(many(2, task_0000="running"))
    task = run.task_instances.get(task_id="task_0000")
    errors, all_lines = watch(run, "level=error"), watch(run, "")
    add_lines(task, ("info", "opened"), ("error", "broke"))
    assert errors.look().data["append"]["run-log"].count("<li") == 1
    assert all_lines.look().data["append"]["run-log"].count("<li") == 2
    monkeypatch.setattr("tasks.views.run_changes.MOST_LINES", 2)
    add_lines(task, *(("info", f"line {n}") for n in range(5)))
    assert 'class="gap"' in all_lines.look().data["append"]["run-log"]


def test_an_event_asks_as_many_queries_for_many_tasks_as_for_few(
    django_assert_max_num_queries: Any,
) -> None:
    for count in (20, 1_000):
        plans = {f"task_{n:04}": Plan("queued") for n in range(count)}
        run = make_run(plans)
        watcher = watch(run, "shown=0-99")
        change(run, *plans, state="running", step=(4, StepState.RUNNING))
        with django_assert_max_num_queries(20):
            watcher.look()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0-3,7", {0, 1, 2, 3, 7}),
        ("", set()),
        ("x,1-y,-3,٣,5-4", set()),
        ("0-99999999999", set()),
        ("9" * 30, set()),
    ],
)
def test_numbers_in_an_address_are_read_with_care(text: str, found: set[int]) -> None:
    assert positions(text) == found


def test_a_watcher_that_asks_nonsense_is_answered() -> None:
    run = make_run(many(10, task_0001="running"))
    query = "shown=a&open=1.x,,3.&keep=-&shut=9-1&chosen=x&state=q&sort=z&q=%00&level=?&try=x"
    watcher = watch(run, query)
    change(run, "task_0001", state="success")
    assert watcher.look().cursor == 11
