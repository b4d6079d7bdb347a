"""Each kind of field: what it shows of what is stored, and what it stores of what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import row_of
from tests.connections.pages import assert_unseen, errors_on, file_of, form_on, send
from tests.connections.types.every_type import openssh_key, private_key

URL = "/connections/a/edit/"

pytestmark = pytest.mark.django_db


def store(conn_type: str, *, extra: dict[str, Any] | None = None, **columns: Any) -> None:
    """What an import of old data may have left: nothing is checked."""
    text = json.dumps(extra, ensure_ascii=False) if extra else None
    Connection.objects.create(conn_id="a", conn_type=conn_type, extra=text, **columns)


def extra_now() -> dict[str, Any]:
    return Connection.objects.get().load().extra


def save(client: Client, **changes: Any) -> None:
    answer = send(client, URL, **changes)
    assert answer.status_code == 302, answer.context["form"].errors


# Booleans: not set, yes and no are three


@pytest.mark.parametrize("stored", [None, True, False])
@pytest.mark.parametrize(("sent", "kept"), [("", None), ("true", True), ("false", False)])
def test_a_plain_boolean_knows_not_set_yes_and_no(
    admin_client: Client, stored: bool | None, sent: str, kept: bool | None
) -> None:
    others = {"conn_timeout": 5, "cmd_timeout": 6}
    extra = {} if stored is None else {"compress": stored}
    store("ssh", host="h", extra={**extra, **others})
    shown = form_on(admin_client.get(URL))["compress"]
    assert shown == {None: "", True: "true", False: "false"}[stored]
    save(admin_client, compress=sent)
    expected = {} if kept is None else {"compress": kept}
    assert extra_now() == {**others, **expected}


@pytest.mark.parametrize("stored", ["true", "False", "1", 0, "", None])
def test_booleans_and_numbers_that_are_kept_as_texts_stay_so_until_they_are_touched(
    admin_client: Client, stored: Any
) -> None:
    extra = {"compress": stored, "conn_timeout": "5", "note": "x"}
    store("ssh", host="h", extra=extra)
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before
    save(admin_client, conn_timeout="6", login="ann")
    assert extra_now() == {**extra, "conn_timeout": 6}
    assert list(extra_now()) == list(extra)


# Choices


def test_a_stored_value_outside_the_choices_is_shown_and_kept(admin_client: Client) -> None:
    store("postgres", host="h", extra={"cursor": "oddcursor", "sslmode": "require"})
    page = admin_client.get(URL)
    assert form_on(page)["cursor"] == "oddcursor"
    assert "oddcursor (as stored)" in page.content.decode()
    before = row_of("a")
    page = send(admin_client, URL, description="x")
    assert list(errors_on(page)) == ["cursor"]
    assert row_of("a") == before
    save(admin_client, cursor="dictcursor")
    assert extra_now() == {"cursor": "dictcursor", "sslmode": "require"}


def test_what_is_not_in_the_list_is_refused_where_the_list_is_all(admin_client: Client) -> None:
    store("postgres", host="h")
    before = row_of("a")
    page = send(admin_client, URL, cursor="anything")
    assert errors_on(page) == {"cursor": ["Choose one of the list."]}
    assert row_of("a") == before


def test_an_open_list_is_offered_and_takes_other_values(admin_client: Client) -> None:
    store("adb_spark", host="h")
    text = admin_client.get(URL).content.decode()
    assert '<datalist id="id_auth_type_choices"><option value="AK">' in text
    save(admin_client, auth_type="something else")
    assert extra_now() == {"auth_type": "something else"}


# Texts


def test_a_text_with_lines_and_spaces_survives_a_field_of_one_line(admin_client: Client) -> None:
    extra = {"region": " one\r\ntwo\rthree ", "odd": " x "}
    store("adb_spark", host=" h ", extra=extra)
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before
    save(admin_client, host="h")
    row = Connection.objects.get()
    assert (row.host, row.load().extra) == ("h", extra)


def test_a_name_that_the_form_itself_uses_is_no_trouble(admin_client: Client) -> None:
    store("salesforce", extra={"version": "58.0", "domain": "test"})
    assert form_on(admin_client.get(URL))["version__field"] == "58.0"
    save(admin_client, version__field="59.0")
    assert extra_now() == {"version": "59.0", "domain": "test"}


def test_an_extra_named_like_a_column_is_an_undeclared_extra(admin_client: Client) -> None:
    extra = {"host": "extra-host", "schema": "s"}
    store("postgres", host="column-host", extra=extra)
    form = form_on(admin_client.get(URL))
    assert form["host"] == "column-host"
    assert json.loads(form["extra"]) == extra
    save(admin_client, extra='{"host": "other", "schema": "s"}')
    row = Connection.objects.get()
    assert (row.host, row.load().extra) == ("column-host", {"host": "other", "schema": "s"})


def test_a_legacy_name_is_shown_in_its_field_and_kept_until_it_is_touched(
    admin_client: Client,
) -> None:
    old = "extra__google_cloud_platform__"
    extra = {f"{old}project": "acme-reports", f"{old}num_retries": "3"}
    store("google_cloud_platform", extra=extra)
    form = form_on(admin_client.get(URL))
    assert (form["project"], form["num_retries"], form["extra"]) == ("acme-reports", "3", "")
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before
    save(admin_client, project="acme-billing")
    assert extra_now() == {f"{old}num_retries": "3", "project": "acme-billing"}


def test_the_moment_of_expiry_keeps_its_microseconds(admin_client: Client) -> None:
    store("sqlite", host="/x.db", expires_at="2030-01-02T03:04:05.678901+00:00")
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before


# JSON


def test_json_that_is_kept_as_its_text_stays_a_text(admin_client: Client) -> None:
    kept = '{"b": 1,  "a": [2]}'
    store("aws", extra={"config_kwargs": kept, "region_name": "eu-west-1"})
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before
    save(admin_client, config_kwargs='{"b": 2}')
    assert extra_now() == {"config_kwargs": '{"b": 2}', "region_name": "eu-west-1"}


def test_json_with_a_secret_by_its_name_is_masked_and_kept(admin_client: Client) -> None:
    for value in ({"proxies": {"http": "http://u:pw-tulip@p"}}, '{"password": "pw-tulip"}'):
        Connection.objects.all().delete()
        store("aws", extra={"config_kwargs": value})
        before = row_of("a")
        page = admin_client.get(URL)
        assert "***" in form_on(page)["config_kwargs"]
        assert_unseen(page, "pw-tulip")
        save(admin_client)
        assert row_of("a") == before


# Keys


@pytest.mark.parametrize("key", [private_key, openssh_key])
def test_a_private_key_is_kept_byte_for_byte(admin_client: Client, key: Any) -> None:
    text: str = key()
    sent = {"conn_id": "a", "conn_type": "ssh", "host": "h", "method": "private_key"}
    new = "/connections/new/?type=ssh"
    pasted = {**sent, "private_key": text.replace("\n", "\r\n")}
    assert admin_client.post(new, pasted).status_code == 302
    assert extra_now() == {"private_key": text}
    Connection.objects.all().delete()
    uploaded = {**sent, "private_key__file": file_of(text, "id_ed25519")}
    assert admin_client.post(new, uploaded).status_code == 302
    assert extra_now() == {"private_key": text}
    before = row_of("a")
    save(admin_client)
    assert row_of("a") == before
    assert_unseen(admin_client.get(URL), text)


def test_a_wrong_private_key_is_told_and_not_sent_back(admin_client: Client) -> None:
    sent = {"conn_id": "a", "host": "h", "method": "private_key", "private_key": "tulip-key"}
    page = admin_client.post("/connections/new/?type=ssh", sent)
    assert list(errors_on(page)) == ["private_key"]
    assert_unseen(page, "tulip-key")
    assert not Connection.objects.exists()


def test_a_secret_without_facts_is_told_as_set(admin_client: Client) -> None:
    """As after a type was declared that wasn't known when the secret came."""
    store("postgres", host="h", password="pw-tulip", login="ann")
    page = admin_client.get(URL)
    assert "<span>set</span>" in page.content.decode()
    assert_unseen(page, "pw-tulip")
    save(admin_client, description="x")
    assert Connection.objects.get().password == "pw-tulip"


# Types that nothing declares


def test_an_unknown_type_is_edited_and_nothing_else_changes(admin_client: Client) -> None:
    extra = {"color": "green", "api_key": "ak-tulip", "size": "5"}
    draft = Draft("a", "acme_db", host="h", password="pw-tulip", port=1, extra=extra)
    create_connection(draft, actor=ACTOR)
    page = admin_client.get(URL)
    assert "Nothing here knows the type" in page.content.decode()
    assert_unseen(page, "pw-tulip", "ak-tulip")
    save(admin_client, schema="s")
    loaded = Connection.objects.get().load()
    assert (loaded.conn_type, loaded.schema, loaded.password) == ("acme_db", "s", "pw-tulip")
    assert json.dumps(loaded.extra) == json.dumps(extra)
