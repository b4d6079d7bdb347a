"""Signing in and out, by the one door."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from access.models import AuditEvent

pytestmark = pytest.mark.django_db
PASSWORD = "a long password"


@pytest.fixture(autouse=True)
def _user() -> None:
    get_user_model().objects.create_user("ann", password=PASSWORD)


def events() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.values_list("actor_name", "action", "object_id"))


def test_who_signs_in_is_in_the_audit_trail(client: Client) -> None:
    answer = client.post("/login/?next=/dags/", {"username": "ann", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/dags/")
    assert events() == [("ann", "signed in", "ann")]


def test_a_wrong_password_is_refused_and_written_down_without_it(client: Client) -> None:
    answer = client.post("/login/", {"username": "ann", "password": "wrong-tulip"})
    assert answer.status_code == 200
    assert "wrong-tulip" not in answer.content.decode()
    assert events() == [("nobody", "failed to sign in", "ann")]


def test_what_is_no_users_name_is_not_written_down(client: Client) -> None:
    """People type their password into the wrong field."""
    client.post("/login/", {"username": PASSWORD, "password": ""})
    client.post("/login/", {"username": PASSWORD, "password": "x"})
    assert events() == []


def test_the_admin_has_no_door_of_its_own(client: Client) -> None:
    answer = client.get("/admin/login/?next=/admin/tasks/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/admin/tasks/")


def test_who_may_not_see_the_admin_is_told_so(client: Client) -> None:
    client.login(username="ann", password=PASSWORD)
    assert client.get("/admin/", follow=True).status_code == 403


def test_nobody_is_sent_to_another_site_after_signing_in(client: Client) -> None:
    form = {"username": "ann", "password": PASSWORD}
    answer = client.post("/login/?next=//evil.example/", form)
    assert answer.headers["Location"] == "/"


def test_who_may_see_the_admin_comes_to_it(admin_client: Client, client: Client) -> None:
    assert admin_client.get("/admin/login/").headers["Location"] == "/admin/"
    assert client.get("/admin/login/").headers["Location"] == "/login/?next=/admin/"
