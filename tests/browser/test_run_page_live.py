"""A run of many tasks in a browser: it opens, folds, scrolls, and follows what changes."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from access.audit import Actor
from tasks import live
from tasks.acts import clear_tasks, delete_run, set_note
from tasks.engine import steps
from tasks.models import DagRun
from tasks.states import StepState
from tests.browser.conftest import shoot_both
from tests.e2e.events import session_cookie
from tests.tasks.conftest import query_task
from tests.tasks.run_page_rows import Plan, add_lines, change, make_run, many

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def visit(page: Page, web: str, run: DagRun, query: str = "") -> None:
    name, value = session_cookie("Operator").split("=")
    page.context.add_cookies([{"name": name, "value": value, "url": web}])
    page.goto(f"{web}/runs/{run.pk}/{query}")


def change_and_tell(run: DagRun, *task_ids: str, **how: Any) -> None:
    change(run, *task_ids, **how)
    live.publish_on_commit(run.pk)


def head(page: Page, position: int) -> Any:
    return page.locator(f"#task-{position}")


def steps_of(page: Page, position: int) -> Any:
    return page.locator(f'tbody[data-of="{position}"]')


def test_what_changes_is_seen_in_list_graph_timeline_and_counts(page: Page, web: str) -> None:
    run = make_run(many(12, task_0003="running", task_0004="queued"))
    visit(page, web, run)
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    page.locator(".run-graph > summary").click()
    expect(steps_of(page, 3)).to_have_count(4)
    expect(steps_of(page, 4)).to_have_count(0)
    change_and_tell(run, "task_0004", state="running", step=(4, StepState.RUNNING))
    expect(head(page, 4)).to_contain_text("Running")
    expect(steps_of(page, 4)).to_have_count(4)
    expect(page.locator("#node-4.s-running")).to_be_visible()
    expect(page.locator("#lane-4 rect.running.run")).to_have_count(1)
    expect(page.locator("#run-chips")).to_contain_text("Running 2")
    change_and_tell(run, "task_0003", state="success", step=(4, StepState.SUCCESS))
    expect(steps_of(page, 3)).to_have_count(0)
    expect(page.locator("#node-3 .word")).to_have_text("Success")
    change_and_tell(run, "task_0004", state="failed", step=(4, StepState.FAILED))
    expect(head(page, 4)).to_contain_text("Failed")
    expect(steps_of(page, 4)).to_have_count(4)


def test_what_the_reader_opened_or_folded_stays_so(page: Page, web: str) -> None:
    run = make_run(many(12, task_0003="running"))
    visit(page, web, run)
    head(page, 7).locator("[data-fold]").click()
    expect(steps_of(page, 7)).to_have_count(4)
    expect(page.locator("#run-tracker")).to_contain_text("task_0007")
    head(page, 3).locator("[data-fold]").click()
    expect(steps_of(page, 3)).to_have_count(0)
    change_and_tell(run, "task_0003", state="failed", step=(4, StepState.FAILED))
    expect(head(page, 3)).to_contain_text("Failed")
    expect(steps_of(page, 3)).to_have_count(0)
    expect(steps_of(page, 7)).to_have_count(4)


def test_a_further_try_brings_its_own_steps(page: Page, web: str) -> None:
    run = make_run({"a": Plan("failed", max_tries=3), "b": Plan("pending")})
    visit(page, web, run)
    expect(steps_of(page, 0)).to_have_count(4)
    run.task_instances.filter(task_id="a").update(try_number=2)
    steps.insert_tries(run.pk, run.sequence, [run.task_instances.get(task_id="a").pk])
    change_and_tell(run, "a", state="running", step=(4, StepState.RUNNING))
    expect(head(page, 0)).to_contain_text("try 2 of 3")
    expect(page.locator("#try-0-1 summary").first).to_contain_text("Try 1 failed")


def test_a_further_try_of_the_only_task_brings_its_own_steps(page: Page, web: str) -> None:
    run = make_run({"a": Plan("running", max_tries=3)})
    visit(page, web, run)
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    run.task_instances.update(try_number=2)
    steps.insert_tries(run.pk, run.sequence, [run.task_instances.get().pk])
    change_and_tell(run, "a", state="running", step=(2, StepState.RUNNING))
    expect(page.locator("#try-0-1")).to_have_count(1)
    expect(page.locator("#step-100022.run")).to_be_visible()
    expect(page.locator(".step")).to_have_count(1 + 1 + 4 + 1)
    change_and_tell(run, "a", state="running", step=(3, StepState.RUNNING))
    expect(page.locator("#step-100023.run")).to_be_visible()
    expect(page.locator(".task-head")).to_have_count(0)


def test_keys_go_from_task_to_task(page: Page, web: str) -> None:
    visit(page, web, make_run(many(12)))
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(head(page, 1).locator("[data-fold]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(steps_of(page, 1)).to_have_count(4)


def test_a_node_of_the_graph_leads_to_its_task(page: Page, web: str) -> None:
    visit(page, web, make_run(many(12)))
    page.locator(".run-graph > summary").click()
    page.locator("#node-5 a").click()
    expect(steps_of(page, 5)).to_have_count(4)
    expect(head(page, 5)).to_be_in_viewport()


def test_scrolling_brings_further_tasks(page: Page, web: str) -> None:
    visit(page, web, make_run(many(250)))
    expect(page.locator(".task-head[data-position]")).to_have_count(100)
    panel = page.locator(".steps-panel.long")
    for count in (200, 250):
        panel.evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
        expect(page.locator(".task-head[data-position]")).to_have_count(count)
    expect(page.locator("#run-more")).to_have_count(0)
    expect(page.locator(".lane")).to_have_count(250)


def test_a_thousand_tasks_that_change_at_once_are_all_seen(page: Page, web: str) -> None:
    plans = {f"task_{n:04}": Plan("queued") for n in range(1_000)}
    run = make_run(plans)
    visit(page, web, run)
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    change_and_tell(run, *plans, state="success", step=(4, StepState.SUCCESS))
    expect(page.locator("#run-chips")).to_contain_text("Success 1,000")
    expect(page.locator(".task-head.ok[data-position]")).to_have_count(100)
    head(page, 0).locator("[data-fold]").click()
    expect(steps_of(page, 0)).to_have_count(4)


def test_one_that_fails_out_of_view_comes_first(page: Page, web: str) -> None:
    run = make_run(many(150, task_0140="running"))
    visit(page, web, run, "?state=failed")
    expect(page.locator(".task-head[data-position]")).to_have_count(0)
    change_and_tell(run, "task_0140", state="failed", step=(4, StepState.FAILED))
    expect(head(page, 140)).to_contain_text("Failed")


def test_the_log_is_filtered_as_one_types_and_goes_on_filtered(page: Page, web: str) -> None:
    run = make_run(many(3, task_0001="running"))
    task = run.task_instances.get(task_id="task_0001")
    add_lines(task, ("info", "opened"), ("warning", "slow answer"))
    visit(page, web, run)
    expect(page.locator("#run-log li")).to_have_count(2)
    page.get_by_label("Search the log").fill("SLOW")
    expect(page.locator("#run-log li")).to_have_count(1)
    expect(page.locator("#run-log mark")).to_have_text("slow")
    expect(page.get_by_label("Search the log")).to_be_focused()
    add_lines(task, ("info", "not this one"), ("info", "a slow one"))
    live.publish_on_commit(run.pk)
    expect(page.locator("#run-log li")).to_have_count(2)
    page.get_by_label("Levels").select_option("warning")
    expect(page.locator("#run-log li")).to_have_count(1)


def test_the_page_of_a_task_follows_it(page: Page, web: str) -> None:
    run = make_run(many(12, task_0003="running", task_0004="running"))
    visit(page, web, run)
    head(page, 3).get_by_role("link", name="task_0003", exact=True).click()
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    expect(page.locator(".steps .step")).to_have_count(4)
    change_and_tell(run, "task_0004", state="failed", step=(4, StepState.FAILED))
    change_and_tell(run, "task_0003", state="success", step=(4, StepState.SUCCESS))
    expect(head(page, 3)).to_contain_text("Success")
    expect(page.locator(".steps .step")).to_have_count(4)
    expect(page.locator(".task-head")).to_have_count(1)
    expect(page.get_by_text("Clear", exact=True)).to_be_visible()


def test_without_javascript_a_task_is_opened_by_a_link(browser: Any, web: str) -> None:
    run = make_run(many(120))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    visit(page, web, run)
    head(page, 9).locator("[data-fold]").click()
    expect(steps_of(page, 9)).to_have_count(4)
    page.get_by_text("the other 20").click()
    expect(page.locator(".task-head[data-position]")).to_have_count(20)
    context.close()


@pytest.mark.parametrize("width", [400, 1280])
def test_no_run_page_scrolls_sideways(browser: Any, web: str, width: int) -> None:
    few = {
        "load_weather": Plan(max_tries=3),
        "transform": Plan(try_number=2, max_tries=3),
        "check_rows": Plan("running"),
        "publish_to_the_reporting_bucket_of_the_team": Plan("up_for_retry", 2, 4),
        "notify": Plan("pending"),
        "skipped_one": Plan("skipped"),
    }
    upstream = {"transform": "load_weather", "check_rows": "transform", "notify": "check_rows"}
    tasks = tuple(
        query_task(name, upstream=(upstream[name],) if name in upstream else ()) for name in few
    )
    runs = {
        "few": make_run(few, tasks=tasks, note="Ran by hand after the outage."),
        "some": make_run(many(40, task_0005="failed", task_0009="running", task_0030="skipped")),
        "long": make_run(many(1_000, task_0500="failed", task_0700="running"), state="failed"),
    }
    add_lines(runs["few"].task_instances.get(position=2), ("info", "opened"), ("error", "no"))
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    paths = {name: f"/runs/{run.pk}/" for name, run in runs.items()}
    paths["task"] = f"/runs/{runs['few'].pk}/tasks/transform/"
    visit(page, web, runs["few"])
    for name, path in paths.items():
        page.goto(web + path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide} px at {width} px"
        shoot_both(page, f"many-{name}-{width}")
    context.close()


def test_a_run_that_is_over_is_seen_to_go_on_when_somebody_clears_a_task(
    page: Page, web: str
) -> None:
    run = make_run(many(3, task_0001="failed"), state="failed")
    visit(page, web, run)
    badge = page.locator("[data-live-badge]")
    expect(badge).to_contain_text("complete 10/10")
    clear_tasks(run, actor=Actor("ada"), task_ids=["task_0001"])
    expect(head(page, 1)).to_contain_text("try 2 of 2")
    expect(page.locator("#run-state")).to_contain_text("Running")
    expect(badge).to_contain_text("Live")
    expect(page.locator("#run-timeline[data-goes-on]")).to_have_count(1)
    expect(page.locator(".run-acts").get_by_text("Cancel", exact=True)).to_be_visible()


def test_a_note_of_another_is_seen_at_once(page: Page, web: str) -> None:
    run = make_run(many(2), state="success")
    visit(page, web, run)
    expect(page.locator("#run-note")).to_contain_text("Add a note")
    expect(page.locator("[data-live-badge]")).to_contain_text("complete")
    set_note(run, "Ran after the outage.", actor=Actor("ada"))
    expect(page.locator("#run-note")).to_contain_text("Ran after the outage.")
    page.locator(".run-note > summary").click()
    expect(page.get_by_label("Note")).to_have_value("Ran after the outage.")


def test_a_run_that_is_deleted_says_so(page: Page, web: str) -> None:
    run = make_run(many(2), state="success")
    visit(page, web, run)
    expect(page.locator("[data-live-badge]")).to_contain_text("complete")
    delete_run(run, actor=Actor("ada"))
    expect(page.locator("[data-live-badge]")).to_contain_text("deleted")
    expect(page.get_by_text("Somebody has deleted this run.")).to_be_visible()


def test_what_matters_comes_to_the_top_of_a_long_list_by_itself(page: Page, web: str) -> None:
    run = make_run(many(150, task_0140="running"))
    visit(page, web, run)
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    change_and_tell(run, "task_0050", state="failed", step=(4, StepState.FAILED))
    first = page.locator(".task-head[data-position]").first
    expect(first).to_have_id("task-50")
    expect(steps_of(page, 50)).to_have_count(4)
    expect(page.locator(".task-head[data-position]")).to_have_count(100)
    expect(page.locator(".lane").first).to_have_id("lane-50")
    change_and_tell(run, "task_0050", state="success", step=(4, StepState.SUCCESS))
    expect(first).to_have_id("task-140")
    expect(steps_of(page, 50)).to_have_count(0)


def test_while_one_reads_in_a_long_list_a_button_says_that_it_changed(page: Page, web: str) -> None:
    run = make_run(many(150, task_0140="running"))
    visit(page, web, run)
    head(page, 3).locator("[data-fold]").click()
    expect(steps_of(page, 3)).to_have_count(4)
    change_and_tell(run, "task_0050", state="failed", step=(4, StepState.FAILED))
    button = page.locator("[data-resort]")
    expect(button).to_contain_text("1 failed further down: show")
    first = page.locator(".task-head[data-position]").first
    expect(first).to_have_id("task-140")
    button.click()
    expect(first).to_have_id("task-50")
    expect(button).to_be_hidden()
    expect(steps_of(page, 3)).to_have_count(4)


def test_the_page_of_a_task_says_its_state_and_offers_what_can_be_done(
    page: Page, web: str
) -> None:
    run = make_run({"load": Plan("running")})
    visit(page, web, run, "tasks/load/")
    expect(page.locator("#task-state")).to_have_text("Running")
    expect(page.get_by_role("button", name="Cancel the task")).to_be_visible()
    DagRun.objects.filter(pk=run.pk).update(state="failed", ended_at=run.queued_at)
    change_and_tell(run, "load", state="failed", step=(4, StepState.FAILED))
    expect(page.locator("#task-state.bad")).to_have_text("Failed")
    expect(page).to_have_title("load: Failed · Patchbay")
    expect(page.get_by_role("button", name="Cancel the task")).to_have_count(0)
    page.get_by_text("Mark", exact=True).click()
    expect(page.get_by_text("The run becomes Success.").first).to_be_visible()
