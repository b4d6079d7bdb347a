"""Before a task of a run that is over is marked, its page says what becomes of the run; and so it
becomes."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tasks.engine.resettling import SKIPS_KEY
from tasks.engine.versions import spec_of
from tasks.models import DagRun, XCom
from tasks.spec import TaskSpec
from tests.roles import user_of
from tests.tasks.conftest import query_task
from tests.tasks.dag_world import task
from tests.tasks.run_page_rows import Plan, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(user_of("Operator", "ada"))
    return client


def told(client: Client, run: DagRun, task_id: str) -> dict[str, str]:
    html = client.get(f"/runs/{run.pk}/tasks/{task_id}/").content.decode()
    return dict(
        re.findall(
            r'name="state" value="(\w+)">.*?</button><span class="small">(.*?)</span>', html, re.S
        )
    )


def mark(client: Client, run: DagRun, task_id: str, state: str) -> str:
    client.post(f"/runs/{run.pk}/tasks/{task_id}/mark/", {"state": state, "reason": "by hand"})
    run.refresh_from_db()
    return run.state


def chain(*tasks: TaskSpec, **states: str) -> DagRun:
    end = "failed" if "failed" in states.values() else "success"
    return make_run({name: Plan(state) for name, state in states.items()}, state=end, tasks=tasks)


def test_a_last_task_decides_the_state_of_its_run(operator: Client) -> None:
    run = chain(query_task("a"), query_task("b"), a="success", b="success")
    words = told(operator, run, "a")
    assert words == {"failed": "The run becomes Failed.", "skipped": "The run stays Success."}
    assert mark(operator, run, "a", "failed") == "failed"
    assert told(operator, run, "a")["success"] == "The run becomes Success."
    assert told(operator, run, "b")["skipped"] == "The run stays Failed: a is failed."
    assert mark(operator, run, "a", "success") == "success"


def test_a_task_that_others_follow_decides_nothing_by_itself(operator: Client) -> None:
    run = chain(query_task("a"), query_task("b", upstream=("a",)), a="success", b="success")
    assert told(operator, run, "a")["failed"] == "The run stays Success."
    assert mark(operator, run, "a", "failed") == "success"


def test_what_failed_only_because_of_it_runs_now(operator: Client) -> None:
    run = chain(
        query_task("a"),
        query_task("b", upstream=("a",)),
        query_task("c", upstream=("b",)),
        a="failed",
        b="upstream_failed",
        c="upstream_failed",
    )
    words = told(operator, run, "a")
    assert words["success"] == "The run goes on: b runs now."
    assert words["skipped"] == "The run becomes Success."
    assert mark(operator, run, "a", "success") == "running"
    assert run.task_instances.get(task_id="b").state == "queued"


def test_what_needs_no_worker_is_settled_in_the_words_too(operator: Client) -> None:
    run = chain(query_task("a"), task("join", "a"), a="failed", join="upstream_failed")
    assert told(operator, run, "a")["success"] == "The run becomes Success."
    assert mark(operator, run, "a", "success") == "success"


def test_what_a_branch_has_skipped_does_not_run_now(operator: Client) -> None:
    run = chain(
        query_task("choose"),
        query_task("a"),
        query_task("b", upstream=("choose", "a")),
        choose="success",
        a="failed",
        b="upstream_failed",
    )
    branch = run.task_instances.get(task_id="choose")
    XCom.objects.create(task_instance=branch, key=SKIPS_KEY, value={"skipped": ["b"]})
    assert told(operator, run, "a")["success"] == "The run becomes Success."
    assert mark(operator, run, "a", "success") == "success"
    assert run.task_instances.get(task_id="b").state == "skipped"


def test_a_run_without_a_place_among_the_active_ones_waits(operator: Client) -> None:
    run = chain(query_task("a"), query_task("b", upstream=("a",)), a="failed", b="upstream_failed")
    version = run.version
    version.spec |= {"max_active_runs": 1}
    version.save()
    spec_of.cache_clear()
    assert told(operator, run, "a")["success"] == "The run goes on: b runs now."
    DagRun.objects.create(
        dag=run.dag,
        version=version,
        run_id="other",
        run_type="manual",
        state="running",
        logical_date=run.logical_date + timedelta(days=1),
        admitted_at=timezone.now(),
    )
    waits = "The run waits: its DAG has its 1 active run."
    assert told(operator, run, "a") == {"success": waits, "skipped": waits}
    assert mark(operator, run, "a", "success") == "queued"
    assert run.task_instances.get(task_id="b").state == "pending"


def test_while_the_run_goes_on_no_end_is_foretold(operator: Client) -> None:
    run = make_run({"a": Plan("failed"), "b": Plan("running")})
    html = operator.get(f"/runs/{run.pk}/tasks/a/").content.decode()
    assert "what follows goes on as if it had ended so" in html
    assert "The run becomes" not in html


def test_the_acts_come_alone_for_a_page_that_is_open(operator: Client) -> None:
    run = chain(query_task("a"), a="failed")
    part = operator.get(f"/runs/{run.pk}/tasks/a/?part=acts").json()["replace"]["task-acts"]
    assert "The run becomes Success." in part
    assert "csrfmiddlewaretoken" in part
