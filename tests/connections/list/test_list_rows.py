"""What a row tells: health, use, times, expiry; and what an empty list says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections.models import Connection
from tests.connections.list.conftest import (
    LIST,
    had_test,
    line_of,
    ran,
    shown,
    signed_in,
    store,
    use,
)
from tests.roles import user_of

pytestmark = pytest.mark.django_db
STAGES = [
    {"name": "details", "state": "success", "words": "", "seconds": 0.1},
    {"name": "session", "state": "failed", "words": "", "seconds": 0.2},
]


# Health


@pytest.mark.parametrize(
    ("state", "test", "words", "tone"),
    [
        ("success", {}, "Works", "ok"),
        ("failed", {"stages": STAGES}, "Fails at token and identity", "bad"),
        ("failed", {}, "Fails", "bad"),
        ("pending", {}, "Testing", "run"),
        ("running", {"minutes_ago": 3}, "Testing", "run"),
        ("success", {"version": 2}, "Changed since its test", "wait"),
        ("failed", {"version": 2, "stages": STAGES}, "Changed since its test", "wait"),
    ],
)
def test_health_is_told_from_the_newest_test_of_the_present_version(
    client: Client, state: str, test: Any, words: str, tone: str
) -> None:
    row = store("a", version=3)
    had_test(row, "failed", minutes_ago=60)
    had_test(row, "success", minutes_ago=30)
    had_test(row, state, **test)
    verdict = line_of(client, "a").verdict
    assert (verdict.words, verdict.tone) == (words, tone)


def test_never_tested_disabled_and_expired_have_words_of_their_own(client: Client) -> None:
    store("never", conn_type="gcpbigquery")
    store("untestable", conn_type="mssql")
    had_test(store("off", is_disabled=True))
    had_test(store("over", expires_at=timezone.now() - timedelta(seconds=1)))
    words = {
        each: line_of(client, each).verdict.words for each in ("never", "untestable", "off", "over")
    }
    assert words == {
        "never": "Never tested",
        "untestable": "Not testable",
        "off": "Disabled",
        "over": "Expired",
    }
    why = line_of(client, "untestable").verdict.why
    assert why == "Connections of this type can’t be tested yet."


def test_a_test_that_could_not_be_made_says_nothing_of_the_connection(client: Client) -> None:
    row = store("a")
    had_test(row, minutes_ago=30)
    had_test(row, "failed", code="test:no-worker")
    had_test(row, "pending", minutes_ago=16)
    had_test(row, "running", minutes_ago=21)
    assert line_of(client, "a").verdict.words == "Works"
    had_test(store("b", conn_type="gcpbigquery"), "failed", code="test:no-broker")
    assert line_of(client, "b").verdict.words == "Never tested"
    assert shown(client, "?health=never") == ["b"]


def test_a_test_of_a_draft_or_of_another_connection_does_not_count(client: Client) -> None:
    row = store("a", conn_type="gcpbigquery")
    had_test(store("b"), "failed")
    draft = had_test(row, "failed")
    draft.connection = None
    draft.version = None
    draft.save()
    assert line_of(client, "a").verdict.words == "Never tested"


def test_the_message_of_a_failed_test_is_escaped(client: Client) -> None:
    had_test(store("a"), "failed", message='<b>"refused"</b>')
    text = client.get(LIST).content.decode()
    assert "<b>" not in text
    assert "&lt;b&gt;&quot;refused&quot;" in text


# Use


def test_a_row_counts_the_dags_that_use_it_and_names_them_on_hover(client: Client) -> None:
    store("a")
    store("b")
    store("c")
    use("hourly", "a", "a")
    use("daily", "a", "b", "gone")
    missing = use("missing", "c")
    missing.is_missing = True
    missing.save()
    text = client.get(LIST).content.decode()
    assert {each: len(line_of(client, each).dependents) for each in "abc"} == {
        "a": 2,
        "b": 1,
        "c": 0,
    }
    assert 'href="/connections/a/used-by/" title="daily, hourly">2 DAGs</a>' in text
    assert shown(client, "?used=no") == ["c"]


def test_last_used_is_when_a_task_last_got_it(client: Client) -> None:
    for conn_id in "abc":
        store(conn_id)
    dag = use("daily", "a", "b")
    ran(dag, "a", minutes_ago=90)
    ran(dag, "a", minutes_ago=5)
    ran(dag, "b", minutes_ago=1, state="failed")
    assert line_of(client, "b").last_used is None
    assert line_of(client, "c").last_used is None
    last_used = line_of(client, "a").last_used
    assert timedelta(minutes=4) < timezone.now() - last_used < timedelta(minutes=6)


def test_odd_ids_in_dags_break_nothing(client: Client) -> None:
    store("a")
    use("odd", "{{ conn.a }}", 'quote"\\', "größe", *(f"id_{n}" for n in range(2000)))
    assert shown(client, "?used=no") == ["a"]


# Times and expiry


@pytest.mark.parametrize(
    ("days", "tone", "words"),
    [
        (-3, "bad", "3 d ago"),
        (0.2, "bad", "in 4 hours"),
        (1.5, "bad", "in 1 day"),
        (6.5, "bad", "in 6 days"),
        (8, "warn", "in 7 days"),
        (29.5, "warn", "in 29 days"),
        (31, "", ""),
    ],
)
def test_expiry_is_a_pill_when_it_is_near(
    client: Client, days: float, tone: str, words: str
) -> None:
    store("a", expires_at=timezone.now() + timedelta(days=days))
    text = client.get(LIST).content.decode()
    cell = text.split('class="c-expires" data-label')[1].split("</td>")[0]
    assert words in cell
    assert ("pill" in cell) is bool(tone)
    assert f'class="pill {tone}"' in cell or not tone


def test_a_row_links_to_its_page_its_form_and_copies_its_id(client: Client) -> None:
    store("a", host="db.internal", port=5432, version=4)
    text = client.get(LIST).content.decode()
    for shown_text in (
        'href="/connections/a/overview/"',
        'href="/connections/a/edit/"',
        'data-copy="a"',
        "PostgreSQL",
        '<span class="port">:5432</span>',
        "v4",
    ):
        assert shown_text in text


def test_an_unknown_type_is_listed_as_such(client: Client) -> None:
    store("a", conn_type="telepathy")
    assert "telepathy (unknown type)" in client.get(LIST).content.decode()


# Nothing there


def test_an_empty_list_says_how_to_begin(client: Client) -> None:
    text = client.get(LIST).content.decode()
    for words in ("No connections yet.", "Create one", "import from Airflow", "BigQuery sandbox"):
        assert words in text


def test_who_may_not_write_is_not_told_to(viewer: Client) -> None:
    text = viewer.get(LIST).content.decode()
    assert "No connections yet, and your role doesn’t let you create one." in text
    assert "/connections/new/" not in text
    assert "/connections/import/" not in text


def test_who_may_not_see_gets_another_message(db: None) -> None:
    store("a")
    page = signed_in(user_of("", "nobody")).get(LIST)
    assert page.status_code == 403
    assert "Your role doesn't let you see Patchbay's pages." in page.context["exception"]
    assert "No connections" not in page.content.decode()


def test_who_may_only_look_sees_rows_and_no_acts(viewer: Client) -> None:
    store("a")
    text = viewer.get(LIST).content.decode()
    assert 'href="/connections/a/overview/"' in text
    for act in ("/edit/", "data-tick", "data-bulk", "/connections/new/", "/connections/export/"):
        assert act not in text
    assert Connection.objects.count() == 1
