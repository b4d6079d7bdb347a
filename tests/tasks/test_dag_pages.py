"""The list of DAGs, a DAG's page, its versions, the switch of its schedule, the list of runs."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from access.models import AuditEvent
from connections.services import create_connection
from connections.validation import Draft
from tasks.models import Dag, DagImportError
from tasks.spec import DagSpec
from tests.conftest import ACTOR
from tests.roles import user_of
from tests.tasks.dag_world import elt, fail_step, make_run, save, task

pytestmark = pytest.mark.django_db


def page(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def listed(html: str) -> list[str]:
    return re.findall(r'href="/dags/([\w.-]+)/" data-open', html)


def test_the_list_shows_schedule_next_run_tags_and_connections(admin_client: Client) -> None:
    save(elt())
    html = page(admin_client, "/dags/")
    assert "0 6 * * * Europe/Berlin" in html
    assert "in 12 min" in html
    assert "/dags/?tag=weather" in html
    assert "/connections/landing/overview/" in html


def test_the_list_is_narrowed_by_words_chips_and_tags(admin_client: Client) -> None:
    save(elt())
    save(DagSpec("orders", (task("a"),), tags=("daily",)))
    save(DagSpec("old", (task("a"),)))
    Dag.objects.filter(dag_id="old").update(is_missing=True)
    Dag.objects.filter(dag_id="orders").update(is_paused=True)
    for query, names in {
        "": ["elt", "old", "orders"],
        "?q=weather": ["elt"],
        "?q=WEATHER+checks": ["elt"],
        "?show=active": ["elt"],
        "?show=paused": ["orders"],
        "?show=missing": ["old"],
        "?tag=daily": ["elt", "orders"],
        "?tag=daily&tag=weather": ["elt"],
        "?tag=nobody": [],
        "?show=frob&origin=frob&page=frob": ["elt", "old", "orders"],
    }.items():
        assert listed(page(admin_client, f"/dags/{query}")) == names, query
    assert "No DAGs match" in page(admin_client, "/dags/?q=%00x")


def test_a_thousand_dags_come_in_pages_by_a_fixed_number_of_queries(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    save(elt())
    made = Dag.objects.bulk_create(
        Dag(dag_id=f"dag_{at:04}", current_version=Dag.objects.get().current_version)
        for at in range(1_000)
    )
    for dag in made[:60]:
        make_run(dag)
    with django_assert_max_num_queries(14):
        html = page(admin_client, "/dags/?page=2")
    assert len(listed(html)) == 50
    assert "Previous" in html


def test_only_the_last_runs_of_each_dag_are_bars(admin_client: Client) -> None:
    dag, other = save(elt()), save(DagSpec("other", (task("a"),)))
    runs = [make_run(dag, minutes_ago=at) for at in range(30)]
    lone = make_run(other, "failed")
    html = page(admin_client, "/dags/")
    assert len(re.findall(r'<a class="h\d+ ok"', html)) == 20
    assert f'href="/runs/{runs[0].pk}/"' in html
    assert f'href="/runs/{runs[20].pk}/"' not in html
    assert re.search(rf'class="h\d+ bad" href="/runs/{lone.pk}/"', html)


def test_the_page_of_a_dag_shows_graph_grid_tasks_code_and_connections(
    admin_client: Client,
) -> None:
    create_connection(Draft("landing", "postgres", host="db", is_disabled=True), actor=ACTOR)
    dag = save(elt())
    run = make_run(dag, "failed", task_states={"check": "failed", "extract": "upstream_failed"})
    fail_step(run, "check", number=4, words="3 rows have no date.")
    html = page(admin_client, "/dags/elt/")
    assert html.count('class="node s-none"') == 7
    assert 'id="node-3"' in html
    assert "when one_failed" in html
    assert html.count('class="cell bad') == 1
    assert '<span class="mono">check</span>, step 4: 3 rows have no date.' in html
    assert "Disabled" in html
    assert "/connections/new/?conn_id=wh" in html
    assert '<li id="L2"><code><span class="kn">from</span>' in html
    assert 'style="' not in html


def test_a_dag_of_many_tasks_has_no_grid_and_its_tasks_are_folded(admin_client: Client) -> None:
    dag = save(DagSpec("wide", tuple(task(f"t{at}") for at in range(400))))
    make_run(dag)
    html = page(admin_client, "/dags/wide/")
    assert 'class="grid"' not in html
    assert 'class="bars"' in html
    assert "400 tasks are too many to draw" in html
    assert '<details class="panel tasks-panel"' in html
    assert 'id="task-399"' in html


def test_the_page_of_a_dag_asks_a_fixed_number_of_queries(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    dag = save(elt())
    for at in range(30):
        make_run(dag, minutes_ago=at)
    with django_assert_max_num_queries(18):
        page(admin_client, "/dags/elt/")


def test_a_dag_without_a_version_has_a_page(admin_client: Client) -> None:
    Dag.objects.create(dag_id="bare")
    assert "It never ran" in page(admin_client, "/dags/bare/")
    assert "bare" in page(admin_client, "/dags/")


def test_an_import_error_stands_on_the_page_of_the_dag(admin_client: Client) -> None:
    save(elt())
    DagImportError.objects.create(filename="elt.py", kind="SyntaxError", line=3, message="no")
    assert "elt.py:3" in page(admin_client, "/dags/elt/")


def test_the_schedule_is_paused_and_started_again_and_that_is_recorded(
    admin_client: Client,
) -> None:
    dag = save(elt(schedule="@daily", start_date="2026-01-01T00:00:00+00:00"))
    answer = admin_client.post("/dags/elt/pause/", {"paused": "1", "back": "/dags/?q=elt"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dags/?q=elt")
    dag.refresh_from_db()
    assert (dag.is_paused, dag.next_run_at) == (True, None)
    assert "Paused" in page(admin_client, "/dags/")
    admin_client.post("/dags/elt/pause/", {"paused": "0"})
    dag.refresh_from_db()
    assert not dag.is_paused
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"paused", "unpaused"}


@pytest.mark.parametrize("sent", [{}, {"paused": "frob"}, {"paused": ""}])
def test_a_switch_that_says_neither_on_nor_off_changes_nothing(
    admin_client: Client, sent: dict[str, str]
) -> None:
    save(elt())
    admin_client.post("/dags/elt/pause/", sent)
    assert not Dag.objects.get().is_paused
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "javascript:1"])
def test_the_switch_leads_back_to_no_other_host(admin_client: Client, back: str) -> None:
    save(elt())
    answer = admin_client.post("/dags/elt/pause/", {"paused": "1", "back": back})
    assert answer.headers["Location"] == "/dags/elt/"


def test_a_viewer_is_offered_neither_switch_nor_trigger(client: Client) -> None:
    save(elt())
    client.force_login(user_of("Viewer"))
    for path in ("/dags/", "/dags/elt/"):
        html = page(client, path)
        assert "/pause/" not in html
        assert "/trigger/" not in html
    assert client.post("/dags/elt/pause/", {"paused": "1"}).status_code == 403
    assert not Dag.objects.get().is_paused


def test_two_versions_are_compared(admin_client: Client) -> None:
    old, *rest = elt().tasks
    save(elt(), source="a = 1\nb = 2\n")
    changed = replace(old, conn_id="other", retries=3, arguments={"object": "x\ny"})
    tasks = (changed, *rest[:-1], task("mail", "check"))
    save(replace(elt(), tasks=tasks, schedule="@hourly"), by="ada")
    html = page(admin_client, "/dags/elt/versions/?from=1&to=2")
    assert "From v1 to v2" in html
    for words in ("mail", "extract", "<ins>@hourly</ins>", "<del>landing</del>", "<ins>3</ins>"):
        assert words in html
    assert html.count('<tr class="added">') > 2
    assert "ada" in html
    assert "From v2 to v1" in page(admin_client, "/dags/elt/versions/?from=2&to=1")


@pytest.mark.parametrize("query", ["?from=1&to=9", "?from=x&to=1", "?from=1", "?to=99999999999"])
def test_versions_that_are_not_there_are_told(admin_client: Client, query: str) -> None:
    save(elt())
    save(elt())
    assert "Choose two versions" in page(admin_client, f"/dags/elt/versions/{query}")


def test_versions_that_differ_in_nothing_say_so(admin_client: Client) -> None:
    save(elt())
    save(elt())
    html = page(admin_client, "/dags/elt/versions/")
    assert "Nothing that matters to a run is different." in html


def test_an_old_version_is_shown_as_it_was(admin_client: Client) -> None:
    dag = save(elt(), source="old = 1\n")
    make_run(dag)
    save(DagSpec("elt", (task("only"),)))
    html = page(admin_client, "/dags/elt/versions/1/")
    assert "1 run " in html
    assert html.count('class="node ') == 7
    assert "old" in html
    assert "?from=1&amp;to=2" in html
    page(admin_client, "/dags/elt/versions/3/", status=404)


def test_what_a_file_says_is_never_html(admin_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    spec = DagSpec("evil", (task("a", doc_md=evil, arguments={"sql": evil}),), description=evil)
    save(spec, source=f'x = "{evil}"\n# {evil}\n')
    save(DagSpec("evil", (task("a", arguments={"sql": f"{evil}\n2"}),)), source=evil)
    for path in ("/dags/", "/dags/evil/", "/dags/evil/versions/", "/dags/evil/versions/1/"):
        assert "<script>alert" not in page(admin_client, path)


def test_the_runs_are_filtered_by_state_dag_start_and_days(admin_client: Client) -> None:
    dag, other = save(elt()), save(DagSpec("other", (task("a"),)))
    now = timezone.now()
    by_hand = make_run(dag, "success", minutes_ago=0)
    old = make_run(dag, "failed", minutes_ago=3 * 1_440, run_type="scheduled")
    cancelling = make_run(other, "cancelling", minutes_ago=1)
    today, before = now.date(), (now - timedelta(days=2)).date()
    for query, runs in {
        "": {by_hand, old, cancelling},
        "?state=live": {cancelling},
        "?state=cancelling": {cancelling},
        "?state=failed": {old},
        "?dag=other": {cancelling},
        "?type=scheduled": {old},
        f"?to={before}": {old},
        f"?from={before}&dag=elt": {by_hand},
        f"?from={today + timedelta(days=2)}": set(),
    }.items():
        html = page(admin_client, f"/runs/{query}")
        shown = {int(pk) for pk in re.findall(r'<tr id="run-(\d+)"', html)}
        assert shown == {run.pk for run in runs}, query
    assert "No runs match" in page(admin_client, "/runs/?dag=nowhere")


@pytest.mark.parametrize("query", ["state=frob", "type=frob", "from=frob", "to=9999-12-31"])
def test_what_the_runs_cannot_be_asked_is_told(admin_client: Client, query: str) -> None:
    make_run(save(elt()))
    html = page(admin_client, f"/runs/?{query}")
    assert f"<code>{query}</code>" in html
    assert '<tr id="run-' in html


def test_a_run_says_where_it_is(admin_client: Client) -> None:
    dag = save(elt())
    make_run(dag, "running", task_states={"tell": "running", "extract": "pending"})
    make_run(dag, "queued", minutes_ago=2)
    make_run(dag, "queued", minutes_ago=3, admitted_at=None)
    make_run(dag, "cancelled", minutes_ago=4, cancelled_by_name="ada")
    make_run(dag, "failed", minutes_ago=5, task_states={"wait": "success"})
    html = page(admin_client, "/runs/")
    for words in (
        "5 of 7 tasks ended",
        "waits for a worker",
        "waits for another run of its DAG",
        "cancelled by ada",
        ">failed<",
    ):
        assert words in html


def test_the_list_of_runs_asks_a_fixed_number_of_queries(
    admin_client: Client, django_assert_max_num_queries: Any
) -> None:
    dag = save(elt())
    for at in range(30):
        make_run(dag, ("failed", "running", "success")[at % 3], minutes_ago=at)
    with django_assert_max_num_queries(14):
        page(admin_client, "/runs/")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (900, "every 15 min"),
        (86_400, "every 1 d"),
        (109_800, "every 1 d 6 h 30 min"),
        (90.5, "every 1 min 30.5 s"),
    ],
)
def test_an_interval_is_told_in_words(admin_client: Client, seconds: float, words: str) -> None:
    save(DagSpec("often", (task("a"),), interval=seconds))
    assert f">{words}</b>" in admin_client.get("/dags/often/").content.decode()
    assert f">{words}</span>" in admin_client.get("/dags/").content.decode()
