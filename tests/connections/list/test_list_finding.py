"""Searching, chips, sorting and paging: what the address asks for, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.utils import timezone

from tests.connections.list.conftest import (
    LIST,
    chips_on,
    had_test,
    ran,
    shown,
    store,
    store_many,
    use,
)

pytestmark = pytest.mark.django_db
NOW = timezone.now


# Searching


def test_every_word_must_be_found_somewhere_in_whatever_case(client: Client) -> None:
    store("reports", description="Nightly Finance", host="db-2.internal")
    store("other", description="Finance", host="db-3.internal")
    assert shown(client, "?q=FINANCE+db-2") == ["reports"]
    assert shown(client, "?q=finance") == ["other", "reports"]
    assert shown(client, "?q=REP+nightly+INTERNAL") == ["reports"]
    assert shown(client, "?q=finance+tulip") == []


def test_signs_that_mean_something_to_sql_stand_for_themselves(client: Client) -> None:
    store("a_b", description="100 % sure")
    store("axb", description=r"back\slash")
    assert shown(client, "?q=a_b") == ["a_b"]
    assert shown(client, "?q=%25") == ["a_b"]
    assert shown(client, "?q=%5C") == ["axb"]
    assert shown(client, "?q=%27%22%3B--") == []


def test_a_search_of_nothing_of_nul_and_of_very_many_words_is_no_fault(client: Client) -> None:
    store("a")
    assert shown(client, "?q=") == ["a"]
    assert shown(client, "?q=%00%00") == ["a"]
    assert shown(client, "?q=" + "a+" * 3000) == ["a"]


def test_the_page_says_how_many_of_how_many_it_shows(client: Client) -> None:
    store("a")
    store("b")
    text = client.get(LIST + "?q=a").content.decode()
    assert "1 of 2" in text
    assert 'value="a"' in text
    assert "Clear filters" in text
    assert "Clear filters" not in client.get(LIST).content.decode()


def test_nothing_matching_offers_to_clear_the_filters_and_keeps_the_order(client: Client) -> None:
    store("a")
    text = client.get(LIST + "?q=zzz&health=works&sort=-host&size=25").content.decode()
    assert "No connections match." in text
    assert 'href="?sort=-host&amp;size=25">Clear filters.' in text


# Chips


def test_chips_count_what_a_click_on_them_would_show(client: Client) -> None:
    failing = store("failing", description="x")
    had_test(failing, "failed")
    works = store("works", description="x")
    had_test(works)
    store("never", description="x", conn_type="gcpbigquery")
    store("untestable", description="x", conn_type="mssql")
    store("off", is_disabled=True)
    store("ends", conn_type="gcpbigquery", expires_at=NOW() + timedelta(days=29))
    store("ended", expires_at=NOW() - timedelta(days=1))
    use("daily", "works", "never")
    assert chips_on(client) == {
        "Failing": 1,
        "Expiring": 1,
        "Unused": 5,
        "Never tested": 2,
        "Expired": 1,
        "Disabled": 1,
        "Works": 1,
    }
    assert chips_on(client, "?q=x") == {
        "Failing": 1,
        "Expiring": 0,
        "Unused": 2,
        "Never tested": 1,
        "Works": 1,
    }
    # A chip's own kind doesn't count against it, the others do.
    assert chips_on(client, "?health=failing&used=no")["Never tested"] == 1
    for query, ids in {
        "?health=failing": ["failing"],
        "?health=never": ["ends", "never"],
        "?health=never&health=works": ["ends", "never", "works"],
        "?health=expired": ["ended"],
        "?health=disabled": ["off"],
        "?expires=soon": ["ends"],
        "?used=no": ["ended", "ends", "failing", "off", "untestable"],
        "?used=no&expires=soon": ["ends"],
        "?type=mssql": ["untestable"],
        "?health=untestable&q=x": ["untestable"],
        "?type=mssql&type=gcpbigquery&health=never": ["ends", "never"],
        "?type=mssql&health=works": [],
    }.items():
        assert shown(client, query) == ids, query


def test_the_menu_of_types_has_those_that_occur_with_their_counts(client: Client) -> None:
    store("a", is_disabled=True)
    store("b", is_disabled=True)
    store("c", conn_type="mystery", is_disabled=True)
    types = client.get(LIST + "?type=postgres&health=disabled").context["types"]
    assert [(chip.label, chip.count, chip.is_on) for chip in types] == [
        ("mystery (unknown type)", 1, False),
        ("PostgreSQL", 2, True),
    ]
    assert [chip.url for chip in types] == [
        "?type=postgres&type=mystery&health=disabled",
        "?health=disabled",
    ]


def test_teams_have_a_menu_and_a_column_where_there_are_any(client: Client) -> None:
    store("a")
    page = client.get(LIST)
    assert page.context["teams"] == []
    assert "Team" not in page.content.decode()
    store("b", team="data")
    store("c", team="finance")
    page = client.get(LIST + "?team=data")
    assert [(chip.label, chip.count) for chip in page.context["teams"]] == [
        ("data", 1),
        ("finance", 1),
    ]
    assert "c-team" in page.content.decode()
    assert shown(client, "?team=data") == ["b"]
    assert shown(client, "?team=data&team=finance") == ["b", "c"]


def test_a_click_on_a_chip_keeps_the_search_and_the_order_and_forgets_the_page(
    client: Client,
) -> None:
    store_many(60)
    page = client.get(LIST + "?q=conn&sort=-host&size=25&page=2")
    urls = {chip.label: chip.url for chip in page.context["chips"]}
    assert urls["Failing"] == "?q=conn&health=failing&sort=-host&size=25"
    on = client.get(LIST + "?q=conn&health=failing&used=no").context["chips"]
    assert {chip.label: chip.url for chip in on if chip.is_on} == {
        "Failing": "?q=conn&used=no",
        "Unused": "?q=conn&health=failing",
    }


# Sorting


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("conn_id", "abc"),
        ("-conn_id", "cba"),
        ("type", "bca"),
        ("-type", "acb"),
        ("description", "cab"),
        ("host", "cab"),
        ("-host", "bac"),
        ("port", "bac"),
        ("-port", "abc"),
        ("expires", "cab"),
        ("-expires", "acb"),
        ("version", "bca"),
        ("-version", "acb"),
        ("changed", "acb"),
        ("-changed", "bca"),
        ("team", "cba"),
        ("tested", "acb"),
        ("-tested", "cab"),
        ("used", "cba"),
        ("-used", "bca"),
    ],
)
def test_every_header_sorts_both_ways_and_what_is_not_set_comes_last(
    client: Client, sort: str, ids: str
) -> None:
    now = NOW()
    days = {number: now + timedelta(days=number) for number in range(-9, 90)}
    a = store("a", conn_type="http", description="m", host="m", port=443, version=9, team="z")
    b = store("b", conn_type="aws", description="z", host="z", port=22, version=1, team="m")
    c = store("c", conn_type="ftp", description="a", host="a", version=2, team="a")
    for row, expires, changed in ((a, days[9], -9), (b, None, -1), (c, days[5], -5)):
        row.expires_at, row.updated_at = expires, days[changed]
        row.save()
    had_test(a, minutes_ago=9)
    had_test(c, minutes_ago=5)
    dag = use("daily", "a", "b", "c")
    ran(dag, "b", minutes_ago=1)
    ran(dag, "c", minutes_ago=5)
    ran(dag, "c", minutes_ago=90)
    assert "".join(shown(client, f"?sort={sort}")) == ids


def test_a_header_sorts_the_other_way_round_at_the_second_click(client: Client) -> None:
    store("a")
    headers = client.get(LIST + "?q=a").context["headers"]
    assert (headers["conn_id"].url, headers["conn_id"].direction) == (
        "?q=a&sort=-conn_id",
        "ascending",
    )
    assert (headers["host"].url, headers["host"].direction) == ("?q=a&sort=host", "")
    assert headers["changed"].url == "?q=a&sort=-changed"
    page = client.get(LIST + "?sort=-changed")
    assert page.context["headers"]["changed"].url == "?sort=changed"
    assert 'aria-sort="descending"' in page.content.decode()


# Paging


def test_pages_are_as_long_as_asked_and_one_beyond_the_end_is_the_last(client: Client) -> None:
    store_many(130)
    assert len(shown(client)) == 50
    assert len(shown(client, "?size=100")) == 100
    assert shown(client, "?size=25&page=6") == [f"conn_{number:05d}" for number in range(125, 130)]
    page = client.get(LIST + "?size=25&page=999999")
    assert (page.context["page"].number, page.context["page"].pages) == (6, 6)
    assert len(page.context["lines"]) == 5
    assert page.context["pages"] == {"first": "?size=25", "previous": "?size=25&page=5"}
    first = client.get(LIST + "?q=conn")
    assert first.context["pages"] == {"next": "?q=conn&page=2", "last": "?q=conn&page=3"}
    assert ("25", "?q=conn&size=25") in [(str(size), url) for size, url in first.context["sizes"]]


@pytest.mark.parametrize("sort", ["conn_id", "host", "expires", "used", "tested"])
def test_the_pages_together_hold_each_connection_once(client: Client, sort: str) -> None:
    store_many(60, host="same", target="same")
    ids = [
        each for page in (1, 2, 3) for each in shown(client, f"?size=25&page={page}&sort={sort}")
    ]
    assert sorted(ids) == [f"conn_{number:05d}" for number in range(60)]


# What there isn't


@pytest.mark.parametrize(
    "query",
    [
        "sort=nonsense",
        "sort=password",
        "sort=--host",
        "health=nonsense",
        "expires=never",
        "used=maybe",
        "origin=moon",
        "size=7",
        "size=1000000",
        "page=0",
        "page=-1",
        "page=two",
        "page=" + "9" * 5000,
        "page=%EF%BC%92",
    ],
)
def test_what_there_is_not_is_ignored_and_told(client: Client, query: str) -> None:
    store("a")
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    assert [line.conn_id for line in page.context["lines"]] == ["a"]
    assert len(page.context["ignored"]) == 1
    assert "so it is ignored" in page.content.decode()


def test_odd_values_are_escaped_and_break_nothing(client: Client) -> None:
    store("a")
    odd = "%00%22%3E%3Cscript%3E"
    for name in (
        "q",
        "type",
        "team",
        "health",
        "sort",
        "page",
        "size",
        "expires",
        "used",
        "origin",
    ):
        page = client.get(f"{LIST}?{name}={odd}")
        assert page.status_code == 200
        assert "<script>" not in page.content.decode()
    page = client.get(f"{LIST}?type=%22%3E%3Cscript%3E&team=%22%3E%3Cscript%3E")
    assert "<script>" not in page.content.decode()


@pytest.mark.skipif(database.vendor != "postgresql", reason="PostgreSQL folds all letters")
def test_letters_beyond_ascii_are_found_in_either_case(client: Client) -> None:
    store("a", description="Größe der Öfen")
    assert shown(client, "?q=ÖFEN") == ["a"]


def test_an_act_brings_back_the_page_that_was_shown(client: Client) -> None:
    store_many(60)
    page = client.get(f"{LIST}?q=conn&size=25&page=2")
    assert page.context["match"] == "q=conn&size=25&page=2"
    assert client.get(f"{LIST}?size=25&page=9").context["match"] == "size=25&page=3"
