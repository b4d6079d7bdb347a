"""The dashboard: what runs, what failed, what needs care, at a cost that stays bounded."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import ConnectionTest
from connections.services import create_connection
from connections.validation import Draft
from tasks.engine.workers import Worker
from tasks.models import Dag, DagImportError, DagRun, Step, TaskInstance
from tasks.spec import DagSpec
from tasks.views import dashboard
from tasks.views.streams import _dashboard_html
from tests.conftest import ACTOR
from tests.tasks.dag_world import elt, fail_step, make_run, save, task

pytestmark = pytest.mark.django_db


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[Worker]:
    """The workers that there are; a test puts some in."""
    there: list[Worker] = []
    monkeypatch.setattr(dashboard, "workers", lambda: there)
    return there


def shown(client: Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def part(html: str, name: str) -> str:
    return html[html.index(f'id="{name}"') :].split("</section>", maxsplit=1)[0]


def test_an_empty_installation_shows_three_steps(admin_client: Client) -> None:
    html = shown(admin_client)
    assert "Create a connection" in html
    assert "Trigger a DAG" in html
    assert "Running now" not in html


def test_what_runs_and_what_failed_stand_apart_with_the_step_in_words(
    admin_client: Client,
) -> None:
    dag = save(elt())
    live = make_run(dag, "running", task_states={"tell": "running"})
    failed = make_run(dag, "failed", minutes_ago=60, task_states={"check": "failed"})
    fail_step(failed, "check", number=3, words="The key was revoked.")
    old = make_run(dag, "failed", minutes_ago=1_500)
    ended = make_run(dag, "success", minutes_ago=90)
    html = shown(admin_client)
    for name, run in {"running": live, "failed": failed, "ended": ended}.items():
        assert re.findall(r'<tr id="run-(\d+)"', part(html, name)) == [str(run.pk)]
    assert "step 3: The key was revoked." in part(html, "failed")
    assert f'id="run-{old.pk}"' not in html
    assert "failed in 24 h, of 3" in html


def test_each_tile_leads_to_its_list(admin_client: Client) -> None:
    make_run(save(elt()), "failed", minutes_ago=60)
    html = shown(admin_client)
    [address] = set(re.findall(r'href="(/runs/\?state=failed[^"]*)"', html))
    assert '<tr id="run-' in admin_client.get(address.replace("&amp;", "&")).content.decode()
    assert "/runs/?state=live" in html


def test_a_queue_that_no_worker_listens_on_is_named(
    admin_client: Client, workers: list[Worker]
) -> None:
    workers.append(Worker("host:1", slots=32, busy=3))
    run = make_run(save(elt()), "running", task_states={"tell": "queued", "check": "queued"})
    run.task_instances.filter(task_id="tell").update(queue="gcp")
    html = shown(admin_client)
    assert re.search(r"No worker listens on queue <code>gcp</code> for .*: 1 task waits\.", html)
    assert "<code>default</code>" not in html
    assert "3 / 32" in html
    assert "host:1" in html


def test_without_a_worker_that_is_told_and_no_queue(
    admin_client: Client, workers: list[Worker]
) -> None:
    make_run(save(elt()), "queued")
    html = shown(admin_client)
    assert "runs wait until one starts" in html
    assert "No worker listens" not in html


def test_connections_that_need_care_and_how_many_no_dag_names(admin_client: Client) -> None:
    soon = timezone.now() + timedelta(days=3)
    create_connection(Draft("wh", "postgres", host="db", expires_at=soon), actor=ACTOR)
    create_connection(Draft("landing", "postgres", host="db", is_disabled=True), actor=ACTOR)
    create_connection(Draft("alone", "postgres", host="db"), actor=ACTOR)
    save(elt())
    save(DagSpec("other", (task("a", conn_id="gone"), task("b", conn_id="{{ params.x }}"))))
    care = part(shown(admin_client), "care")
    found = re.findall(r'<b class="mono">(.*?)</b> (.*?)</span>', care)
    assert found == [
        ("gone", "is used, but not there"),
        ("landing", "is used, but disabled"),
        ("wh", "expires in 2 days"),
    ]
    assert "1 connection is in no DAG" in care


def test_the_next_runs_by_schedule_come_in_their_order(admin_client: Client) -> None:
    for at, name in enumerate(("late", "soon", "paused", "missing")):
        save(DagSpec(name, (task("a"),), schedule="@daily"))
        moment = timezone.now() + timedelta(hours=5 - at, minutes=1)
        Dag.objects.filter(dag_id=name).update(next_run_at=moment)
    Dag.objects.filter(dag_id="paused").update(is_paused=True)
    Dag.objects.filter(dag_id="missing").update(is_missing=True)
    html = shown(admin_client).split("Next by schedule")[1].split("</section>")[0]
    assert re.findall(r'href="/dags/(\w+)/"', html) == ["soon", "late"]
    assert "in 4 h" in html


def test_the_dags_that_ran_last_come_first(admin_client: Client) -> None:
    for at in range(20):
        dag = save(DagSpec(f"dag_{at}", (task("a"),)))
        if at in (3, 7):
            make_run(dag, minutes_ago=at)
    html = shown(admin_client)
    names = re.findall(r'<li id="bars-\d+"><a class="link mono" href="/dags/(\w+)/"', html)
    assert names[:3] == ["dag_3", "dag_7", "dag_0"]
    assert len(names) == 12


def test_a_file_that_cannot_be_read_is_told(admin_client: Client) -> None:
    DagImportError.objects.create(filename="x.py", kind="SyntaxError", message="no")
    assert "1 DAG file can’t be read" in shown(admin_client)


def many(dags: int, runs: int) -> None:
    """That many DAGs with connections, each with that many runs of three tasks in all states."""
    now = timezone.now()
    states = ("success", "failed", "running", "queued", "cancelled")
    for at in range(dags):
        spec = DagSpec(f"dag_{at:03}", tuple(task(f"t{n}", conn_id=f"c{at}") for n in range(3)))
        dag = save(spec)
        made = DagRun.objects.bulk_create(
            DagRun(
                dag=dag,
                version=dag.current_version,
                run_id=f"r{n}",
                state=states[n % 5],
                queued_at=now - timedelta(minutes=n * dags + at),
            )
            for n in range(runs)
        )
        TaskInstance.objects.bulk_create(
            TaskInstance(run=run, task_id=f"t{n}", position=n, operator="E", state=run.state)
            for run in made
            for n in range(3)
        )


def test_the_number_of_queries_is_the_same_for_few_and_for_many(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    many(40, 30)
    with django_assert_max_num_queries(26):
        shown(admin_client)


def test_the_live_part_is_the_pages_own(admin_client: Client) -> None:
    from access.rights import Caller

    make_run(save(elt()), "running")
    user = admin_client.get("/").wsgi_request.user
    html = _dashboard_html(Caller(user))
    assert html.startswith('<div id="dashboard-live"')
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def use(dag: Dag, conn_id: str, *, number: int, state: str, minutes_ago: float = 5) -> DagRun:
    """A task asked for the connection: how its step of this number, the last one, ended."""
    run = make_run(dag, "failed" if state == "failed" else "success", minutes_ago=minutes_ago)
    instance = run.task_instances.filter(conn_id=conn_id).first()
    assert instance is not None
    for each in range(2, number + 1):
        at = run.queued_at + timedelta(seconds=each)
        Step.objects.create(
            run=run,
            task_instance=instance,
            number=each,
            position=each,
            conn_id=conn_id,
            state=state if each == number else "success",
            started_at=at,
            ended_at=at + timedelta(seconds=1),
        )
    return run


def cares(client: Client) -> list[str]:
    html = shown(client)
    if 'id="care"' not in html:
        return []
    return [
        re.sub(r"<[^>]+>", "", line)
        for line in re.findall(r'<li id="care-[^"]*">.*?<span>(.*?)</span>', part(html, "care"))
    ]


@pytest.mark.parametrize("number", [2, 3])
def test_a_connection_that_a_task_could_not_use_needs_care_until_it_is_used(
    admin_client: Client, number: int
) -> None:
    create_connection(Draft("wh", "postgres", host="db"), actor=ACTOR)
    dag = save(DagSpec("d", (task("a", conn_id="wh"),)))
    use(dag, "wh", number=3, state="success", minutes_ago=50)
    assert cares(admin_client) == []
    run = use(dag, "wh", number=number, state="failed")
    assert cares(admin_client) == ["wh failed when a task used it, 4 min ago"]
    assert f"/runs/{run.pk}/tasks/a/" in part(shown(admin_client), "care")
    assert "Failed when a task used it" in admin_client.get("/dags/d/").content.decode()
    use(dag, "wh", number=3, state="success", minutes_ago=1)
    assert cares(admin_client) == []


def test_a_test_that_goes_well_ends_the_care_for_a_failed_use(admin_client: Client) -> None:
    made = create_connection(Draft("wh", "postgres", host="db"), actor=ACTOR)
    dag = save(DagSpec("d", (task("a", conn_id="wh"),)))
    use(dag, "wh", number=3, state="failed")
    test = ConnectionTest.objects.create(
        connection=made,
        conn_id="wh",
        version=made.version,
        digest="x",
        state="success",
        requested_by="ada",
        ended_at=timezone.now(),
    )
    assert cares(admin_client) == []
    ConnectionTest.objects.filter(pk=test.pk).update(ended_at=timezone.now() - timedelta(hours=1))
    assert cares(admin_client) == ["wh failed when a task used it, 4 min ago"]


def test_a_use_that_failed_later_at_the_work_itself_is_no_matter_of_the_connection(
    admin_client: Client,
) -> None:
    create_connection(Draft("wh", "postgres", host="db"), actor=ACTOR)
    use(save(DagSpec("d", (task("a", conn_id="wh"),))), "wh", number=4, state="failed")
    assert cares(admin_client) == []


def test_a_connection_of_the_environment_that_failed_is_told_too(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WH", "postgres://db")
    use(save(DagSpec("d", (task("a", conn_id="wh"),))), "wh", number=3, state="failed")
    assert cares(admin_client) == ["wh failed when a task used it, 4 min ago"]
    assert "/connections/wh/" not in part(shown(admin_client), "care")
