"""Service types on the form: keys that are refused, names with dots, proxies with passwords."""

from __future__ import annotations

import json

from django.test import Client

from connections.models import Connection
from connections.types.key_material import NOT_OPENED
from tests.connections.pages import CATALOGUE, assert_unseen, errors_on, extra_of, form_on, send
from tests.connections.types import service_examples as examples

KEY = examples.private_key(examples.PASSPHRASE)


def test_a_key_is_stored_byte_for_byte_with_the_passphrase_that_opens_it(
    admin_client: Client,
) -> None:
    page = send(
        admin_client,
        f"{CATALOGUE}?type=ssh",
        conn_id="files",
        host="files.example.com",
        private_key=KEY.replace("\n", "\r\n"),
        private_key_passphrase=examples.PASSPHRASE,
        host_key=examples.host_key(),
        ciphers='["aes256-ctr"]',
    )
    assert page.status_code == 302
    assert extra_of("files") == {
        "private_key": KEY,
        "private_key_passphrase": examples.PASSPHRASE,
        "host_key": examples.host_key(),
        "ciphers": ["aes256-ctr"],
    }
    edit = admin_client.get("/connections/files/edit/")
    assert_unseen(edit, KEY, examples.PASSPHRASE)


def test_a_passphrase_that_opens_nothing_is_told_at_its_field_and_nothing_is_sent_back(
    admin_client: Client,
) -> None:
    page = send(
        admin_client,
        f"{CATALOGUE}?type=sftp",
        conn_id="files",
        host="sftp://files.example.com",
        private_key=KEY,
        private_key_passphrase="wrong tulip",
    )
    errors = errors_on(page)
    assert errors["private_key_passphrase"] == [NOT_OPENED]
    assert errors["host"] == ["The host alone: leave out the scheme, up to and with ://."]
    assert_unseen(page, KEY, "wrong tulip")
    assert not Connection.objects.exists()


def test_choosing_another_method_takes_the_stored_key_away(admin_client: Client) -> None:
    send(admin_client, f"{CATALOGUE}?type=ssh", conn_id="files", host="files", private_key=KEY)
    assert not Connection.objects.exists()
    values = {"private_key": examples.private_key(), "conn_id": "files", "host": "files"}
    assert send(admin_client, f"{CATALOGUE}?type=ssh", **values).status_code == 302
    page = send(
        admin_client, "/connections/files/edit/", method="key_file", key_file="/run/secrets/id"
    )
    assert page.status_code == 302
    assert extra_of("files") == {"key_file": "/run/secrets/id"}


def test_names_with_dots_are_fields_like_others(admin_client: Client) -> None:
    values = {
        "bootstrap.servers": "broker-1:9092,broker-2:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "ann",
        "sasl.password": "tulip of kafka",
    }
    page = send(admin_client, f"{CATALOGUE}?type=kafka", conn_id="events", method="sasl", **values)
    assert page.status_code == 302
    assert extra_of("events") == values
    edit = admin_client.get("/connections/events/edit/")
    assert form_on(edit)["bootstrap.servers"] == "broker-1:9092,broker-2:9092"
    assert_unseen(edit, "tulip of kafka")
    page = send(admin_client, "/connections/events/edit/", **{"bootstrap.servers": "broker:x"})
    assert list(errors_on(page)) == ["bootstrap.servers"]
    assert extra_of("events") == values


def test_proxies_with_a_password_are_stored_as_data_and_never_shown(admin_client: Client) -> None:
    proxies = {"https": "http://ann:tulip-of-the-proxy@proxy.example.com:3128"}
    values = {"conn_id": "api", "host": "https://api.example.com", "proxies": json.dumps(proxies)}
    url = f"{CATALOGUE}?type=http"
    page = send(admin_client, url, method="none", **{**values, "timeout": "soon"})
    assert "timeout" in errors_on(page)
    assert_unseen(page, "tulip-of-the-proxy")
    page = send(admin_client, url, method="none", **values)
    assert page.status_code == 302
    assert extra_of("api") == {"proxies": proxies}
    assert_unseen(admin_client.get("/connections/api/edit/"), "tulip-of-the-proxy")


def test_a_refused_address_with_a_key_in_it_is_not_stored(admin_client: Client) -> None:
    page = send(
        admin_client,
        f"{CATALOGUE}?type=http",
        method="none",
        conn_id="api",
        host="a.example?sig=tulip",
    )
    assert list(errors_on(page)) == ["host"]
    assert not Connection.objects.exists()
