"""Connections in the Django admin: secrets are masked there, and can only be written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.views.debug import ExceptionReporter

from access.models import AuditEvent
from connections.models import Connection
from connections.services import create_connection, update_connection
from connections.types import TYPES
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import audit, key_file, row_of
from tests.connections.pages import assert_unseen, extra_of
from tests.roles import user_of

LIST = "/admin/connections/connection/"
ADD = f"{LIST}add/"
KEY = key_file()
KEY_TEXT = json.dumps(KEY)
NEW_SECRETS = {"new_password": "pw2-tulip", "new_extra": '{"token": "t2-tulip"}'}

pytestmark = pytest.mark.django_db


def draft(**extra: Any) -> Draft:
    return Draft("my_gcp_conn", "google_cloud_platform", password="pw-tulip", extra=extra)


@pytest.fixture
def change() -> str:
    """The address of a stored connection's page."""
    extra = {
        "keyfile_dict": KEY_TEXT,
        "project": "acme-reports",
        "api_key": "ak-tulip",
        "deep": {"list": [{"token": "tt-tulip", "region": "EU"}]},
    }
    return f"{LIST}{create_connection(draft(**extra), actor=ACTOR).pk}/change/"


def send(client: Client, url: str, **changes: Any) -> Any:
    """Send the admin's form with what its page was opened with."""
    form = client.get(url).context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    return client.post(url, {**sent, **changes})


def errors_on(page: Any) -> dict[str, list[str]]:
    assert page.status_code == 200
    return {name: list(words) for name, words in page.context["adminform"].form.errors.items()}


def test_the_list_decrypts_nothing_and_asks_the_same_for_20_as_for_1(
    admin_client: Client, change: str, decryptions: list[str]
) -> None:
    with CaptureQueriesContext(database) as for_one:
        assert "my_gcp_conn" in admin_client.get(LIST).content.decode()
    Connection.objects.bulk_create(
        Connection(conn_id=f"c{number}", conn_type="acme_db", password="p") for number in range(19)
    )
    decryptions.clear()
    with CaptureQueriesContext(database) as for_twenty:
        text = admin_client.get(LIST).content.decode()
    assert "acme_db (unknown type)" in text
    assert len(for_twenty) == len(for_one)
    assert not decryptions


def test_the_page_masks_secrets_by_declaration_and_then_by_name(
    admin_client: Client, change: str
) -> None:
    page = admin_client.get(change)
    assert_unseen(page, KEY["private_key"], KEY["private_key_id"], "pw-tulip", "ak-tulip")
    assert_unseen(page, "tt-tulip")
    shown = page.context["adminform"].form.instance
    stored = json.loads(page.context["adminform"].model_admin.stored_extra(shown))
    assert stored == {
        "keyfile_dict": "***",
        "project": "acme-reports",
        "api_key": "***",
        "deep": {"list": [{"token": "***", "region": "EU"}]},
    }
    assert "keyfile_dict (v1 by tester)" in page.content.decode()


def test_blank_secrets_keep_what_is_stored(admin_client: Client, change: str) -> None:
    before = extra_of()
    assert send(admin_client, change, description="Reports").status_code == 302
    row = Connection.objects.get()
    assert (row.description, row.version, str(row.updated_by)) == ("Reports", 2, "admin")
    assert row.password == "pw-tulip"
    assert extra_of() == before
    assert audit()[-1] == ("changed", "my_gcp_conn", {"fields": ["description"]})


def test_saving_unchanged_makes_no_version(admin_client: Client, change: str) -> None:
    before = row_of()
    assert send(admin_client, change).status_code == 302
    assert row_of() == before


