"""The card that a new connection begins with."""

from __future__ import annotations

import pytest
from django.test import Client

from connections.models import Connection
from connections.types import TYPES

pytestmark = pytest.mark.django_db
OPEN = ["http", "redis", "docker", "mongo", "elasticsearch", "kafka"]


@pytest.mark.parametrize("name", OPEN)
def test_where_most_need_no_login_none_is_chosen(admin_client: Client, name: str) -> None:
    form = admin_client.get(f"/connections/new/?type={name}").context["form"]
    assert form.initial["method"] == "none"


def test_what_is_preselected_is_a_method_that_needs_nothing() -> None:
    for declared in TYPES.values():
        if declared.preselected:
            needs = {method.name: method.needs for method in declared.methods}
            assert needs[declared.preselected] == (), declared.name


def test_an_http_connection_with_a_host_alone_is_saved(admin_client: Client) -> None:
    url = "/connections/new/?type=http"
    method = admin_client.get(url).context["form"].initial["method"]
    sent = {"conn_id": "api", "conn_type": "http", "host": "api.example.com", "method": method}
    answer = admin_client.post(url, sent)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/connections/api/overview/"


def test_a_card_without_its_needs_names_the_one_that_needs_nothing(admin_client: Client) -> None:
    sent = {"conn_id": "api", "conn_type": "http", "host": "api.example.com", "method": "basic"}
    page = admin_client.post("/connections/new/?type=http", sent)
    assert page.status_code == 422
    assert page.context["form"].errors["login"] == [
        "“User and password” needs this. Choose “None” to go without."
    ]
    assert not Connection.objects.exists()
