"""What the form refuses, at which field, and that nothing changes then."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils.datastructures import MultiValueDict

from connections.forms import ConnectionForm
from connections.models import Connection
from connections.services import create_connection
from connections.types import TYPES
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import audit, key_file, row_of
from tests.connections.pages import (
    EDIT,
    NEW,
    assert_unseen,
    errors_on,
    extra_of,
    file_of,
    form_on,
    send,
)

KEY = key_file()
KEY_TEXT = json.dumps(KEY, indent=2)
AGAIN = "Give this again: a secret isn't sent back."

pytestmark = pytest.mark.django_db


def store(**extra: Any) -> Connection:
    return create_connection(
        Draft("my_gcp_conn", "google_cloud_platform", extra=extra), actor=ACTOR
    )


@pytest.fixture
def refused(admin_client: Client) -> Callable[..., dict[str, list[str]]]:
    """Send a new connection that is refused: the words by field. Nothing may be stored."""

    def create(**fields: Any) -> dict[str, list[str]]:
        page = send(admin_client, NEW, **{"conn_id": "a", "method": "default", **fields})
        errors = errors_on(page)
        listed = page.content.decode()
        assert "Not saved" in listed
        assert not Connection.objects.exists()
        assert not audit()
        return errors

    return create


@pytest.mark.parametrize(
    ("conn_id", "words"),
    [
        ("", "A connection needs an ID: DAGs name it by this."),
        ("two words", "Only letters, digits, dashes, dots and underscores."),
        ("a/b", "Only letters, digits, dashes, dots and underscores."),
        ("a" * 201, "Ensure this value has at most 200 characters (it has 201)."),
        ("..", "An ID needs more than dots."),
        ("a\0b", "Null characters are not allowed."),
    ],
)
def test_an_id_that_cannot_be_is_refused(refused: Any, conn_id: str, words: str) -> None:
    assert refused(conn_id=conn_id) == {"conn_id": [words]}


def test_an_id_is_stored_without_the_spaces_around_it(admin_client: Client) -> None:
    assert send(admin_client, NEW, conn_id=" a \n", method="default").status_code == 302
    assert Connection.objects.get().conn_id == "a"


def test_a_taken_id_is_refused_together_with_what_else_is_wrong(admin_client: Client) -> None:
    store(project="acme-reports")
    before, audited = row_of(), audit()
    page = send(admin_client, NEW, conn_id="my_gcp_conn", num_retries="many", method="default")
    assert errors_on(page) == {
        "conn_id": ["There is a connection my_gcp_conn already."],
        "num_retries": ["A whole number."],
    }
    assert row_of() == before
    assert audit() == audited


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"project": "No"}, "project"),
        ({"api_endpoint": "bigquery"}, "api_endpoint"),
        ({"connect_timeout": "0"}, "connect_timeout"),
        ({"connect_timeout": "nan"}, "connect_timeout"),
        ({"read_timeout": "soon"}, "read_timeout"),
        ({"num_retries": "-1"}, "num_retries"),
        ({"num_retries": "1.5"}, "num_retries"),
        ({"impersonation_chain": "somebody"}, "impersonation_chain"),
        ({"scope": "a b"}, "scope"),
        ({"description": "x" * 5001}, "description"),
        ({"project": "a\0"}, "project"),
        ({"method": "telepathy"}, "method"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_at_its_field(
    refused: Any, fields: dict[str, str], name: str
) -> None:
    assert list(refused(**fields)) == [name]


def test_a_password_in_an_address_is_refused_and_not_sent_back(admin_client: Client) -> None:
    for url in ("https://ann:tulip7@a.example/x", "https://ann:tu/tulip7@a.example"):
        page = send(admin_client, NEW, conn_id="a", method="default", api_endpoint=url)
        assert list(errors_on(page)) == ["api_endpoint"]
        assert_unseen(page, "tulip7")
        assert form_on(page)["api_endpoint"].startswith("https://a.example")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('{\n  "type": oops', "This is not JSON: Expecting value, line 2, column 11."),
        ("[]", "This is not a key file: a JSON object is expected."),
        ('{"web": {"client_secret": "tulip7"}}', "This is an OAuth client file"),
        ('{"type": "external_account"}', "This is a workload identity file."),
        (
            '{"type": "authorized_user", "refresh_token": "tulip7"}',
            "This is a user's own login, not a service account key.",
        ),
        (json.dumps(key_file(private_key=None)), "This service account key has no private_key."),
    ],
)
def test_what_is_not_a_key_file_is_told_apart_and_not_sent_back(
    admin_client: Client, key: str, words: str
) -> None:
    for sent in ({"keyfile_dict": key}, {"keyfile_dict__file": file_of(key)}):
        page = send(admin_client, NEW, conn_id="a", **sent)
        errors = errors_on(page)
        assert list(errors) == ["keyfile_dict"]
        assert errors["keyfile_dict"][0].startswith(words)
        assert form_on(page)["keyfile_dict"] == ""
        assert_unseen(page, "tulip7")
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\xff\xfe binary", "This file is not text, and so not a key file."),
        (b" \r\n", "This file is empty."),
        (b"", "This file is empty."),
        (b"{" + b" " * 100_000, "This file is too large for a key."),
    ],
    ids=["binary", "blank", "empty", "too large"],
)
def test_a_file_that_is_no_key_is_refused_with_one_sentence(
    admin_client: Client, content: bytes, words: str
) -> None:
    page = send(admin_client, NEW, conn_id="a", keyfile_dict__file=file_of(content))
    assert errors_on(page) == {"keyfile_dict": [words]}
    assert not Connection.objects.exists()
    store(keyfile_dict=KEY_TEXT)
    before = row_of()
    page = send(admin_client, EDIT, keyfile_dict__file=file_of(content))
    assert errors_on(page) == {"keyfile_dict": [words]}
    assert row_of() == before


def test_a_very_large_upload_is_refused_with_words(admin_client: Client) -> None:
    page = send(admin_client, NEW, conn_id="a", keyfile_dict__file=file_of(b"x" * 5_000_000))
    assert errors_on(page) == {"keyfile_dict": ["This file is too large for a key."]}


def test_a_paste_that_is_too_large_is_refused_with_words(admin_client: Client) -> None:
    page = send(admin_client, NEW, conn_id="a", keyfile_dict="x" * 100_001)
    assert "at most 100000 characters" in errors_on(page)["keyfile_dict"][0]
    answer = admin_client.post(NEW, {"conn_id": "a", "keyfile_dict": "x" * 3_000_000})
    assert answer.status_code == 400
    assert "too large" in answer.content.decode()
    assert not Connection.objects.exists()


def test_a_pasted_key_and_another_file_are_refused(admin_client: Client) -> None:
    other = file_of(json.dumps(key_file(project_id="other")))
    page = send(admin_client, NEW, conn_id="a", keyfile_dict=KEY_TEXT, keyfile_dict__file=other)
    assert errors_on(page) == {"keyfile_dict": ["Paste the key or choose its file, not both."]}


def test_a_new_secret_and_clear_at_once_are_refused(admin_client: Client) -> None:
    store(keyfile_dict=KEY_TEXT)
    before = row_of()
    page = send(admin_client, EDIT, keyfile_dict=KEY_TEXT, keyfile_dict__clear="on")
    assert errors_on(page) == {
        "keyfile_dict": ["Give a new value or clear the stored one, not both."]
    }
    assert row_of() == before


# Methods


NEEDS = "needs this. Choose “Application default” to go without."


def test_a_method_without_what_it_needs_is_refused_at_that_field(refused: Any) -> None:
    key, provider = f"“Service account key” {NEEDS}", f"“Identity provider” {NEEDS}"
    assert refused(method="key") == {"keyfile_dict": [key]}
    assert refused(method="key", keyfile_dict="  \r\n")["keyfile_dict"][0] == key
    assert refused(method="key_path") == {"key_path": [f"“Key file” {NEEDS}"]}
    assert refused(method="secret_manager") == {"key_secret_name": [f"“Secret Manager” {NEEDS}"]}
    assert refused(method="identity_provider", client_id="me") == {
        "credential_config_file": [provider],
        "idp_issuer_url": [provider],
    }


def test_two_methods_at_once_are_refused_at_the_field_of_the_other(refused: Any) -> None:
    assert refused(method="key", keyfile_dict=KEY_TEXT, key_path="/key.json") == {
        "key_path": [
            "This belongs to “Key file”, but “Service account key” is chosen. "
            "Empty it, or choose that method."
        ],
        "keyfile_dict": [AGAIN],
    }
    assert list(refused(method="anonymous", keyfile_dict__file=file_of(KEY_TEXT))) == [
        "keyfile_dict"
    ]


def test_a_stored_method_and_a_new_field_of_another_are_refused(admin_client: Client) -> None:
    store(keyfile_dict=KEY_TEXT)
    before = row_of()
    page = send(admin_client, EDIT, key_path="/key.json")
    assert "but “Service account key” is chosen" in errors_on(page)["key_path"][0]
    assert row_of() == before


# Secrets on a refused page


def test_a_refused_page_never_sends_back_what_was_secret_and_asks_for_it_again(
    admin_client: Client,
) -> None:
    page = send(
        admin_client,
        NEW,
        conn_id="a",
        method="identity_provider",
        credential_config_file="/c.json",
        idp_issuer_url="https://idp.example.com/token",
        client_id="me",
        client_secret="cs-tulip",
        idp_extra_parameters='{"audience": "a", "password": "pp-tulip"}',
        extra='{"region": "EU", "api_key": "ak-tulip", "deep": [{"token": "tt-tulip"}]}',
        project="No",
    )
    errors = errors_on(page)
    assert list(errors) == ["project", "client_secret", "extra", "idp_extra_parameters"]
    assert errors["extra"] == ["Give the secrets in it again: they aren't sent back."]
    assert errors["client_secret"] == [AGAIN]
    assert_unseen(page, "cs-tulip", "pp-tulip", "ak-tulip", "tt-tulip")
    form = form_on(page)
    assert json.loads(form["extra"]) == {
        "region": "EU",
        "api_key": "***",
        "deep": [{"token": "***"}],
    }
    assert json.loads(form["idp_extra_parameters"]) == {"audience": "a", "password": "***"}
    assert form["client_id"] == "me"
    again = {**form, "project": "acme-reports", "client_secret": "cs-tulip"}
    for masked in ("extra", "idp_extra_parameters"):
        errors = errors_on(admin_client.post(NEW, again))
        assert "give its value again" in errors[masked][0]
        again[masked] = "{}"
    assert not Connection.objects.exists()


def test_a_key_that_was_right_has_to_be_given_again_on_a_refused_page(
    admin_client: Client,
) -> None:
    for sent in ({"keyfile_dict": KEY_TEXT}, {"keyfile_dict__file": file_of(KEY_TEXT)}):
        page = send(admin_client, NEW, conn_id="a", project="No", **sent)
        assert errors_on(page)["keyfile_dict"] == [AGAIN]
        assert_unseen(page, KEY["private_key"], KEY["private_key_id"])


@pytest.mark.parametrize(
    "extra",
    [
        '{"region": "EU",\n "api_key": "ak-tulip", oops}',
        '{api_key: "ak-tulip"}',
        "API_KEY = ak-tulip",
    ],
)
def test_broken_json_is_sent_back_up_to_the_name_of_a_secret(
    admin_client: Client, extra: str
) -> None:
    page = send(admin_client, NEW, conn_id="a", method="default", extra=extra)
    assert errors_on(page)["extra"][0].endswith("Its secrets aren't sent back.")
    assert_unseen(page, "ak-tulip")
    assert form_on(page)["extra"].lower().endswith("api_key…")


# Extra


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('{"a": 1,\n "b" 2}', "This is not JSON: Expecting ':' delimiter, line 2, column 6."),
        ("[1]", 'A JSON object is needed, for example {"region": "EU"}.'),
        ('"text"', 'A JSON object is needed, for example {"region": "EU"}.'),
        ('{"project": "acme-reports"}', "project has a field of its own above."),
        ('{"is_anonymous": true}', "is_anonymous has a field of its own above."),
        ('{"a": 1, "a": 2}', "This is not JSON: “a” stands in it twice."),
        ('{"a": NaN}', "This is not JSON: NaN is no number in JSON."),
        ('{"a": "\\u0000"}', "This is not JSON: it holds a NUL character."),
        ('{"a": "\\ud800"}', "This is not JSON: it holds half of a surrogate pair."),
        ('{"a": "***"}', "*** stands for a secret that isn't sent back: give its value again."),
        ("[" * 90_000, "This is not JSON: nested too deeply."),
        ('{"a":' * 10_000, "This is not JSON: nested too deeply."),
        ('{"a": ' + "9" * 5000 + "}", "This is not JSON: a number in it is too long."),
    ],
    ids=range(13),
)
def test_a_wrong_extra_is_refused_with_the_place(refused: Any, extra: str, words: str) -> None:
    assert refused(extra=extra) == {"extra": [words]}


def test_what_was_typed_into_extra_is_still_there_after_a_refusal(admin_client: Client) -> None:
    typed = '{"a": 1,\r\n "b" 2}'
    page = send(admin_client, NEW, conn_id="a", method="default", extra=typed)
    assert form_on(page)["extra"] == typed


# Two people


def test_of_two_people_who_edit_the_second_is_told_and_changes_nothing(
    admin_client: Client,
) -> None:
    store(keyfile_dict=KEY_TEXT)
    late = form_on(admin_client.get(EDIT))
    assert send(admin_client, EDIT, description="first").status_code == 302
    before, audited = row_of(), audit()
    page = admin_client.post(EDIT, {**late, "description": "second", "keyfile_dict": KEY_TEXT})
    errors = errors_on(page)
    assert "This connection was saved meanwhile" in errors["__all__"][0]
    assert_unseen(page, KEY["private_key"])
    assert row_of() == before
    assert audit() == audited


@pytest.mark.parametrize("version", ["", "many", "-1", "9" * 30])
def test_a_version_that_never_was_changes_nothing(admin_client: Client, version: str) -> None:
    store(project="acme-reports")
    before = row_of()
    page = send(admin_client, EDIT, version=version, description="x")
    assert page.status_code == 422
    assert row_of() == before


def test_a_connection_that_was_deleted_meanwhile_is_not_made_again(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(project="acme-reports")
    form = form_on(admin_client.get(EDIT))
    is_valid = ConnectionForm.is_valid

    def delete_then(self: ConnectionForm) -> bool:
        Connection.objects.all().delete()
        return is_valid(self)

    monkeypatch.setattr(ConnectionForm, "is_valid", delete_then)
    assert admin_client.post(EDIT, {**form, "description": "x"}).status_code == 404
    assert not Connection.objects.exists()


def test_an_id_that_is_taken_in_the_same_moment_is_refused(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConnectionForm, "clean_conn_id", lambda self: "my_gcp_conn")
    store(project="acme-reports")
    page = send(admin_client, NEW, conn_id="my_gcp_conn", keyfile_dict=KEY_TEXT)
    assert errors_on(page) == {
        "conn_id": ["There is a connection my_gcp_conn already."],
        "keyfile_dict": [AGAIN],
    }
    assert extra_of() == {"project": "acme-reports"}


def test_a_form_that_was_not_sent_has_nothing_to_forget() -> None:
    form = ConnectionForm(TYPES["google_cloud_platform"])
    assert not form.is_valid()
    assert form.data == MultiValueDict()
