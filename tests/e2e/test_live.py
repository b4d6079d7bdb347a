"""The live execution table: what a watcher hears, from the real web process."""

from __future__ import annotations

import http.client
import re
import urllib.request
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.contrib.sessions.models import Session

from tasks.engine.steps import position_of
from tasks.models import DagRun
from tests.e2e.events import Event, Stream, session_cookie
from tests.fakes.google import FakeGoogle, JobPlan
from tests.tasks.conftest import trigger

ROWS = [f"step-{position_of(number, None if number in (1, 6) else 0)}" for number in range(1, 7)]
pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _slow_job(google: FakeGoogle, key: dict[str, Any], connect: Any) -> None:
    connect(keyfile_dict=key, api_endpoint=google.url)
    google.plan(JobPlan(pending=0.3, running=0.7))


def events_url(web: str, run: DagRun, cursor: int) -> str:
    return f"{web}/runs/{run.pk}/events/?after={cursor}"


def cursor_of(event: Event) -> int:
    assert event.cursor is not None
    return event.cursor


def states_heard(events: list[Event]) -> dict[str, list[str]]:
    """For each row, the states in which it was sent."""
    heard: dict[str, list[str]] = {}
    for event in events:
        for key, html in event.data.get("replace", {}).items():
            if key.startswith("step-"):
                found = re.search(r'data-say="Step \d, [^:]+: (\w+)', html)
                assert found, html
                heard.setdefault(key, []).append(found.group(1).lower())
    return heard


def test_a_watcher_hears_every_step_until_the_end(
    worker: Any, web: str, google: FakeGoogle
) -> None:
    google.plan(JobPlan(running=600))
    run = trigger()
    events: list[Event] = []
    with Stream(events_url(web, run, run.sequence), cookie=session_cookie()) as stream:
        for event in stream:
            events.append(event)
            if "running" in states_heard(events).get(ROWS[3], []):
                google.finish()
    assert events[-1].name == "end"
    run.refresh_from_db()
    assert events[-1].cursor == run.sequence
    heard = states_heard(events)
    assert set(heard) == set(ROWS)
    assert [states[-1] for states in heard.values()] == ["success"] * 6
    assert "running" in heard[ROWS[3]]
    assert "live" in {event.data["mode"] for event in events if "mode" in event.data}


def test_numbers_only_grow_and_no_change_comes_twice(worker: Any, web: str) -> None:
    run = trigger()
    with Stream(events_url(web, run, run.sequence), cookie=session_cookie()) as stream:
        events = [event for event in stream if event.name == "change"]
    cursors = [cursor_of(event) for event in events]
    assert cursors == sorted(set(cursors))
    lines = "".join(event.data["append"].get("run-log", "") for event in events)
    run.refresh_from_db()
    assert lines.count('id="line-') == run.log_lines.count()


def test_a_watcher_that_was_cut_off_goes_on_where_it_was(worker: Any, web: str) -> None:
    run = trigger()
    cookie = session_cookie()
    with Stream(events_url(web, run, run.sequence), cookie=cookie) as stream:
        first = next(event for event in stream if event.name == "change")
    url = events_url(web, run, 0)
    with Stream(url, cookie=cookie, last_event_id=first.cursor) as stream:
        rest = list(stream)
    changes = [event for event in rest if event.name == "change"]
    assert all(cursor_of(event) > cursor_of(first) for event in changes)
    heard = states_heard([first, *changes])
    assert [states[-1] for states in heard.values()] == ["success"] * 6
    lines = "".join(e.data["append"].get("run-log", "") for e in [first, *changes])
    numbers = re.findall(r'id="line-(\d+)"', lines)
    assert len(numbers) == len(set(numbers)) == run.log_lines.count()


