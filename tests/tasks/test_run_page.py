"""A run's page with many tasks: what it shows, what it asks the database, how large it is."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.audit import Actor
from tasks.acts import cancel_run
from tasks.models import DagRun, Step, TaskInstance
from tasks.services import trigger_dag_run
from tasks.states import TaskState
from tests.conftest import ACTOR
from tests.tasks.conftest import query_task, save_dag
from tests.tasks.run_page_rows import Plan, add_lines, make_run, many

pytestmark = pytest.mark.django_db


def page(client: Client, run: DagRun, query: str = "") -> str:
    answer = client.get(f"/runs/{run.pk}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def heads(html: str) -> list[str]:
    return re.findall(r'<tbody class="task-head [^>]*data-task="([^"]+)"', html)


def opened(html: str) -> list[str]:
    return re.findall(r'<tbody class="task-head [^>]*data-task="([^"]+)"[^>]* data-open', html)


def test_a_run_of_few_tasks_shows_the_steps_of_all(admin_client: Client) -> None:
    html = page(admin_client, make_run(many(6)))
    assert heads(html) == opened(html) == [f"task_{number:04}" for number in range(6)]
    assert html.count('class="step ') == 6 * 4 + 2


def test_a_run_of_one_task_has_no_heads(admin_client: Client) -> None:
    html = page(admin_client, make_run(many(1)))
    assert heads(html) == []
    assert html.count('class="step ') == 6


def test_what_failed_and_what_runs_opens_by_itself(admin_client: Client) -> None:
    plans = many(30, task_0007="failed", task_0020="running")
    html = page(admin_client, make_run(plans))
    assert opened(html) == ["task_0007", "task_0020"]
    assert "What to do" in html
    assert html.count('class="step ') == 2 * 4 + 2


def test_a_link_opens_a_task_whatever_page_it_is_on(admin_client: Client) -> None:
    run = make_run(many(250))
    html = page(admin_client, run, "?task=task_0249&sort=order")
    assert opened(html) == ["task_0249"]
    assert heads(html)[:2] == ["task_0249", "task_0000"]


def test_an_earlier_try_is_folded_with_its_reason(admin_client: Client) -> None:
    html = page(admin_client, make_run({"load": Plan(try_number=3, max_tries=4), "b": Plan()}))
    assert html.count('<details class="try">') == 2
    assert "step 4: Query is not valid" in html
    assert "after 3 tries" in html
    html = page(admin_client, make_run({"load": Plan("running", 2, 4), "b": Plan()}))
    assert "try 2 of 4" in html


def test_the_list_is_filtered_by_state_and_by_a_part_of_the_task_id(admin_client: Client) -> None:
    run = make_run(many(30, task_0003="failed", task_0004="skipped"))
    assert heads(page(admin_client, run, "?state=failed")) == ["task_0003"]
    assert heads(page(admin_client, run, "?q=_002")) == [f"task_002{n}" for n in range(10)]
    html = page(admin_client, run, "?q=nothing")
    assert heads(html) == []
    assert "No tasks match." in html


def test_chips_count_the_states(admin_client: Client) -> None:
    html = page(admin_client, make_run(many(30, task_0003="failed", task_0004="running")))
    [chips] = re.findall(r'<ul class="chips" id="run-chips".*?</ul>', html, re.S)
    words = re.sub(r"<[^>]+>", " ", chips)
    assert re.findall(r"(\w+)\s+(\d+)", words) == [
        ("All", "30"),
        ("Failed", "1"),
        ("Running", "1"),
        ("Success", "28"),
    ]


def test_in_a_long_run_what_matters_comes_first(admin_client: Client) -> None:
    run = make_run(many(120, task_0110="failed", task_0090="running"))
    assert heads(page(admin_client, run))[:3] == ["task_0110", "task_0090", "task_0000"]
    assert heads(page(admin_client, run, "?sort=order"))[:2] == ["task_0000", "task_0001"]


def test_the_pages_of_a_long_run_show_every_task_once(admin_client: Client) -> None:
    run = make_run(many(230))
    found = [name for n in (1, 2, 3) for name in heads(page(admin_client, run, f"?page={n}"))]
    assert found == [f"task_{number:04}" for number in range(230)]
    part = admin_client.get(f"/runs/{run.pk}/?page=3&part=heads").json()
    assert heads(part["heads"]) == found[200:]
    assert part["lanes"].count('class="lane"') == 30


def test_a_part_brings_the_steps_of_one_task_and_its_tracker(admin_client: Client) -> None:
    run = make_run(many(30))
    part = admin_client.get(f"/runs/{run.pk}/?part=task&task=task_0012").json()
    assert list(part["rows"]) == ["12"]
    assert part["rows"]["12"].count('class="step ') == 4
    assert "task_0012" in part["replace"]["run-tracker"]


@pytest.mark.parametrize("count", [40, 1_000])
def test_the_page_asks_as_many_queries_for_many_tasks_as_for_few(
    admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    plans = many(count, task_0003="failed", task_0004="running", task_0005="up_for_retry")
    run = make_run(plans)
    page(admin_client, run)
    with django_assert_max_num_queries(24):
        html = page(admin_client, run)
    assert len(heads(html)) == min(count, 100)
    assert len(html) < 500_000


def test_a_graph_of_too_many_tasks_is_not_drawn_and_says_so(admin_client: Client) -> None:
    html = page(admin_client, make_run(many(301)))
    assert "301 tasks are too many to draw" in html
    assert '<svg class="dag-graph' not in html
    assert '<svg class="dag-graph' in page(admin_client, make_run(many(12)))


def test_a_good_try_that_was_cleared_is_told_as_good(admin_client: Client) -> None:
    run = make_run({"work": Plan("running", try_number=2, max_tries=2), "b": Plan()})
    first = Step.objects.filter(run=run, task_instance__task_id="work", try_number=1)
    first.update(state="skipped", result="Asked for no connection", error_code="")
    now = timezone.now()
    first.filter(number=4).update(
        state="success", result="It returned 3", started_at=now, ended_at=now
    )
    html = page(admin_client, run)
    [told] = re.findall(r'<details class="try">.*?</summary>', html, re.S)
    assert "It returned 3" in told
    assert "Asked for no connection" not in told
    [lane] = re.findall(r'id="lane-0".*?</svg>', html, re.S)
    assert 'class="running ok earlier"' in lane


def test_the_timeline_has_earlier_tries_and_what_goes_on(admin_client: Client) -> None:
    plans = {"again": Plan("running", try_number=2, max_tries=3), "b": Plan()}
    html = page(admin_client, make_run(plans))
    [lane] = re.findall(r'id="lane-0".*?</svg>', html, re.S)
    assert 'class="running bad earlier"' in lane
    assert re.search(r'class="running run"[^>]* data-going', lane)


def test_tasks_stand_in_the_order_in_which_they_run(admin_client: Client) -> None:
    tasks = (
        query_task("tell", upstream=("load", "check")),
        query_task("check", upstream=("load",)),
        query_task("load"),
    )
    save_dag(*tasks)
    run = trigger_dag_run("example_dag", actor=ACTOR)
    html = page(admin_client, run)
    assert heads(html) == ["load", "check", "tell"]
    assert re.findall(r'id="node-(\d)".*?<title>(\w+)', html) == [
        ("2", "tell"),
        ("1", "check"),
        ("0", "load"),
    ]
    rows = admin_client.get("/dags/example_dag/").content.decode()
    assert re.findall(r'<a href="#task-(\d)">(\w+)</a>', rows) == [
        ("0", "load"),
        ("1", "check"),
        ("2", "tell"),
    ]
    assert re.search(r'id="task-0"><tr>\s*<th scope="row" class="mono">load<', rows)


def test_the_graph_of_a_run_from_before_the_order_leads_to_its_own_rows(
    admin_client: Client,
) -> None:
    tasks = (query_task("b", upstream=("a",)), query_task("a"))
    html = page(admin_client, make_run({"b": Plan(), "a": Plan()}, tasks=tasks))
    assert re.findall(r'id="task-(\d)" data-task="(\w)"', html) == [("0", "b"), ("1", "a")]
    assert re.findall(r'id="node-(\d)".*?<title>(\w+)', html) == [("0", "b"), ("1", "a")]
    assert html.count('data-from="1" class="lit"') == 1


@pytest.mark.parametrize(
    ("operator", "action"),
    [
        ("BigQueryInsertJobOperator", "Task executes cloud API call"),
        ("GCSObjectExistenceSensor", "Task executes cloud API call"),
        ("PythonOperator", "Task runs Python code"),
        ("BranchPythonOperator", "Task runs Python code"),
        ("SQLExecuteQueryOperator", "Task runs SQL"),
        ("SqlSensor", "Task runs SQL"),
        ("HttpOperator", "Task calls HTTP service"),
        ("BranchExpressionOperator", "Task chooses what follows"),
        ("EmptyOperator", "Task has nothing to do"),
        ("GoneWithItsPackage", "Task executes cloud API call"),
    ],
)
def test_step_4_says_what_the_task_does(admin_client: Client, operator: str, action: str) -> None:
    run = make_run({"a": Plan("running", columns={"operator": operator})})
    html = page(admin_client, run)
    assert re.findall(r'data-say="Step 4, ([^:]+):', html) == [action]


def test_a_task_that_was_cancelled_says_by_whom_and_why(admin_client: Client) -> None:
    run = make_run(many(8, task_0000="running", task_0001="queued"), tasks_left=2)
    cancel_run(run, actor=Actor("ada"), reason="too dear")
    html = page(admin_client, run)
    [head] = re.findall(r'id="task-1".*?</tbody>', html, re.S)
    assert "Cancelled by ada: too dear" in head
    assert "Cancel was asked for by ada (too dear)" in html
    assert "<dd>ada: too dear</dd>" in page(admin_client, run)


# What a task waits for


def waiting_words(client: Client, **columns: Any) -> str:
    plans = {"a": Plan("running"), "b": Plan(columns.pop("state", "queued"), columns=columns)}
    html = page(client, make_run(plans, tasks=(query_task("a"), query_task("b", upstream=("a",)))))
    [head] = re.findall(r'id="task-1".*?</tbody>', html, re.S)
    [words] = re.findall(r'<span class="words">(.*?)</span>', head, re.S)[:1] or [""]
    return re.sub(r"<[^>]+>", "", words)


def test_a_task_says_that_it_waits_for_a_place_of_its_run(admin_client: Client) -> None:
    words = waiting_words(admin_client, waits_on=TaskInstance.WaitsOn.TASKS)
    assert words.startswith("Waits for a place: 1 of")


def test_a_task_says_that_it_waits_for_a_session(admin_client: Client) -> None:
    words = waiting_words(admin_client, waits_on=TaskInstance.WaitsOn.CONNECTION)
    assert "my_gcp_conn is used by 1" in words


def test_a_task_says_that_no_message_could_be_sent(admin_client: Client) -> None:
    assert "Waits for the broker" in waiting_words(admin_client, sent_at=None)


def test_a_task_says_which_tasks_it_waits_for(admin_client: Client) -> None:
    assert waiting_words(admin_client, state="pending", upstream_left=1) == "Waits for a"


def test_a_task_says_when_its_next_try_comes(admin_client: Client) -> None:
    due = timezone.now() + timedelta(seconds=40)
    words = waiting_words(admin_client, state="up_for_retry", due_at=due)
    assert re.match(r"Next try in (40|39) s, at \d\d:\d\d:\d\d", words)


def test_a_sensor_says_how_often_it_looked(admin_client: Client) -> None:
    due = timezone.now() + timedelta(seconds=90)
    words = waiting_words(admin_client, state="up_for_reschedule", due_at=due, looks=12)
    assert words.startswith("Looked 12 times, looks again in 1 min")


def test_a_task_whose_lease_has_lapsed_is_shown_as_lost(admin_client: Client) -> None:
    lapsed = timezone.now() - timedelta(seconds=5)
    plans = {"a": Plan("running", columns={"lease_expires_at": lapsed}), "b": Plan()}
    html = page(admin_client, make_run(plans))
    assert "Task a: Lost" in html
    assert "another takes it over" in html


def test_a_mark_says_who_made_it_and_why(admin_client: Client) -> None:
    marked = {"marked_by_name": "ada", "note": "loaded by hand"}
    html = page(admin_client, make_run({"a": Plan(columns=marked), "b": Plan()}))
    assert "marked by ada: loaded by hand" in html


def test_every_state_has_a_word(admin_client: Client) -> None:
    plans = {f"t_{state}": Plan(state) for state in TaskState}
    html = page(admin_client, make_run(plans))
    assert len(heads(html)) == len(TaskState)


def test_a_scheduled_run_says_its_date_and_interval(admin_client: Client) -> None:
    start = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    html = page(
        admin_client,
        make_run(
            many(2),
            run_type="scheduled",
            logical_date=start,
            data_interval_start=start,
            data_interval_end=start + timedelta(days=1),
        ),
    )
    assert "the schedule" in html
    assert "Logical date" in html
    assert "Data interval" in html


# The log


def logged(client: Client, run: DagRun, query: str = "") -> list[str]:
    html = page(client, run, query)
    return [
        re.sub(r"<[^>]+>", "", text)
        for text in re.findall(r'<span class="text">(.*?)</span></li>', html, re.S)
    ]


def test_the_log_is_filtered_by_level_words_task_and_try(admin_client: Client) -> None:
    run = make_run(many(2))
    first, second = run.task_instances.order_by("position")
    add_lines(first, ("info", "opened"), ("warning", "slow <answer>"))
    add_lines(second, ("error", "Slow and broken"), try_number=2)
    assert logged(admin_client, run, "?level=warning") == ["slow &lt;answer&gt;", "Slow and broken"]
    assert logged(admin_client, run, "?level=error") == ["Slow and broken"]
    assert logged(admin_client, run, "?find=slow&of=task_0000") == ["slow &lt;answer&gt;"]
    assert logged(admin_client, run, "?try=2") == ["Slow and broken"]
    assert "<mark>Slow</mark> and broken" in page(admin_client, run, "?find=slow")


def test_the_log_shows_the_last_lines_and_leads_to_the_earlier_ones(
    admin_client: Client, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tasks.views.run_log.MOST_LINES", 3)
    run = make_run(many(1))
    add_lines(run.task_instances.get(), *(("info", f"line {n}") for n in range(5)))
    html = page(admin_client, run)
    assert logged(admin_client, run) == ["line 2", "line 3", "line 4"]
    [earlier] = re.findall(r'href="(\?[^"]+)#run-log-panel" data-log-link>Earlier', html)
    assert logged(admin_client, run, earlier) == ["line 0", "line 1"]


def test_the_log_is_searched_for_signs_of_a_pattern_as_they_are(admin_client: Client) -> None:
    run = make_run(many(1))
    add_lines(run.task_instances.get(), ("info", "100% (done)"), ("info", "1000 done"))
    assert logged(admin_client, run, "?find=100%25%20(") == ["100% (done)"]
    assert logged(admin_client, run, "?find=%00&level=x&try=y&before=z") != []
