"""The pages of DAGs by hand: the graph by keyboard, params, the switch, every width and theme."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from connections.services import create_connection
from connections.validation import Draft
from tasks.models import Dag, DagImportError, DagRun
from tasks.spec import DagSpec
from tests.browser.conftest import shoot_both
from tests.browser.walking import let_in, scrolls_sideways
from tests.conftest import ACTOR
from tests.tasks.dag_world import elt, fail_step, make_run, save, task

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PARAMS = {
    "params": {"day": "2026-01-31", "rows": 10, "deep": False, "mode": "full"},
    "param_schemas": {
        "day": {"type": "string", "format": "date", "title": "Day", "description": "Which day."},
        "rows": {"type": "integer", "minimum": 1, "maximum": 100},
        "mode": {"enum": ["full", "delta"]},
        "table": {"type": "string"},
    },
}


def fill() -> Dag:
    """A team's Patchbay: some DAGs, runs in many states, a connection that has expired."""
    create_connection(
        Draft("wh", "google_cloud_platform", extra={"project": "acme-reports"}), actor=ACTOR
    )
    draft = Draft("landing", "postgres", host="db", expires_at=timezone.now() + timedelta(days=6))
    create_connection(draft, actor=ACTOR)
    save(elt(schedule="@daily"))
    dag = save(elt(**PARAMS), source="rows = 1\n", by="")
    for at in range(24):
        is_bad = at % 7 == 3
        states = {"check": "failed", "tell": "success", "extract": "upstream_failed"}
        run = make_run(
            dag,
            "failed" if is_bad else "success",
            minutes_ago=40 * (24 - at),
            seconds=20 + 7 * (at % 6),
            task_states=states if is_bad else {"tell": "skipped"},
            run_type="scheduled" if at % 2 else "manual",
        )
        if is_bad:
            fail_step(run, "check", number=4, words="3 rows have no date.")
    running = {"wait": "success", "load.raw": "success", "load.dims": "running"}
    running |= dict.fromkeys(["transform", "check", "tell", "extract"], "pending")
    make_run(dag, "running", minutes_ago=0.5, task_states=running)
    layers = [
        task(f"l{at}_{n}", *([f"l{at - 1}_{m}" for m in range(12)] if at else []))
        for at in range(5)
        for n in range(12)
    ]
    save(DagSpec("layers", tuple(layers), tags=("demo",)))
    chain = [task(f"step_{n}", *([f"step_{n - 1}"] if n else [])) for n in range(4)]
    paused = save(DagSpec("paused_chain", tuple(chain), schedule="@hourly", tags=("demo",)))
    Dag.objects.filter(pk=paused.pk).update(is_paused=True, next_run_at=None)
    make_run(paused, "cancelled", minutes_ago=90, cancelled_by_name="ada")
    save(DagSpec("orders_export_to_the_warehouse", (task("a", conn_id="gone"),)))
    DagImportError.objects.create(
        filename="team/broken.py", kind="SyntaxError", line=7, message="'(' was never closed"
    )
    return dag


@pytest.mark.parametrize("width", [1280, 400])
def test_no_page_scrolls_sideways_and_pictures_are_kept(page: Page, web: str, width: int) -> None:
    fill()
    let_in(page.context, web)
    page.set_viewport_size({"width": width, "height": 900})
    for name, path in {
        "dashboard": "/",
        "dags": "/dags/",
        "dag": "/dags/elt/",
        "dag-layers": "/dags/layers/",
        "versions": "/dags/elt/versions/",
        "version": "/dags/elt/versions/1/",
        "trigger": "/dags/elt/trigger/",
        "runs": "/runs/",
    }.items():
        page.goto(f"{web}{path}")
        assert scrolls_sideways(page) == 0, path
        if name == "version":
            page.get_by_text("Code").click()
        shoot_both(page, f"{name}-{width}")


def test_the_graph_is_walked_by_keyboard_and_leads_to_the_task(page: Page, web: str) -> None:
    fill()
    let_in(page.context, web)
    page.goto(f"{web}/dags/elt/")
    link = page.locator("#node-4 a")
    link.focus()
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#task-4$"))
    expect(page.locator("#task-4")).to_be_in_viewport()


def test_a_link_into_a_folded_part_opens_it(page: Page, web: str) -> None:
    fill()
    let_in(page.context, web)
    page.goto(f"{web}/dags/layers/")
    expect(page.locator("#task-59")).to_be_hidden()
    page.locator("#node-59 a").click()
    expect(page.locator("#task-59")).to_be_in_viewport()


def test_the_params_are_asked_for_and_what_is_wrong_stands_at_its_field(
    page: Page, web: str
) -> None:
    fill()
    let_in(page.context, web)
    page.goto(f"{web}/dags/elt/")
    page.get_by_role("link", name="With params").click()
    page.get_by_label("rows").fill("500")
    page.get_by_role("button", name="Trigger").click()
    wrong = page.get_by_role("alert").filter(has_text="Must be at most 100.")
    expect(wrong).to_be_visible()
    assert not DagRun.objects.filter(conf__has_key="rows").exists()
    page.get_by_label("rows").fill("50")
    page.get_by_label("table").fill("weather")
    page.get_by_label("deep").check()
    page.get_by_role("button", name="Trigger").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/$"))
    conf = DagRun.objects.get(conf__has_key="rows").conf
    assert conf == {"day": "2026-01-31", "rows": 50, "deep": True, "mode": "full"} | {
        "table": "weather"
    }


def test_the_switch_pauses_where_it_stands(page: Page, web: str) -> None:
    fill()
    let_in(page.context, web)
    page.goto(f"{web}/dags/?tag=weather")
    switch = page.get_by_role("switch", name="Schedule of elt")
    expect(switch).to_have_attribute("aria-checked", "true")
    switch.focus()
    page.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-checked", "false")
    expect(page).to_have_url(re.compile(r"\?tag=weather$"))
    assert Dag.objects.get(dag_id="elt").is_paused


def test_times_to_come_count_down(page: Page, web: str) -> None:
    dag = save(elt())
    Dag.objects.filter(pk=dag.pk).update(next_run_at=timezone.now() + timedelta(seconds=70))
    let_in(page.context, web)
    page.goto(f"{web}/dags/elt/")
    expect(page.locator(".schedule-bar time")).to_have_text(re.compile(r"in \d+ s"))


def test_the_pages_are_read_and_used_without_javascript(browser: Browser, web: str) -> None:
    fill()
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    page.goto(f"{web}/dags/elt/")
    expect(page.locator("#node-3")).to_be_visible()
    page.get_by_role("switch", name="Schedule of elt").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    page.get_by_role("link", name="With params").click()
    page.get_by_label("table").fill("weather")
    page.get_by_role("button", name="Trigger").click()
    expect(page).to_have_url(re.compile(r"/runs/\d+/$"))
    context.close()
