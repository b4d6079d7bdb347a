"""Acts on many connections: what is asked first, what is done, what is told."""

from __future__ import annotations

import html
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections import bulk
from connections.models import Connection, ConnectionTest
from connections.portability import carry_out, read
from connections.services import create_connection
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import SECRET, audit, row_of, tokens
from tests.connections.list.conftest import BULK, LIST, store, store_many, told, use
from tests.connections.pages import assert_unseen

pytestmark = pytest.mark.django_db


def act(client: Client, name: str, *ids: str, **sent: Any) -> Any:
    return client.post(BULK, {"act": name, "id": list(ids), **sent})


def saved(conn_id: str, **columns: Any) -> Connection:
    """As a form saves it: checked, and with its facts."""
    return create_connection(Draft(conn_id, "postgres", password=SECRET, **columns), actor=ACTOR)


def everything() -> list[dict[str, Any]]:
    return [dict(row) for row in Connection.objects.order_by("pk").values()]


# Asking first


@pytest.mark.parametrize("name", ["delete", "disable"])
def test_what_depends_on_them_is_listed_by_name_before_anything_is_done(
    client: Client, name: str
) -> None:
    for conn_id in ("a", "b", "c"):
        store(conn_id)
    use("daily", "a", "b")
    use("hourly", "a")
    before = everything()
    page = act(client, name, "a", "b", "c")
    text = page.content.decode()
    assert page.status_code == 200
    assert "2 DAGs use 2 of them." in text
    assert 'href="/dags/daily/"' in text
    assert 'href="/dags/hourly/"' in text
    assert "No DAG uses the other one" in text
    assert everything() == before
    assert audit() == []


def test_a_confirmed_delete_deletes_all_of_them_and_is_audited(client: Client) -> None:
    for conn_id in ("a", "b", "c"):
        store(conn_id)
    page = act(client, "delete", "a", "b")
    assert page.context["ids"] == ["a", "b"]
    answer = act(client, "delete", *page.context["ids"], confirmed="1", match="q=x&sort=-host")
    assert (answer.status_code, answer.url) == (302, "/connections/?q=x&sort=-host")
    assert [row["conn_id"] for row in everything()] == ["c"]
    assert audit() == [("deleted", "a", {}), ("deleted", "b", {})]
    assert told(client) == ["2 connections are deleted."]


def test_disable_and_enable_count_the_version_up_once_and_are_audited(client: Client) -> None:
    store("a", password=SECRET)
    store("b", is_disabled=True)
    before = tokens("a")
    act(client, "disable", "a", "b", confirmed="1")
    rows = {row["conn_id"]: row for row in everything()}
    assert [(rows[each]["is_disabled"], rows[each]["version"]) for each in "ab"] == [
        (True, 2),
        (True, 1),
    ]
    assert audit() == [("changed", "a", {"fields": ["is_disabled"]})]
    assert told(client) == ["Connection a is disabled.", "1 was disabled already: b."]
    act(client, "enable", "a", "b")
    assert Connection.objects.filter(is_disabled=False, version__in=(2, 3)).count() == 2
    assert Connection.objects.filter(updated_by__username="admin").count() == 2
    assert tokens("a") == before


def test_also_what_can_not_be_decrypted_can_be_disabled_and_deleted(
    client: Client, lose_keys: Any
) -> None:
    store("a", password=SECRET)
    lose_keys()
    act(client, "disable", "a", confirmed="1")
    assert Connection.objects.get().is_disabled
    act(client, "delete", "a", confirmed="1")
    assert not Connection.objects.exists()


def test_what_was_deleted_meanwhile_is_left_out_and_told(client: Client) -> None:
    store("a")
    page = act(client, "delete", "a", "gone")
    assert "1 of the chosen ones was deleted meanwhile" in page.content.decode()
    act(client, "delete", "a", "gone", confirmed="1")
    assert told(client) == ["Connection a is deleted.", "1 was deleted meanwhile: gone."]
    answer = act(client, "delete", "a")
    assert answer.url == LIST + "?"
    assert told(client) == ["Nothing was done: they were deleted meanwhile."]


# Duplicating


