"""Pasting a connection as text: it fills the form, and no page ever holds its secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from connections import pasting
from connections.models import Connection, ParkedText
from tests.connections.conftest import audit, key_file
from tests.connections.pages import CATALOGUE, assert_unseen, errors_on, form_on
from tests.roles import user_of

PASTE = "/connections/paste/"
URI = "postgres://ann:pw%2Dtulip%40@DB.example.com:5433/reports?sslmode=require&keepalives_idle=30"
KEY = key_file()
JSON = json.dumps(
    {
        "conn_type": "google_cloud_platform",
        "description": "Reports",
        "extra": {
            "project": "acme-reports",
            "keyfile_dict": json.dumps(KEY),
            "num_retries": "7",
            "location": "EU",
            "api_key": "ak-tulip",
        },
    }
)

pytestmark = pytest.mark.django_db


def paste(client: Client, text: str, **more: str) -> Any:
    """Paste on the catalogue, and follow to the form."""
    answer = client.post(PASTE, {"text": text, **more})
    assert answer.status_code == 302
    url = answer.headers["Location"]
    assert "tulip" not in url
    return client.get(url), url


def refused(client: Client, text: str) -> str:
    """The words by which a text is refused."""
    page = client.post(PASTE, {"text": text})
    assert page.status_code == 422
    assert_unseen(page, "tulip")
    assert not ParkedText.objects.exists()
    words: str = page.context["paste_words"]
    assert "tulip" not in words
    return words


def test_a_uri_fills_the_form_of_its_type_and_is_saved_with_its_secret(
    admin_client: Client,
) -> None:
    page, url = paste(admin_client, URI)
    assert page.context["type"].name == "postgres"
    assert_unseen(page, "pw-tulip@")
    form = form_on(page)
    assert (form["host"], form["port"], form["schema"]) == ("db.example.com", "5433", "reports")
    assert (form["login"], form["password"], form["sslmode"]) == ("ann", "", "require")
    assert "from the pasted text" in page.content.decode()
    assert not Connection.objects.exists()
    answer = admin_client.post(url, {**form, "conn_id": "pg"})
    assert answer.status_code == 302
    loaded = Connection.objects.get().load()
    assert (loaded.conn_type, loaded.login, loaded.password) == ("postgres", "ann", "pw-tulip@")
    assert loaded.extra == {"sslmode": "require", "keepalives_idle": "30"}
    assert not ParkedText.objects.exists()


def test_airflows_json_fills_all_fields_and_keeps_types_and_unseen_extras(
    admin_client: Client,
) -> None:
    page, url = paste(admin_client, JSON)
    assert_unseen(page, KEY["private_key"], KEY["private_key_id"], "ak-tulip")
    form = form_on(page)
    assert (form["project"], form["num_retries"], form["method"]) == ("acme-reports", "7", "key")
    assert form["description"] == "Reports"
    assert json.loads(form["extra"]) == {"location": "EU"}
    assert page.context["form"].kept_secrets == ["api_key"]
    sent = {**form, "conn_id": "gcp", "project": "acme-billing"}
    assert admin_client.post(url, sent).status_code == 302
    extra = Connection.objects.get().load().extra
    assert extra == {**json.loads(JSON)["extra"], "project": "acme-billing"}
    assert list(extra) == list(json.loads(JSON)["extra"])


@pytest.mark.parametrize(
    ("text", "conn_id"),
    [
        (f"AIRFLOW_CONN_MY_PG={URI}", "my_pg"),
        (f"export AIRFLOW_CONN_MY_PG='{URI}'", "my_pg"),
        (f'PATCHBAY_CONN_MY_PG="{URI}"\n', "my_pg"),
        (f"my-pg={URI}", "my-pg"),
        (json.dumps({"My.pg": URI}), "My.pg"),
        (json.dumps({"my_pg": {"conn_type": "postgres", "password": "pw-tulip@"}}), "my_pg"),
        (f"AIRFLOW_CONN_MY_PG={json.dumps({'uri': URI})}", "my_pg"),
        (
            json.dumps(
                {
                    "connection_id": "my_pg",
                    "conn_type": "postgres",
                    "password": "pw-tulip@",
                    "extra": '{"sslmode": "require"}',
                    "team_name": None,
                }
            ),
            "my_pg",
        ),
        (f"\ufeff  {URI}\r\n", ""),
    ],
)
def test_every_shape_in_which_airflow_writes_one_connection_is_taken(
    admin_client: Client, text: str, conn_id: str
) -> None:
    page, _ = paste(admin_client, text)
    form = page.context["form"]
    assert form_on(page)["conn_id"] == conn_id
    assert form.type.name == "postgres"
    assert form.before.password == "pw-tulip@"
    assert_unseen(page, "pw-tulip@")


def test_the_id_that_one_came_with_is_kept(admin_client: Client) -> None:
    page, _ = paste(admin_client, URI, conn_id="from_a_dag")
    assert form_on(page)["conn_id"] == "from_a_dag"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "There is nothing in it."),
        ("tulip", "begins with its type"),
        ("postgres://ann:tu/lip@h:tulip/x", "port"),
        ('{"conn_type": "postgres", "passwort": "tulip"}', "passwort is no part of a connection."),
        ('{"conn_type": "postgres", "password": tulip}', "is not JSON"),
        ('{"a": {"conn_type": "http"}, "b": {"conn_type": "http"}}', "It holds 2 connections."),
        ('{"a": ["tulip"]}', "conn_type is missing."),
        ('{"conn_type": "http", "password": "***"}', "were redacted"),
        ("postgres://" + "tulip" * 40_001, "It is too long"),
    ],
    ids=range(9),
)
def test_what_is_no_connection_is_refused_with_words_and_not_sent_back(
    admin_client: Client, text: str, words: str
) -> None:
    assert words in refused(admin_client, text)
    assert not Connection.objects.exists()
    assert not audit()


def test_an_unknown_type_is_kept_as_it_is(admin_client: Client) -> None:
    page, url = paste(admin_client, "acme-db://ann:pw-tulip@h/s?color=green")
    assert "Nothing here knows the type" in page.content.decode()
    assert_unseen(page, "pw-tulip")
    assert admin_client.post(url, {**form_on(page), "conn_id": "acme"}).status_code == 302
    loaded = Connection.objects.get().load()
    assert (loaded.conn_type, loaded.password, loaded.extra) == (
        "acme_db",
        "pw-tulip",
        {"color": "green"},
    )


def test_columns_that_the_type_has_no_use_for_are_shown_kept_and_editable(
    admin_client: Client,
) -> None:
    page, url = paste(admin_client, "google-cloud-platform://ann:pw-tulip@h.example:8080/s")
    text = page.content.decode()
    assert "Also stored" in text
    assert_unseen(page, "pw-tulip")
    form = form_on(page)
    assert (form["host"], form["login"], form["port"]) == ("h.example", "ann", "8080")
    sent = {**form, "conn_id": "gcp", "host": "", "password__clear": "on"}
    assert admin_client.post(url, sent).status_code == 302
    loaded = Connection.objects.get().load()
    assert (loaded.host, loaded.login, loaded.password, loaded.port, loaded.schema) == (
        "",
        "ann",
        "",
        8080,
        "s",
    )


def test_a_refused_form_still_has_its_pasted_secrets_and_sends_none(admin_client: Client) -> None:
    page, url = paste(admin_client, URI)
    page = admin_client.post(url, {**form_on(page), "conn_id": "two words"})
    assert list(errors_on(page)) == ["conn_id"]
    assert_unseen(page, "pw-tulip@")
    assert admin_client.post(url, {**form_on(page), "conn_id": "pg"}).status_code == 302
    assert Connection.objects.get().password == "pw-tulip@"


def test_a_pasted_secret_can_be_replaced_and_cleared(admin_client: Client) -> None:
    page, url = paste(admin_client, URI)
    sent = {**form_on(page), "conn_id": "a", "password": "new-tulip"}
    assert admin_client.post(url, sent).status_code == 302
    assert Connection.objects.get().password == "new-tulip"
    page, url = paste(admin_client, URI)
    sent = {**form_on(page), "conn_id": "b", "password__clear": "on", "method": "none"}
    answer = admin_client.post(url, sent)
    assert answer.status_code == 302, answer.context["form"].errors
    assert Connection.objects.get(conn_id="b").password is None


# Where it waits


def test_it_waits_encrypted_and_only_for_who_pasted_it(admin_client: Client) -> None:
    page, url = paste(admin_client, URI)
    token = ParkedText.objects.get().__dict__["text"].token
    assert "tulip" not in token
    assert "db.example.com" not in token
    other = Client()
    other.force_login(user_of("Editor"))
    assert pasting.IS_OVER in other.get(url).context["paste_words"]
    answer = other.post(url, {**form_on(page), "conn_id": "stolen", "method": "none"})
    assert pasting.IS_OVER in errors_on(answer)["__all__"]
    assert not Connection.objects.exists()


def test_after_half_an_hour_it_is_gone_and_nothing_is_saved_without_a_word(
    admin_client: Client,
) -> None:
    page, url = paste(admin_client, URI)
    ParkedText.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    answer = admin_client.post(url, {**form_on(page), "conn_id": "pg"})
    assert pasting.IS_OVER in errors_on(answer)["__all__"]
    assert not Connection.objects.exists()
    form = {**form_on(answer), "password": "given again"}
    assert admin_client.post(url, form).status_code == 302
    assert Connection.objects.get().password == "given again"
    assert pasting.IS_OVER in admin_client.get(url).content.decode().replace("&#x27;", "'")


def test_an_unknown_type_that_waited_too_long_has_to_be_pasted_again(
    admin_client: Client,
) -> None:
    page, url = paste(admin_client, "acme-db://ann:pw-tulip@h")
    form = form_on(page)
    admin_client.logout()
    admin_client.force_login(user_of("Editor", "ann"))
    answer = admin_client.post(url, {**form, "conn_id": "acme"})
    assert answer.status_code == 422
    assert answer.context["paste_words"] == pasting.IS_OVER
    assert not Connection.objects.exists()


def test_of_many_pastes_the_newest_five_are_kept(admin_client: Client) -> None:
    urls = [paste(admin_client, URI)[1] for _ in range(7)]
    assert ParkedText.objects.count() == 5
    assert "form" not in admin_client.get(urls[1]).context
    assert admin_client.get(urls[2]).context["form"].pasted


# Who may


@pytest.mark.parametrize("role", ["", "Viewer", "Operator"])
def test_who_may_not_write_connections_can_paste_none(role: str) -> None:
    client = Client()
    client.force_login(user_of(role))
    assert client.post(PASTE, {"text": URI}).status_code == 403
    assert client.get(CATALOGUE).status_code == 403
    assert not ParkedText.objects.exists()


def test_it_needs_the_csrf_token_and_a_post(admin_client: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = admin_client.cookies
    assert client.post(PASTE, {"text": URI}).status_code == 403
    assert admin_client.get(PASTE).status_code == 405
    assert not ParkedText.objects.exists()
