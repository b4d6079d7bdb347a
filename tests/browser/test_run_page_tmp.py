from __future__ import annotations
import os
from typing import Any
import pytest
from tests.browser.test_run_page_live import *
from tests.tasks.run_page_rows import *
pytestmark = [pytest.mark.browser, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

def test_shots(browser: Any, web: str) -> None:
    few = {
        "load_weather": Plan(max_tries=3),
        "transform": Plan(try_number=2, max_tries=3),
        "check_rows": Plan("failed"),
        "publish_to_the_reporting_bucket_of_the_team": Plan("up_for_retry", 2, 4, columns={"due_at": timezone.now()+timedelta(seconds=400)}),
        "notify": Plan("queued", columns={"queue":"gcp"}),
        "lost": Plan("running", columns={"lease_expires_at": timezone.now()}),
        "sensor": Plan("up_for_reschedule", columns={"looks": 4, "due_at": timezone.now()+timedelta(seconds=40)}),
        "marked": Plan(columns={"marked_by_name": "ada", "note": "by hand"}),
        "can": Plan("cancelled"), "canning": Plan("cancelling"), "up": Plan("upstream_failed"), "rem": Plan("removed"),
    }
    run = make_run(few, note="Ran by hand after the outage.", conf={"a": 1})
    t = run.task_instances.get(task_id="transform")
    add_lines(t, ("info", "Connection my_gcp_conn v3 is used as sa@acme.iam.gserviceaccount.com"), ("warning", "a slow answer, 3 s"), ("error", "Query is not valid (job:invalid-query)"))
    for theme in ("light", "dark"):
        for width in (400, 1280):
            context = browser.new_context(viewport={"width": width, "height": 1400}, color_scheme=theme)
            page = context.new_page()
            visit(page, web, run)
            page.wait_for_timeout(700)
            page.screenshot(path=f"/tmp/runpage/shots/v-{width}-{theme}-top.png")
            page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            page.wait_for_timeout(100)
            page.screenshot(path=f"/tmp/runpage/shots/v-{width}-{theme}-end.png")
            page.evaluate("window.scrollTo(0, 0)")
            page.locator(".run-acts summary").first.click()
            page.screenshot(path=f"/tmp/runpage/shots/v-{width}-{theme}-cancel.png", clip={"x":0,"y":0,"width":width,"height":400})
            page.goto(f"{web}/runs/{run.pk}/tasks/transform/")
            page.locator(".run-acts summary").last.click()
            page.wait_for_timeout(300)
            page.screenshot(path=f"/tmp/runpage/shots/v-{width}-{theme}-task.png")
            context.close()