def test_a_watcher_who_comes_after_the_end_gets_everything_at_once(worker: Any, web: str) -> None:
    run = trigger()
    cookie = session_cookie()
    with Stream(events_url(web, run, 0), cookie=cookie) as stream:
        list(stream)
    with Stream(events_url(web, run, 0), cookie=cookie) as stream:
        change, end = list(stream)
    assert len(states_heard([change])) == 6
    assert end.name == "end"


def test_without_messages_a_watcher_polls_and_misses_nothing(worker: Any) -> None:
    from tests import processes

    with processes.web(PATCHBAY_BROKER_URL="redis://127.0.0.1:1/0") as (_, url):
        run = trigger()
        with Stream(events_url(url, run, run.sequence), cookie=session_cookie()) as stream:
            events = list(stream)
    assert {event.data["mode"] for event in events if "mode" in event.data} == {"polling"}
    assert [states[-1] for states in states_heard(events).values()] == ["success"] * 6


def test_nobody_watches_without_signing_in(worker: Any, web: str, over: Any) -> None:
    run = over(trigger())
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=90)
    connection.request("GET", f"/runs/{run.pk}/events/")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"].split("?")[0]) == (302, "/login/")
    connection.close()


def test_a_run_that_is_not_there_has_no_stream(web: str) -> None:
    with Stream(f"{web}/runs/999999/events/?after=0", cookie=session_cookie()) as stream:
        assert stream.response.status == 404


def test_the_dashboard_hears_of_every_run(worker: Any, web: str) -> None:
    with Stream(f"{web}/events/?", cookie=session_cookie()) as stream:
        events = (event for event in stream if event.name == "change")
        next(events)
        run = trigger()
        for event in events:
            html = event.data["replace"]["dashboard-live"]
            if f"/runs/{run.pk}/" in html and "Success" in html:
                break


def test_watchers_of_a_process_share_one_subscription(worker: Any, web: str, over: Any) -> None:
    run = trigger()
    cookie = session_cookie()
    client = redis.Redis.from_url(settings.BROKER_URL)
    with Stream(events_url(web, run, 0), cookie=cookie) as one:
        next(iter(one))
        with Stream(events_url(web, run, 0), cookie=cookie) as two:
            next(iter(two))
            [(_, count)] = client.pubsub_numsub("patchbay:runs")
            assert count == 1
    over(run)


def test_many_open_streams_leave_the_pages_and_the_database_free(
    worker: Any, web: str, over: Any
) -> None:
    """A stream holds no connection of the process's pool while it waits."""
    run = over(trigger())
    cookie = session_cookie()
    with ExitStack() as stack:
        for _ in range(30):
            stream = stack.enter_context(Stream(f"{web}/events/?", cookie=cookie))
            next(iter(stream))
        with urllib.request.urlopen(f"{web}/healthz", timeout=90) as answer:
            assert answer.read() == b"ok"
        with Stream(events_url(web, run, 0), cookie=cookie) as one_more:
            assert list(one_more)[-1].name == "end"


def test_a_stream_ends_when_its_watcher_signs_out(
    worker: Any, web: str, google: Any, over: Any, until: Any
) -> None:
    google.plan(JobPlan(running=600))
    run = trigger()
    until(lambda: google.jobs)
    cookie = session_cookie()
    with Stream(events_url(web, run, 0), cookie=cookie) as stream:
        events = iter(stream)
        next(events)
        Session.objects.all().delete()
        rest = list(events)
    google.finish()
    assert "end" not in {event.name for event in rest}
    assert over(run).state == "success"


def test_streams_end_at_once_when_the_web_process_is_told_to(
    worker: Any, google: Any, over: Any, until: Any
) -> None:
    from tests import processes

    google.plan(JobPlan(running=600))
    with processes.web() as (process, url):
        run = trigger()
        until(lambda: google.jobs)
        with Stream(events_url(url, run, 0), cookie=session_cookie()) as stream:
            next(iter(stream))
            process.stop()
            assert process.popen.returncode in (0, -15)
            assert "Cancel" not in process.text
    google.finish()
    over(run)