def test_a_duplicate_holds_all_that_its_original_holds_and_shows_no_secret(
    client: Client,
) -> None:
    ends = timezone.now() + timedelta(days=9)
    extra = {"sslmode": "require", "mine": {"x": 1}, "my_token": "rose-8"}
    row = saved("a", login="u", host="h", port=5432, extra=extra, expires_at=ends, description="x")
    Connection.objects.filter(pk=row.pk).update(team="data", version=7)
    answer = act(client, "duplicate", "a")
    page = client.get(answer.url)
    assert [str(each) for each in page.context["messages"]] == [
        "Connection a is duplicated: a_copy."
    ]
    assert_unseen(page, SECRET, "rose-8")
    copy, original = (Connection.objects.get(conn_id=each) for each in ("a_copy", "a"))
    assert copy.load().extra == original.load().extra
    assert list(copy.load().extra) == list(original.load().extra)
    assert (copy.load().password, copy.load().login) == (SECRET, "u")
    for name in ("conn_type", "description", "host", "port", "team", "expires_at", "target"):
        assert getattr(copy, name) == getattr(original, name), name
    assert (copy.version, copy.created_by_id) == (1, copy.updated_by_id)
    assert audit()[-1] == ("duplicated", "a", {"copy": "a_copy"})
    assert SECRET not in str(audit())


def test_copies_get_the_first_free_name_of_at_most_200_characters(client: Client) -> None:
    long = "x" * 200
    for conn_id in ("a", "a_copy", long):
        saved(conn_id)
    for _ in range(2):
        act(client, "duplicate", "a", long)
    ids = set(Connection.objects.values_list("conn_id", flat=True))
    assert {"a_copy_2", "a_copy_3", "x" * 195 + "_copy", "x" * 193 + "_copy_2"} <= ids
    assert len(ids) == 7


def test_if_one_can_not_be_read_none_is_duplicated(client: Client, lose_keys: Any) -> None:
    saved("b")
    lose_keys()
    saved("a")
    before = everything()
    events = len(audit())
    act(client, "duplicate", "a", "b")
    (words,) = told(client)
    assert "Nothing was duplicated: the secrets of b can’t be decrypted" in words
    assert everything() == before
    assert len(audit()) == events


def test_if_one_is_not_valid_any_more_none_is_duplicated_and_its_values_are_not_told(
    client: Client,
) -> None:
    saved("a")
    saved("b")
    Connection.objects.filter(conn_id="b").update(description="tulip\x01" * 2000)
    before = everything()
    act(client, "duplicate", "a", "b")
    (words,) = told(client)
    assert words.startswith("Nothing was duplicated: b isn’t right as it is stored (description:")
    assert "tulip" not in words
    assert everything() == before


def test_what_an_import_took_with_a_warning_is_duplicated_as_it_is(client: Client) -> None:
    extra = {"key_path": "/a.json", "is_anonymous": True, "project": "acme-reports"}
    file = json.dumps({"odd": {"conn_type": "google_cloud_platform", "extra": extra}})
    plan = carry_out(read(file, file_format="json"), existing="fail", skip_bad=False, actor=ACTOR)
    assert plan.changes[0].warning
    act(client, "duplicate", "odd")
    assert told(client) == ["Connection odd is duplicated: odd_copy."]
    assert Connection.objects.get(conn_id="odd_copy").load().extra == extra


def test_unknown_types_are_duplicated_as_they_are(client: Client) -> None:
    store("a", conn_type="telepathy", password=SECRET)
    act(client, "duplicate", "a")
    assert told(client) == ["Connection a is duplicated: a_copy."]
    assert Connection.objects.get(conn_id="a_copy").conn_type == "telepathy"


# Testing and exporting


def test_those_whose_type_can_be_tested_are_tested_and_the_others_named(client: Client) -> None:
    store("a", conn_type="google_cloud_platform")
    store("b", conn_type="telepathy")
    act(client, "test", "a", "b", "gone")
    assert list(ConnectionTest.objects.values_list("conn_id", flat=True)) == ["a"]
    assert told(client) == [
        "Connection a is being tested.",
        "1 can’t be tested: nothing here opens such sessions yet: b.",
        "1 was deleted meanwhile: gone.",
    ]


def test_a_few_are_exported_by_address_and_many_by_a_form(client: Client) -> None:
    answer = act(client, "export", "a", "größe")
    assert answer.url == "/connections/export/?id=a&id=gr%C3%B6%C3%9Fe"
    store_many(900)
    page = client.post(BULK, {"act": "export", "all": "1", "match": ""})
    assert page.status_code == 200
    text = page.content.decode()
    assert 'action="/connections/export/"' in text
    assert text.count('name="id"') == 900
    chosen = client.post("/connections/export/", {"id": page.context["ids"]})
    assert chosen.status_code == 200
    assert "900" in chosen.content.decode()


