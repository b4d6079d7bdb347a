"""The catalogue of types, where a new connection begins."""

from __future__ import annotations

import html

import pytest
from django.test import Client

from connections.types import TYPES
from tests.connections.pages import CATALOGUE, form_on

pytestmark = pytest.mark.django_db


def found(client: Client, query: str = "") -> list[str]:
    """The names of the types that are offered, in their order."""
    page = client.get(f"{CATALOGUE}{query}")
    assert page.status_code == 200
    return [entry.type.name for _, entries in page.context["categories"] for entry in entries]


def test_every_type_is_offered_once_and_leads_to_its_form(admin_client: Client) -> None:
    names = found(admin_client)
    assert sorted(names) == sorted(TYPES)
    text = admin_client.get(CATALOGUE).content.decode()
    for each in TYPES.values():
        assert f'href="/connections/new/?type={each.name}"' in text
        assert html.escape(each.label) in text


def test_in_each_category_our_own_types_come_first(admin_client: Client) -> None:
    for category, entries in admin_client.get(CATALOGUE).context["categories"]:
        ours = [entry.is_first_class for entry in entries]
        assert ours == sorted(ours, reverse=True), category
        assert {entry.type.category for entry in entries} == {category}


def test_a_search_without_scripts_finds_by_all_words_of_label_name_and_category(
    admin_client: Client,
) -> None:
    assert found(admin_client, "?q=postgres")[0] == "postgres"
    assert found(admin_client, "?q=POST+database") == found(admin_client, "?q=database+post")
    assert "google_cloud_platform" in found(admin_client, "?q=google+cloud")
    assert found(admin_client, "?q=no-such-type") == []
    assert (
        "a type that isn’t listed is kept"
        in admin_client.get(f"{CATALOGUE}?q=no-such-type").content.decode()
    )


def test_the_id_that_one_came_with_goes_along(admin_client: Client) -> None:
    text = admin_client.get(f"{CATALOGUE}?conn_id=from_a_dag&q=sqlite").content.decode()
    url = "/connections/new/?type=sqlite&conn_id=from_a_dag"
    assert html.escape(url) in text
    assert form_on(admin_client.get(url))["conn_id"] == "from_a_dag"


def test_an_unknown_type_has_no_form(admin_client: Client) -> None:
    assert admin_client.get(f"{CATALOGUE}?type=no_such_type").status_code == 404
    assert admin_client.post(CATALOGUE, {"conn_id": "a"}).status_code == 404
