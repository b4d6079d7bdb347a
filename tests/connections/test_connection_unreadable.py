"""The form over secrets that no configured key reads: it never saves over them unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import audit, key_file, row_of, tokens
from tests.connections.pages import EDIT, assert_unseen, errors_on, extra_of, form_on, send

KEY = key_file()
KEY_TEXT = json.dumps(KEY)
REFUSED = (
    "The stored secrets can't be decrypted with the configured keys. Replace or clear them to save."
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(lose_keys: Callable[[], None]) -> Callable[..., None]:
    """Store a connection and lose the keys."""

    def make(**extra: Any) -> None:
        create_connection(Draft("my_gcp_conn", "google_cloud_platform", extra=extra), actor=ACTOR)
        Connection.objects.update(description="Reports", host="kept.example")
        lose_keys()

    return make


def test_the_page_opens_with_a_warning_and_without_token_or_text(
    admin_client: Client, store: Any
) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    page = admin_client.get(EDIT)
    text = page.content.decode()
    assert page.status_code == 200
    assert "be decrypted with the configured keys" in text
    assert "by tester · v1" in text
    assert form_on(page)["description"] == "Reports"
    assert tokens()[2] not in text
    assert_unseen(page, KEY["private_key"])
    assert admin_client.get("/connections/").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"description": "changed"},
        {"method": "default"},
        {"method": "anonymous", "project": "acme-reports"},
        {"method": "key_path", "key_path": "/key.json"},
        {"extra": '{"a": 1}', "method": "default"},
        {"discard": "on", "method": "default"},
    ],
    ids=str,
)
def test_saving_is_refused_and_the_ciphertext_stays(
    admin_client: Client, store: Any, changes: dict[str, str]
) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    before, audited = row_of(), audit()
    errors = errors_on(send(admin_client, EDIT, **changes))
    assert "__all__" not in errors or errors["__all__"] == [REFUSED]
    assert errors
    assert row_of() == before
    assert audit() == audited


def test_a_new_secret_lets_it_save(admin_client: Client, store: Any) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports", api_key="lost")
    assert send(admin_client, EDIT, keyfile_dict=KEY_TEXT).status_code == 302
    row = Connection.objects.get()
    assert extra_of() == {"keyfile_dict": KEY_TEXT}
    assert (row.version, row.description, row.host) == (2, "Reports", "kept.example")
    assert row.secret_facts["keyfile_dict"]["by"] == "admin"


def test_clear_lets_it_save_with_another_method(admin_client: Client, store: Any) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    before = row_of()
    assert "keyfile_dict" in errors_on(send(admin_client, EDIT, keyfile_dict__clear="on"))
    assert row_of() == before
    answer = send(
        admin_client, EDIT, keyfile_dict__clear="on", method="default", project="acme-reports"
    )
    assert answer.status_code == 302
    assert extra_of() == {"project": "acme-reports"}
    assert Connection.objects.get().secret_facts == {}


def test_clear_lets_it_save_when_nothing_else_is_left(admin_client: Client, store: Any) -> None:
    store(keyfile_dict=KEY_TEXT)
    answer = send(admin_client, EDIT, keyfile_dict__clear="on", method="default")
    assert answer.status_code == 302
    row = Connection.objects.get()
    assert (row.load().extra, row.version) == ({}, 2)
    assert form_on(admin_client.get(EDIT))["method"] == "default"


def test_without_a_known_secret_what_is_stored_is_given_up_by_a_box_of_its_own(
    admin_client: Client, store: Any
) -> None:
    store(is_anonymous=True, project="acme-reports")
    before = row_of()
    changes = {"method": "anonymous", "project": "acme-reports"}
    assert errors_on(send(admin_client, EDIT, **changes)) == {"__all__": [REFUSED]}
    assert row_of() == before
    assert send(admin_client, EDIT, **changes, discard="on").status_code == 302
    assert extra_of() == {"is_anonymous": True, "project": "acme-reports"}


def test_with_the_old_key_back_everything_is_as_it_was(
    admin_client: Client, settings: Any, store: Any
) -> None:
    old = settings.FIELD_ENCRYPTION_KEY
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    send(admin_client, EDIT, description="refused")
    settings.FIELD_ENCRYPTION_KEY = [*settings.FIELD_ENCRYPTION_KEY, *old]
    assert send(admin_client, EDIT, description="changed").status_code == 302
    assert extra_of() == {"keyfile_dict": KEY_TEXT, "project": "acme-reports"}