# Choosing


def test_all_that_match_are_those_of_the_filters_on_every_page(client: Client) -> None:
    store_many(120)
    store("other")
    sent = {"act": "delete", "all": "1", "match": "q=conn&type=aws&page=2&size=25"}
    page = client.post(BULK, sent)
    assert page.context["count"] == 40
    assert set(page.context["ids"]) == set(
        Connection.objects.filter(conn_type="aws").values_list("conn_id", flat=True)
    )
    act(client, "delete", *page.context["ids"], confirmed="1")
    assert Connection.objects.count() == 81


def test_a_thousand_go_at_once_and_not_one_more(client: Client) -> None:
    store_many(1001)
    before = everything()
    ids = [row["conn_id"] for row in before]
    client.post(BULK, {"act": "delete", "all": "1", "match": ""})
    assert "at most 1,000" in told(client)[0]
    act(client, "disable", *ids, confirmed="1")
    assert "at most 1,000" in told(client)[0]
    assert everything() == before
    act(client, "disable", *ids[:1000], confirmed="1")
    assert told(client) == ["1,000 connections are disabled."]
    assert Connection.objects.filter(is_disabled=True).count() == bulk.AT_MOST


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Nothing was done: choose what to do with them."),
        ({"act": "explode", "id": "a"}, "Nothing was done: choose what to do with them."),
        ({"act": "delete"}, "Nothing was done: choose connections first."),
        ({"act": "delete", "id": "\0"}, "Nothing was done: choose connections first."),
        ({"act": "delete", "id": "two words", "confirmed": "1"}, "choose connections first."),
        ({"act": "delete", "all": "1", "match": "q=zzz"}, "choose connections first."),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(
    client: Client, sent: dict[str, str], words: str
) -> None:
    store("a")
    answer = client.post(BULK, sent)
    assert answer.status_code == 302
    assert words in told(client)[0]
    assert Connection.objects.count() == 1


def test_the_way_back_leads_nowhere_else(client: Client) -> None:
    store("a")
    answer = act(
        client, "enable", "a", match="//evil.example/?q=%0d%0aX: y&next=http://evil.example"
    )
    assert answer.url.startswith("/connections/?")
    assert "evil" not in answer.url
    assert client.get(BULK).headers["Location"] == LIST


def test_many_names_are_counted_in_the_message(client: Client) -> None:
    for number in range(9):
        saved(f"c{number}")
    act(client, "duplicate", *(f"c{number}" for number in range(9)))
    assert told(client) == [
        "9 connections are duplicated: c0_copy, c1_copy, c2_copy, c3_copy, c4_copy and 4 more."
    ]


# Who may


@pytest.mark.parametrize("name", list(bulk.ACTS))
def test_each_act_needs_its_right_and_is_offered_with_it_only(
    viewer: Client, operator: Client, editor: Client, name: str
) -> None:
    store("a", conn_type="google_cloud_platform")
    before = row_of("a")
    may = {viewer: False, operator: name == "test", editor: True}
    for client, is_allowed in may.items():
        offered = f'name="act" value="{name}"' in client.get(LIST).content.decode()
        assert offered is is_allowed
        if not is_allowed:
            answer = act(client, name, "a", confirmed="1")
            assert answer.status_code == 403
            assert "Your role doesn't let you" in html.unescape(answer.content.decode())
            assert (row_of("a"), ConnectionTest.objects.count()) == (before, 0)
            assert Connection.objects.count() == 1
    assert act(editor, name, "a").status_code in (200, 302)


def test_who_is_not_signed_in_is_sent_to_the_login_and_nothing_is_done() -> None:
    store("a")
    answer: Any = act(Client(), "delete", "a", confirmed="1")
    assert answer.url.startswith("/login/")
    assert Connection.objects.count() == 1


def test_without_the_csrf_token_nothing_is_done(client: Client) -> None:
    store("a")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert act(strict, "delete", "a", confirmed="1").status_code == 403
    assert Connection.objects.count() == 1
    token = strict.get(LIST).context["csrf_token"]
    act(strict, "delete", "a", confirmed="1", csrfmiddlewaretoken=token)
    assert not Connection.objects.exists()
