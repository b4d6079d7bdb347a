"""What a person does on a run's page: cancel, clear, mark, note; and what a role may not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client

from access.models import AuditEvent
from tasks.models import DagRun, RenderedFields, TaskInstance, XCom
from tests.roles import user_of
from tests.tasks.conftest import query_task, trigger
from tests.tasks.run_page_rows import Plan, add_lines, make_run, many

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(user_of("Operator", "ada"))
    return client


@pytest.fixture
def viewer() -> Client:
    client = Client()
    client.force_login(user_of("Viewer", "eve"))
    return client


def task(run: DagRun, task_id: str) -> TaskInstance:
    return run.task_instances.get(task_id=task_id)


def html_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_queued_run_is_cancelled_at_once_by_name(operator: Client) -> None:
    run = trigger(query_task("a"), query_task("b", upstream=("a",)))
    answer = operator.post(f"/runs/{run.pk}/cancel/", {"reason": "wrong day"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/runs/{run.pk}/")
    run.refresh_from_db()
    assert (run.state, run.cancelled_by_name) == ("cancelled", "ada")
    assert "Cancelled by" in html_of(operator, f"/runs/{run.pk}/")


def test_what_can_not_be_cancelled_is_told_in_words_and_stays(operator: Client) -> None:
    run = make_run(many(2), state="success")
    answer = operator.post(f"/runs/{run.pk}/cancel/", follow=True)
    assert "The run is over; there is nothing to cancel." in answer.content.decode()
    run.refresh_from_db()
    assert (run.state, run.sequence) == ("success", 10)
    assert not AuditEvent.objects.filter(object_type="run").exists()


def test_the_failed_tasks_of_a_run_run_again(operator: Client) -> None:
    run = make_run({"a": Plan("failed"), "b": Plan()}, state="failed")
    assert "Run failed tasks again" in html_of(operator, f"/runs/{run.pk}/")
    operator.post(f"/runs/{run.pk}/clear/", {"which": "failed"})
    assert task(run, "a").state in ("pending", "queued")
    assert task(run, "b").state == "success"


def test_one_task_is_cleared_with_what_follows_it(operator: Client) -> None:
    tasks = (query_task("a"), query_task("b", upstream=("a",)), query_task("c"))
    run = make_run({"a": Plan(), "b": Plan(), "c": Plan()}, state="success", tasks=tasks)
    form = {"which": "task", "task_id": "a", "downstream": "on", "version": "then"}
    operator.post(f"/runs/{run.pk}/clear/", form)
    found = [task(run, name).state for name in ("a", "b", "c")]
    assert found == ["queued", "pending", "success"]


@pytest.mark.parametrize("form", [{}, {"which": "task", "task_id": "x"}, {"which": "some"}])
def test_a_clear_of_nothing_known_is_refused(operator: Client, form: dict[str, str]) -> None:
    run = make_run(many(2), state="success")
    answer = operator.post(f"/runs/{run.pk}/clear/", form, follow=True)
    assert 'class="note error"' in answer.content.decode()
    run.refresh_from_db()
    assert (run.state, run.sequence) == ("success", 10)


def test_a_mark_needs_a_reason(operator: Client) -> None:
    run = make_run({"a": Plan("failed"), "b": Plan()}, state="failed")
    path = f"/runs/{run.pk}/tasks/a/mark/"
    answer = operator.post(path, {"state": "success", "reason": "  "}, follow=True)
    assert "Say why" in answer.content.decode()
    assert task(run, "a").state == "failed"
    operator.post(path, {"state": "success", "reason": "loaded by hand"})
    marked = task(run, "a")
    assert (marked.state, marked.marked_by_name, marked.note) == (
        "success",
        "ada",
        "loaded by hand",
    )


def test_a_state_that_is_no_mark_is_refused(operator: Client) -> None:
    run = make_run({"a": Plan("failed"), "b": Plan()}, state="failed")
    form = {"state": "running", "reason": "x"}
    answer = operator.post(f"/runs/{run.pk}/tasks/a/mark/", form, follow=True)
    assert "can be marked as" in answer.content.decode()
    assert task(run, "a").state == "failed"


def test_one_task_is_cancelled(operator: Client) -> None:
    run = make_run({"a": Plan("running"), "b": Plan("running")})
    answer = operator.post(f"/runs/{run.pk}/tasks/a/cancel/")
    assert answer.headers["Location"] == f"/runs/{run.pk}/tasks/a/"
    assert [task(run, name).state for name in ("a", "b")] == ["cancelling", "running"]


def test_a_note_is_kept_and_shown_as_text(operator: Client) -> None:
    run = make_run(many(2))
    operator.post(f"/runs/{run.pk}/note/", {"note": "after the <b>outage</b>\r\nsee 12"})
    run.refresh_from_db()
    assert run.note == "after the <b>outage</b>\nsee 12"
    assert "after the &lt;b&gt;outage&lt;/b&gt;<br>see 12" in html_of(operator, f"/runs/{run.pk}/")


def test_a_get_does_nothing_and_leads_back(operator: Client) -> None:
    run = make_run(many(2))
    for path in ("cancel/", "clear/", "note/", "tasks/task_0000/cancel/", "tasks/task_0000/mark/"):
        answer = operator.get(f"/runs/{run.pk}/{path}")
        assert answer.status_code == 302
    run.refresh_from_db()
    assert (run.state, run.sequence) == ("running", 10)


def test_what_a_viewer_may_not_is_not_offered(viewer: Client) -> None:
    run = make_run({"a": Plan("failed"), "b": Plan("running")})
    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/tasks/a/"):
        html = html_of(viewer, path)
        assert re.findall(r'<form[^>]*method="post"[^>]*action="(/runs/[^"]+)"', html) == []
    assert viewer.post(f"/runs/{run.pk}/cancel/").status_code == 403
    run.refresh_from_db()
    assert run.state == "running"


def test_acts_are_offered_by_what_is_under_way(operator: Client) -> None:
    def offered(run: DagRun) -> list[str]:
        html = html_of(operator, f"/runs/{run.pk}/")
        return re.findall(r'data-when="(\w+)"(?! hidden)', html)

    assert offered(make_run(many(2))) == ["going"]
    assert offered(make_run(many(2), state="cancelling")) == []
    assert offered(make_run(many(2), state="success")) == ["over"]
    failed = make_run({"a": Plan("failed"), "b": Plan()}, state="failed")
    assert offered(failed) == ["failed", "over"]


# The page of a task


def test_the_page_of_a_task_shows_what_it_was_given_and_what_it_left(viewer: Client) -> None:
    run = make_run({"a": Plan(try_number=2, max_tries=3), "b": Plan()})
    row = task(run, "a")
    RenderedFields.objects.create(task_instance=row, try_number=1, fields={"sql": "SELECT 0"})
    RenderedFields.objects.create(
        task_instance=row, try_number=2, fields={"sql": ["SELECT 1", "SELECT '<2>'"], "n": 3}
    )
    XCom.objects.create(task_instance=row, key="return_value", value={"rows": 5})
    add_lines(row, ("info", "first"), ("error", "it broke"))
    add_lines(task(run, "b"), ("info", "of the other"))
    html = html_of(viewer, f"/runs/{run.pk}/tasks/a/")
    assert html.index("Try 2</summary>") < html.index("Try 1</summary>")
    assert "SELECT 1;\nSELECT &#x27;&lt;2&gt;&#x27;" in html
    assert "&quot;rows&quot;: 5" in html
    assert "it broke" in html
    assert "of the other" not in html
    assert "Try 1 failed" in html
    assert "first" not in html_of(viewer, f"/runs/{run.pk}/tasks/a/?level=error")


def test_a_task_that_did_not_run_shows_its_arguments(viewer: Client) -> None:
    run = make_run({"a": Plan("pending"), "b": Plan()})
    html = html_of(viewer, f"/runs/{run.pk}/tasks/a/")
    assert "no try has filled them yet" in html
    assert "SELECT 1" in html


@pytest.mark.parametrize(
    ("address", "is_shown"),
    [
        ("https://console.cloud.google.com/bigquery?j=1", True),
        ("https://console.cloud.google.com.example.org/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_only_the_cloud_console_is_linked_to(viewer: Client, address: str, is_shown: bool) -> None:
    run = make_run({"a": Plan(), "b": Plan()})
    run.steps.filter(number=4, task_instance=task(run, "a")).update(facts={"console_url": address})
    for path in (f"/runs/{run.pk}/", f"/runs/{run.pk}/tasks/a/"):
        assert (f'href="{address}"' in html_of(viewer, path)) is is_shown


def test_a_task_that_is_not_there_is_not_found(viewer: Client) -> None:
    run = make_run(many(2))
    assert viewer.get(f"/runs/{run.pk}/tasks/nowhere/").status_code == 404
    assert viewer.get("/runs/999999/tasks/nowhere/").status_code == 404


def download(client: AsyncClient, path: str) -> tuple[str, str]:
    """The name of the file and its text."""

    async def read() -> tuple[str, str]:
        answer: Any = await client.get(path)
        text = "".join([chunk.decode() async for chunk in answer.streaming_content])
        return answer.headers["Content-Disposition"], text

    return async_to_sync(read)()


def test_the_log_is_downloaded_as_it_is_filtered(async_client: AsyncClient) -> None:
    run = make_run(many(2))
    add_lines(task(run, "task_0000"), ("info", "opened"), ("error", "broke\nhere"))
    async_client.force_login(user_of("Viewer", "eve"))
    name, text = download(async_client, f"/runs/{run.pk}/log.txt")
    assert re.fullmatch(r'attachment; filename="example_dag-[\w.-]+\.log\.txt"', name)
    assert [line.split(" ", 1)[1] for line in text.splitlines()[:2]] == [
        "INFO    task_0000#1 opened",
        "ERROR   task_0000#1 broke",
    ]
    _, text = download(async_client, f"/runs/{run.pk}/log.txt?level=error&find=BROKE")
    assert text.count("task_0000#1") == 1


def test_a_long_log_is_downloaded_whole(async_client: AsyncClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("tasks.views.run_log.CHUNK", 3)
    run = make_run(many(2))
    add_lines(task(run, "task_0000"), *(("info", f"line {n}") for n in range(10)))
    async_client.force_login(user_of("Viewer", "eve"))
    _, text = download(async_client, f"/runs/{run.pk}/log.txt")
    assert [line.split(" ")[-1] for line in text.splitlines()] == [str(n) for n in range(10)]
