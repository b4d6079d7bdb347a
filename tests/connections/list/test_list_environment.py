"""Connections of the environment in the list: read-only, with the variable that they come from."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.connections.list.conftest import LIST, line_of, ran, shown, store, use
from tests.connections.pages import assert_unseen

pytestmark = pytest.mark.django_db
PASSWORD = "tulip-7-tulip"


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", f"postgres://u:{PASSWORD}@db.example:5432/x")
    monkeypatch.setenv("PATCHBAY_CONN_API", f"http://u:{PASSWORD}@api.example")
    monkeypatch.setenv("AIRFLOW_CONN_BROKEN", '{"conn_type": "http", "password": "' + PASSWORD)


def test_a_line_tells_how_many_more_there_are_and_leads_to_them(client: Client) -> None:
    store("a")
    page = client.get(LIST)
    text = page.content.decode()
    assert "3 more come from the environment and are read-only." in text
    assert 'href="?origin=environment">Show them</a>' in text
    assert shown(client) == ["a"]
    assert shown(client, "?origin=environment") == ["api", "broken", "warehouse"]
    assert_unseen(page, PASSWORD)


def test_they_show_their_variable_and_no_acts_and_no_secret(client: Client) -> None:
    page = client.get(LIST + "?origin=environment")
    text = page.content.decode().replace("<wbr>", "")
    for words in (
        "PATCHBAY_CONN_API",
        "AIRFLOW_CONN_WAREHOUSE",
        "db.example",
        "PostgreSQL",
        "Read-only",
    ):
        assert words in text
    for act in ("data-tick", "/edit/", "data-bulk"):
        assert act not in text
    assert line_of(client, "warehouse", "?origin=environment").port == 5432
    assert_unseen(page, PASSWORD)


def test_one_that_can_not_be_read_says_so(client: Client) -> None:
    page = client.get(LIST + "?origin=environment&q=broken")
    line = page.context["lines"][0]
    assert (line.verdict.words, line.verdict.tone) == ("Can’t be read", "bad")
    assert line.verdict.why
    assert_unseen(page, PASSWORD)


def test_a_stored_one_that_a_variable_hides_is_marked(client: Client) -> None:
    store("Warehouse")
    store("other")
    assert line_of(client, "Warehouse").hidden_by == "AIRFLOW_CONN_WAREHOUSE"
    assert line_of(client, "other").hidden_by == ""
    assert "hidden by" in client.get(LIST).content.decode()


def test_search_type_use_order_and_pages_hold_for_them_too(client: Client) -> None:
    dag = use("daily", "api")
    ran(dag, "api", minutes_ago=3)
    environment = "?origin=environment"
    assert shown(client, f"{environment}&q=DB.example") == ["warehouse"]
    assert shown(client, f"{environment}&type=http") == ["api"]
    assert shown(client, f"{environment}&used=no") == ["broken", "warehouse"]
    assert shown(client, f"{environment}&sort=-conn_id") == ["warehouse", "broken", "api"]
    assert shown(client, f"{environment}&sort=-port")[0] == "warehouse"
    assert shown(client, f"{environment}&sort=-used&page=9") == ["warehouse", "broken", "api"]
    assert line_of(client, "api", environment).last_used is not None
    chips = client.get(LIST + environment).context["chips"]
    assert [(chip.label, chip.count, chip.url) for chip in chips] == [
        ("Unused", 2, "?used=no&origin=environment")
    ]


def test_the_line_counts_what_the_search_finds(client: Client) -> None:
    store("a")
    text = client.get(LIST + "?q=api").content.decode()
    assert "No connections match." in text
    assert "1 more comes from the environment and is read-only." in text
    assert "from the environment and" not in client.get(LIST + "?q=zzz").content.decode()


def test_without_any_there_is_neither_line_nor_chip(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AIRFLOW_CONN_WAREHOUSE", "PATCHBAY_CONN_API", "AIRFLOW_CONN_BROKEN"):
        monkeypatch.delenv(name)
    store("a")
    assert "nvironment" not in client.get(LIST).content.decode()
