"""The main job in a browser: sign in, connect, trigger, watch, reload, see the end."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from connections.models import Connection
from tasks.engine.steps import position_of
from tasks.models import DagRun
from tests import processes
from tests.browser.conftest import shoot, shoot_both
from tests.browser.walking import let_in, new_admin, sign_in
from tests.fakes.google import FakeGoogle, JobError, JobPlan
from tests.tasks.conftest import query_task, save_dag

pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
ROWS = [f"step-{position_of(number, None if number in (1, 6) else 0)}" for number in range(1, 7)]


@pytest.fixture(autouse=True)
def _dag() -> None:
    save_dag(query_task())


def trigger_from_the_dag(page: Page, web: str) -> None:
    page.goto(f"{web}/dags/example_dag/")
    page.get_by_role("button", name=re.compile("^Trigger")).first.click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))


def states(page: Page) -> list[str]:
    """The state that each of the six rows shows, in words."""
    found = []
    for key in ROWS:
        text = page.locator(f"#{key}").get_attribute("data-say") or ""
        found.append(text.split(": ")[1].split(".")[0])
    return found


def test_the_whole_way(page: Page, web: str, worker: Any, google: FakeGoogle, key: Any) -> None:
    google.plan(JobPlan(running=600, bytes_processed=1_200_000))
    new_admin()
    sign_in(page, web)
    page.goto(f"{web}/connections/")
    expect(page.get_by_text("No connections yet")).to_be_visible()
    page.goto(f"{web}/connections/new/?type=google_cloud_platform")
    page.get_by_label("Connection ID").fill("my_gcp_conn")
    page.get_by_text("Service account key", exact=True).click()
    page.get_by_label("Key JSON").fill(json.dumps(key))
    page.get_by_label("API endpoint").fill(google.url)
    shoot(page, "connection-form")
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.get_by_text("Connection my_gcp_conn is created.")).to_be_visible()
    assert Connection.objects.get().load().extra["keyfile_dict"] == json.dumps(key)

    trigger_from_the_dag(page, web)
    for row in ROWS:
        expect(page.locator(f"#{row}")).to_be_visible()
    expect(page.locator(f"#{ROWS[3]}.run")).to_contain_text("Cloud job started successfully")
    expect(page.locator("[data-live-badge]")).to_contain_text("Live")
    assert states(page) == ["Success", "Success", "Success", "Running", "Pending", "Pending"]
    expect(page.locator("#run-tracker td.now").last).to_contain_text("Running")
    shoot_both(page, "run-live")

    page.reload()
    assert states(page)[:4] == ["Success", "Success", "Success", "Running"]
    google.finish()
    expect(page.locator(f"#{ROWS[5]}")).to_contain_text("DAG run successful")
    expect(page.locator("#run-state")).to_contain_text("Success")
    assert states(page) == ["Success"] * 6
    sequence = DagRun.objects.get().sequence
    expect(page.get_by_text(f"complete {sequence}/{sequence}")).to_be_visible()
    finals = page.locator("#run-tracker tbody tr td:last-child").all_inner_texts()
    assert finals == ["None (released)", "None", "Success"]
    shoot(page, "run-success")


def test_a_failed_run_opens_its_row_and_says_what_to_do(
    page: Page, web: str, worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(error=JobError.invalid_query()))
    let_in(page.context, web)
    trigger_from_the_dag(page, web)
    expect(page.locator(f"#{ROWS[3]}")).to_contain_text("What to do")
    expect(page.locator(f"#{ROWS[3]}")).to_contain_text("Syntax error")
    expect(page.locator("#run-state")).to_contain_text("Failed")
    assert states(page) == ["Success", "Success", "Success", "Failed", "Success", "Failed"]
    shoot(page, "run-failed")


def test_a_lost_connection_is_told_and_nothing_is_missed(
    page: Page, worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=600))
    with processes.web() as (first, url):
        let_in(page.context, url)
        trigger_from_the_dag(page, url)
        expect(page.locator("[data-live-badge]")).to_contain_text("Live")
        first.kill()
        expect(page.locator("[data-live-badge]")).to_contain_text("Reconnecting")
        google.finish()
        port = int(url.rpartition(":")[2])
        with processes.web(port=port):
            expect(page.locator("#run-state")).to_contain_text("Success")
            assert states(page) == ["Success"] * 6
            lines = page.locator("#run-log li").count()
            assert lines == DagRun.objects.get().log_lines.count()


def test_without_javascript_a_reload_shows_where_it_is(
    browser: Any, web: str, worker: Any, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(running=1))
    context = browser.new_context(java_script_enabled=False)
    let_in(context, web)
    page = context.new_page()
    trigger_from_the_dag(page, web)
    assert len(states(page)) == 6
    for _ in range(300):
        page.wait_for_timeout(150)
        page.reload()
        if states(page)[-1] == "Success":
            break
    assert states(page) == ["Success"] * 6
    context.close()


def test_a_stored_secret_is_never_sent_to_the_browser(
    page: Page, web: str, google: FakeGoogle, key: Any, connect: Any
) -> None:
    connect(keyfile_dict=json.dumps(key), api_endpoint=google.url)
    let_in(page.context, web)
    page.goto(f"{web}/connections/my_gcp_conn/edit/")
    assert key["private_key"].split("\n")[3] not in page.content()
    expect(page.get_by_text(re.compile(r"set .* by tester"))).to_be_visible()
    page.get_by_label("Description").fill("changed")
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.get_by_text("Connection my_gcp_conn is saved.")).to_be_visible()
    stored = Connection.objects.get()
    assert stored.description == "changed"
    assert stored.load().extra["keyfile_dict"] == json.dumps(key)


@pytest.mark.parametrize("width", [400, 1280])
def test_no_page_scrolls_sideways(
    browser: Any,
    web: str,
    worker: Any,
    connect: Any,
    google: FakeGoogle,
    key: Any,
    width: int,
) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    context = browser.new_context(viewport={"width": width, "height": 900})
    let_in(context, web)
    page = context.new_page()
    trigger_from_the_dag(page, web)
    expect(page.locator("#run-state")).to_contain_text("Success")
    run_path = page.url.removeprefix(web)
    paths = {
        "dashboard": "/",
        "connections": "/connections/",
        "form": "/connections/my_gcp_conn/edit/",
        "new": "/connections/new/",
        "dags": "/dags/",
        "dag": "/dags/example_dag/",
        "runs": "/runs/",
        "run": run_path,
        "audit": "/audit/",
    }
    for name, path in paths.items():
        page.goto(web + path)
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide} px at {width} px"
        shoot_both(page, f"{name}-{width}")
    context.close()