def test_new_secrets_replace_the_stored_ones_and_are_named_and_not_shown(
    admin_client: Client, change: str
) -> None:
    sent = {"new_login": "lo-tulip", "new_password": " pw2-tulip ", "new_extra": '{"token": "t2"}'}
    assert send(admin_client, change, **sent).status_code == 302
    row = Connection.objects.get()
    assert (row.login, row.password, extra_of()) == ("lo-tulip", " pw2-tulip ", {"token": "t2"})
    assert row.secret_facts == {}
    assert_unseen(admin_client.get(change), "lo-tulip", "pw2-tulip")
    told = str(audit()) + str(LogEntry.objects.values_list("change_message", "object_repr"))
    assert "tulip" not in told
    assert_unseen(admin_client.get(f"{change[:-7]}history/"), "lo-tulip", "pw2-tulip")


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"new_extra": "{oops"}, "new_extra", "This is not JSON: "),
        ({"new_extra": "[1]"}, "new_extra", "A JSON object is needed"),
        ({"new_extra": '{"a": "***"}'}, "new_extra", "*** stands for a secret"),
        ({"new_extra": '{"keyfile_dict": "{}"}'}, "new_extra", "keyfile_dict: This is not"),
        ({"new_extra": '{"key_path": "/k", "is_anonymous": true}'}, "new_extra", "is_anonymous:"),
        ({"port": "70000"}, "port", "A port is a number from 1 to 65535."),
        ({"host": "h" * 501}, "host", "at most 500 characters"),
        ({"description": "d" * 5001}, "description", "At most 5000 characters."),
        ({"new_password": "a\0b"}, "new_password", "Null characters are not allowed."),
        ({"seen_version": "7"}, "__all__", "This connection was saved meanwhile"),
        ({"seen_version": ""}, "__all__", "This connection was saved meanwhile"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_at_its_field_and_not_sent_back(
    admin_client: Client, change: str, sent: dict[str, str], field: str, words: str
) -> None:
    before, audited = row_of(), audit()
    secret = {"new_login": "lo-tulip", "new_password": "pw2-tulip"}
    page = send(admin_client, change, **{**secret, **sent})
    errors = errors_on(page)
    assert list(errors) == [field]
    assert words in errors[field][0]
    assert_unseen(page, "lo-tulip", "pw2-tulip", "ak-tulip", KEY["private_key"])
    assert row_of() == before
    assert audit() == audited


def test_extras_that_were_refused_are_not_sent_back(admin_client: Client, change: str) -> None:
    page = send(admin_client, change, new_extra=f'{{"keyfile_dict": {KEY_TEXT[:-1]}')
    assert "new_extra" in errors_on(page)
    assert_unseen(page, KEY["private_key"])


def test_of_two_who_edit_the_second_is_told(admin_client: Client, change: str) -> None:
    form = admin_client.get(change).context["adminform"].form
    late = {name: form[name].value() for name in ("host", "description", "seen_version")}
    stored = Connection.objects.get().load()
    newer = Draft(
        stored.conn_id, stored.conn_type, "newer", password=stored.password, extra=stored.extra
    )
    update_connection(newer, actor=ACTOR, version=1)
    before = row_of()
    page = admin_client.post(change, {**late, "description": "late"})
    assert list(errors_on(page)) == ["__all__"]
    assert row_of() == before


def test_id_and_type_are_locked_once_stored(admin_client: Client, change: str) -> None:
    answer = send(admin_client, change, conn_id="other", conn_type="postgres", host="h")
    assert answer.status_code == 302
    row = Connection.objects.get()
    assert (row.conn_id, row.conn_type, row.host) == ("my_gcp_conn", "google_cloud_platform", "h")


def test_a_type_that_nobody_declares_is_kept_and_masked_and_edited(
    admin_client: Client, change: str
) -> None:
    Connection.objects.update(conn_type="acme_db")
    before = extra_of()
    page = admin_client.get(change)
    assert "acme_db (unknown type)" in page.content.decode()
    assert_unseen(page, "ak-tulip", "tt-tulip", "pw-tulip", KEY["private_key"])
    assert send(admin_client, change, host="h").status_code == 302
    row = Connection.objects.get()
    assert (row.conn_type, row.host, row.password) == ("acme_db", "h", "pw-tulip")
    assert extra_of() == before


def test_every_declared_type_can_be_chosen(admin_client: Client) -> None:
    field = admin_client.get(ADD).context["adminform"].form.fields["conn_type"]
    offered = {name for _, types in field.choices for name, _ in types}
    assert offered == set(TYPES)


def test_a_traceback_with_its_variables_shows_no_secret(
    admin_client: Client, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("connections.admin.check", broken)
    admin_client.raise_request_exception = False
    page = send(admin_client, change, **NEW_SECRETS)
    assert page.status_code == 500
    request = page.wsgi_request
    report = ExceptionReporter(request, *page.exc_info).get_traceback_html()
    assert "broken" in report
    assert "-tulip" not in report


# New


def test_a_connection_is_added(admin_client: Client) -> None:
    sent = {
        "conn_id": "my_gcp_conn",
        "conn_type": "google_cloud_platform",
        "new_extra": json.dumps({"keyfile_dict": KEY_TEXT}),
    }
    assert send(admin_client, ADD, **sent).status_code == 302
    row = Connection.objects.get()
    assert (row.version, str(row.created_by)) == (1, "admin")
    assert extra_of() == {"keyfile_dict": KEY_TEXT}
    assert row.secret_facts["keyfile_dict"]["by"] == "admin"
    assert [event[0] for event in audit()] == ["created"]


@pytest.mark.parametrize("conn_id", ["", "two words", "..", "a" * 201, "my_gcp_conn"])
def test_an_id_that_cannot_be_or_is_taken_is_refused(
    admin_client: Client, change: str, conn_id: str
) -> None:
    page = send(admin_client, ADD, conn_id=conn_id, conn_type="google_cloud_platform")
    assert list(errors_on(page)) == ["conn_id"]
    assert Connection.objects.count() == 1
    assert len(audit()) == 1


def test_a_type_that_nobody_declares_cannot_be_added(admin_client: Client) -> None:
    page = send(admin_client, ADD, conn_id="a", conn_type="acme_db")
    assert list(errors_on(page)) == ["conn_type"]
    assert not Connection.objects.exists()


# Secrets that can't be read


def test_unreadable_secrets_are_told_of_and_not_saved_over(
    admin_client: Client, change: str, lose_keys: Any
) -> None:
    lose_keys()
    before, audited = row_of(), audit()
    page = admin_client.get(change)
    assert "be decrypted with the configured keys" in page.content.decode()
    for sent in ({}, {"description": "x"}, {"new_password": "new"}):
        errors = errors_on(send(admin_client, change, **sent))
        assert "be decrypted with the configured keys" in errors["new_extra"][0]
    assert row_of() == before
    assert audit() == audited


def test_unreadable_secrets_are_replaced_by_new_extras(
    admin_client: Client, change: str, lose_keys: Any
) -> None:
    lose_keys()
    assert send(admin_client, change, new_extra='{"project": "acme-reports"}').status_code == 302
    row = Connection.objects.get()
    assert extra_of() == {"project": "acme-reports"}
    assert row.password is None
    assert row.secret_facts == {}


# Deleting


def test_deleting_one_and_deleting_many_are_audited(admin_client: Client, change: str) -> None:
    assert admin_client.get(f"{change[:-7]}delete/").status_code == 200
    assert Connection.objects.count() == 1
    assert admin_client.post(f"{change[:-7]}delete/", {"post": "yes"}).status_code == 302
    assert not Connection.objects.exists()
    Connection.objects.bulk_create(
        Connection(conn_id=name, conn_type="postgres", password="p") for name in ("a", "b")
    )
    sent = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in Connection.objects.all()],
        "post": "yes",
    }
    assert admin_client.post(LIST, sent).status_code == 302
    assert not Connection.objects.exists()
    deleted = AuditEvent.objects.filter(action="deleted").order_by("object_id")
    assert [(event.object_id, event.actor_name) for event in deleted] == [
        ("a", "admin"),
        ("b", "admin"),
        ("my_gcp_conn", "admin"),
    ]


# Who may


def test_who_may_only_look_sees_no_secret_and_changes_nothing(change: str) -> None:
    user = get_user_model().objects.create_user("looker", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__in=("view_connection", "use_admin"))
    )
    client = Client()
    client.force_login(user)
    before = row_of()
    page = client.get(change)
    assert page.status_code == 200
    assert_unseen(page, KEY["private_key"], "pw-tulip", "ak-tulip", "tt-tulip")
    assert client.post(change, {"description": "x"}).status_code == 403
    assert client.post(f"{change[:-7]}delete/", {"post": "yes"}).status_code == 403
    assert client.get(ADD).status_code == 403
    assert row_of() == before


@pytest.mark.parametrize("role", ["", "Viewer", "Editor"])
def test_who_may_not_gets_no_page(change: str, role: str) -> None:
    user = user_of(role)
    client = Client()
    client.force_login(user)
    for url in (LIST, change, ADD):
        assert client.get(url).status_code == 403
