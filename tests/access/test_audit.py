"""The audit trail: what it holds, and that nobody can change it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

import access
from access.audit import Actor, record
from access.models import AuditEvent
from access.roles import set_role
from tests.roles import user_of

URL = "/audit/"
ADMIN = "/admin/access/auditevent/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ann"))
    return client


def happened(name: str = "my_gcp_conn", *, times: int = 1) -> None:
    for _ in range(times):
        record(Actor("make run"), "created", what="connection", name=name, fields=["project"])


def test_an_act_of_a_program_has_its_name_and_no_user() -> None:
    happened()
    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name) == (None, "make run")
    assert (event.action, event.object_type, event.object_id) == (
        "created",
        "connection",
        "my_gcp_conn",
    )
    assert event.detail == {"fields": ["project"]}
    assert str(event) == "make run created connection my_gcp_conn"


def test_an_act_of_a_person_keeps_the_name_when_the_person_is_gone() -> None:
    user = get_user_model().objects.create_user("bob")
    record(Actor.of(user), "deleted", what="connection", name="a")
    assert AuditEvent.objects.get().actor == user
    user.delete()
    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name) == (None, "bob")


def test_an_actor_stays_who_it_is() -> None:
    actor = Actor("bob")
    with pytest.raises(FrozenInstanceError):
        actor.name = "ann"  # type: ignore[misc]


def test_the_page_shows_the_newest_first_and_escapes_names(client: Client) -> None:
    happened("first")
    happened("<b>second</b>")
    text = client.get(URL).content.decode()
    assert text.index("&lt;b&gt;second&lt;/b&gt;") < text.index("first")
    assert "<b>second</b>" not in text
    assert "make run" in text


def test_an_empty_page_has_words(client: Client) -> None:
    page = client.get(URL)
    assert page.status_code == 200
    assert not page.context["page"].object_list


def test_the_page_goes_on_by_fifty(client: Client) -> None:
    happened(times=120)
    assert len(client.get(URL).context["page"]) == 50
    assert len(client.get(URL, {"page": "3"}).context["page"]) == 20
    for beyond in ("99", "0", "-1", "many", "", "\0"):
        assert client.get(URL, {"page": beyond}).status_code == 200


def test_the_page_only_shows(client: Client) -> None:
    happened()
    assert client.post(URL).status_code == 405
    assert AuditEvent.objects.count() == 1


def test_the_page_is_for_who_is_signed_in() -> None:
    happened()
    answer: Any = Client().get(URL)
    assert answer.status_code == 302
    assert answer.url == "/login/?next=/audit/"


def test_in_the_admin_nobody_adds_changes_or_deletes_an_event(client: Client) -> None:
    happened()
    event = AuditEvent.objects.get()
    before = AuditEvent.objects.values().get()
    page = client.get(ADMIN)
    assert page.status_code == 200
    assert "delete_selected" not in page.content.decode()
    assert client.get(f"{ADMIN}add/").status_code == 403
    change = client.get(f"{ADMIN}{event.pk}/change/")
    assert change.status_code == 200
    assert 'name="_save"' not in change.content.decode()
    assert client.post(f"{ADMIN}{event.pk}/change/", {"action": "x"}).status_code == 403
    assert client.post(f"{ADMIN}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    client.post(ADMIN, sent)
    assert AuditEvent.objects.values().get() == before


def test_in_the_admin_the_search_finds_who_and_what(client: Client) -> None:
    happened("first")
    happened("second")
    page = client.get(ADMIN, {"q": "second"})
    assert page.context["cl"].result_count == 1


def test_access_imports_nothing_of_the_other_apps() -> None:
    folder = Path(access.__file__).parent
    for path in folder.rglob("*.py"):
        text = path.read_text()
        assert "from connections" not in text, path
        assert "from tasks" not in text, path


def test_a_user_without_rights_gets_no_admin_pages() -> None:
    happened()
    user = user_of("Editor")
    client = Client()
    client.force_login(user)
    assert client.get(ADMIN).status_code == 403
    set_role(user, "Admin")
    assert client.get(ADMIN).status_code == 200


def test_what_is_yes_or_no_is_told_in_words(client: Client) -> None:
    by = Actor("ann")
    record(by, "tested", what="connection", name="a", is_draft=True)
    record(by, "tested", what="connection", name="b", is_draft=False)
    record(by, "exported", what="connection", name="c", redacted=False, file_format="json")
    record(by, "exported", what="connection", name="d", redacted=True)
    text = client.get(URL).content.decode()
    for words in ("the form as it stood", "with secrets", "without secrets", ">file format</span>"):
        assert text.count(words) == 1, words
    for raw in ("is_draft", "redacted", "False", "True"):
        assert raw not in text
