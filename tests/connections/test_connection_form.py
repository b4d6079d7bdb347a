"""Creating and changing a connection in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tests.conftest import ACTOR
from tests.connections.conftest import audit, key_file, row_of, tokens
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
CONFIGURATION = "/etc/patchbay/workload.json"
PROVIDER = {
    "credential_config_file": CONFIGURATION,
    "idp_issuer_url": "https://idp.example.com/token",
    "client_id": "patchbay",
    "client_secret": " cs-tulip with spaces ",
    "idp_extra_parameters": {"z": 1, "audience": "a"},
}

pytestmark = pytest.mark.django_db


def store(**extra: Any) -> Connection:
    return create_connection(
        Draft("my_gcp_conn", "google_cloud_platform", extra=extra), actor=ACTOR
    )


def test_the_page_of_a_new_connection_has_every_declared_field(admin_client: Client) -> None:
    page = admin_client.get(NEW)
    assert page.status_code == 200
    form = form_on(page)
    names = {field.name for field in page.context["type"].fields} - {"is_anonymous"}
    assert names <= set(form)
    assert form["method"] == "key"
    assert not any(form[name] for name in names)
    assert_unseen(page, "tulip")


def test_an_id_in_the_address_fills_the_new_form(admin_client: Client) -> None:
    assert form_on(admin_client.get(f"{NEW}&conn_id=from_a_run"))["conn_id"] == "from_a_run"


def test_a_connection_is_created_by_pasting_a_key(admin_client: Client) -> None:
    answer = send(
        admin_client,
        NEW,
        conn_id="my_gcp_conn",
        description="Reports",
        project="acme-reports",
        keyfile_dict=KEY_TEXT.replace("\n", "\r\n"),
    )
    assert answer.status_code == 302
    assert answer.url == "/connections/my_gcp_conn/overview/"
    row = Connection.objects.get()
    assert (row.version, row.description, str(row.created_by)) == (1, "Reports", "admin")
    assert extra_of() == {"project": "acme-reports", "keyfile_dict": KEY_TEXT}
    assert [action for action, *_ in audit()] == ["created"]


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
def test_a_connection_is_created_by_a_key_file(admin_client: Client, start: str) -> None:
    content = start + KEY_TEXT.replace("\n", "\r\n")
    answer = send(admin_client, NEW, conn_id="my_gcp_conn", keyfile_dict__file=file_of(content))
    assert answer.status_code == 302
    assert extra_of() == {"keyfile_dict": KEY_TEXT}


def test_a_file_and_its_own_text_in_the_box_are_one_key(admin_client: Client) -> None:
    answer = send(
        admin_client,
        NEW,
        conn_id="my_gcp_conn",
        keyfile_dict=f"{KEY_TEXT}\r\n",
        keyfile_dict__file=file_of(KEY_TEXT),
    )
    assert answer.status_code == 302
    assert json.loads(extra_of()["keyfile_dict"]) == KEY


def test_every_method_can_be_stored(admin_client: Client) -> None:
    methods: dict[str, dict[str, Any]] = {
        "key_path": {"key_path": "/run/secrets/google.json"},
        "secret_manager": {"key_secret_name": "google-key", "key_secret_project_id": "acme-vault"},
        "identity_provider": {**PROVIDER, "idp_extra_parameters": '{"z": 1, "audience": "a"}'},
        "workload_identity": {"credential_config_file": CONFIGURATION},
        "anonymous": {},
        "default": {},
    }
    for method, fields in methods.items():
        answer = send(admin_client, NEW, conn_id=method, method=method, **fields)
        assert answer.status_code == 302, method
        page = admin_client.get(f"/connections/{method}/edit/")
        assert form_on(page)["method"] == method
        assert_unseen(page, "cs-tulip")
    assert extra_of("identity_provider") == PROVIDER
    assert extra_of("anonymous") == {"is_anonymous": True}
    assert extra_of("default") == {}


def test_numbers_are_kept_as_numbers_and_zero_retries_are_not_the_default(
    admin_client: Client,
) -> None:
    send(
        admin_client,
        NEW,
        conn_id="my_gcp_conn",
        method="default",
        num_retries="0",
        connect_timeout="2.5",
        read_timeout=" 60 ",
    )
    assert extra_of() == {"connect_timeout": 2.5, "read_timeout": 60, "num_retries": 0}
    assert form_on(admin_client.get(EDIT))["num_retries"] == "0"
    assert send(admin_client, EDIT, project="acme-reports").status_code == 302
    assert extra_of()["num_retries"] == 0


# A stored secret


def test_the_page_never_holds_a_stored_secret_and_tells_when_it_was_set(
    admin_client: Client,
) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    page = admin_client.get(EDIT)
    assert page.status_code == 200
    assert_unseen(page, KEY["private_key"], KEY["private_key_id"])
    text = page.content.decode()
    assert "by tester · v1" in text
    assert "set <time" in text
    assert "patchbay@acme-reports · key " in text
    assert "Replace" in text
    form = form_on(page)
    assert form["keyfile_dict"] == ""
    assert form["project"] == "acme-reports"
    assert "keyfile_dict__clear" not in form


def test_sending_the_page_back_unchanged_changes_nothing_at_all(admin_client: Client) -> None:
    store(
        keyfile_dict=KEY_TEXT,
        zeta="stays first of the rest",
        connect_timeout=10,
        read_timeout=30.0,
        alpha={"b": [1, 2.0], "a": None},
        num_retries=0,
        project="acme-reports",
        scope="",
        quota_project_id=None,
        flag=False,
    )
    Connection.objects.update(description="two\nlines", host="kept.example", port=443)
    before, audited, decrypted = row_of(), audit(), json.dumps(extra_of())
    assert send(admin_client, EDIT).status_code == 302
    assert row_of() == before
    assert audit() == audited
    assert json.dumps(extra_of()) == decrypted


def test_editing_one_field_changes_nothing_else(admin_client: Client) -> None:
    extra = {
        "zeta": 1,
        "keyfile_dict": KEY_TEXT,
        "connect_timeout": 10,
        "alpha": {"b": [1, 2.0], "a": None},
        "api_key": "ak-tulip",
        "project": "acme-reports",
        "scope": "",
        "num_retries": None,
        "beta": "x",
    }
    store(**extra)
    Connection.objects.update(
        description=" two\nlines ",
        host="h",
        schema="s",
        port=1,
        login="l-tulip",
        password="p-tulip",
    )
    facts = Connection.objects.get().secret_facts
    assert send(admin_client, EDIT, project="acme-billing").status_code == 302
    row = Connection.objects.get()
    loaded = row.load()
    assert json.dumps(loaded.extra) == json.dumps({**extra, "project": "acme-billing"})
    assert (loaded.login, loaded.password) == ("l-tulip", "p-tulip")
    assert (loaded.host, loaded.schema, loaded.port) == ("h", "s", 1)
    assert (loaded.description, row.version) == (" two\nlines ", 2)
    assert row.secret_facts == facts
    assert audit()[-1] == ("changed", "my_gcp_conn", {"fields": ["project"]})


def test_a_field_that_is_not_sent_at_all_is_not_cleared(admin_client: Client) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports", region="EU")
    sent = {"version": "1", "is_disabled": "on"}
    assert admin_client.post(EDIT, sent).status_code == 302
    assert extra_of() == {"keyfile_dict": KEY_TEXT, "project": "acme-reports", "region": "EU"}
    assert Connection.objects.get().is_disabled


def test_a_new_key_replaces_the_stored_one_with_new_facts(admin_client: Client) -> None:
    store(keyfile_dict=KEY_TEXT)
    other = json.dumps(key_file(client_email="other@acme-reports.iam.gserviceaccount.com"))
    assert send(admin_client, EDIT, keyfile_dict=other).status_code == 302
    assert extra_of() == {"keyfile_dict": other}
    page = admin_client.get(EDIT)
    assert "other@acme-reports · key " in page.content.decode()
    assert "by admin · v2" in page.content.decode()
    assert_unseen(page, KEY["private_key"])


def test_a_field_that_is_emptied_is_removed(admin_client: Client) -> None:
    store(project="acme-reports", scope="bigquery", num_retries=3)
    assert send(admin_client, EDIT, scope="", num_retries="").status_code == 302
    assert extra_of() == {"project": "acme-reports"}


def test_clear_needs_another_method_and_then_clears(admin_client: Client) -> None:
    store(keyfile_dict=KEY_TEXT, project="acme-reports")
    before = row_of()
    page = send(admin_client, EDIT, keyfile_dict__clear="on")
    words = "“Service account key” needs this. Choose “Application default” to go without."
    assert errors_on(page) == {"keyfile_dict": [words]}
    assert row_of() == before
    assert send(admin_client, EDIT, keyfile_dict__clear="on", method="default").status_code == 302
    row = Connection.objects.get()
    assert extra_of() == {"project": "acme-reports"}
    assert row.secret_facts == {}
    assert "by admin" not in admin_client.get(EDIT).content.decode()


def test_clearing_an_optional_secret_leaves_its_method(admin_client: Client) -> None:
    store(**PROVIDER)
    assert send(admin_client, EDIT, client_secret__clear="on").status_code == 302
    assert "client_secret" not in extra_of()
    assert extra_of()["client_id"] == "patchbay"


def test_choosing_another_method_drops_the_fields_of_the_old_one(admin_client: Client) -> None:
    store(**PROVIDER, project="acme-reports")
    assert send(admin_client, EDIT, method="workload_identity").status_code == 302
    assert extra_of() == {"credential_config_file": CONFIGURATION, "project": "acme-reports"}
    assert send(admin_client, EDIT, method="anonymous").status_code == 302
    assert extra_of() == {"project": "acme-reports", "is_anonymous": True}
    assert send(admin_client, EDIT, method="key", keyfile_dict=KEY_TEXT).status_code == 302
    assert extra_of() == {"project": "acme-reports", "keyfile_dict": KEY_TEXT}


def test_a_disabled_connection_is_enabled_again(admin_client: Client) -> None:
    store(project="acme-reports")
    assert send(admin_client, EDIT, is_disabled="on").status_code == 302
    assert Connection.objects.get().is_disabled
    form = form_on(admin_client.get(EDIT))
    assert form.pop("is_disabled") == "on"
    assert admin_client.post(EDIT, form).status_code == 302
    assert not Connection.objects.get().is_disabled


# Undeclared extras


def test_undeclared_extras_are_shown_and_edited_in_their_order(admin_client: Client) -> None:
    store(zeta=1, project="acme-reports", region="EU", alpha=[1])
    shown = json.loads(form_on(admin_client.get(EDIT))["extra"])
    assert list(shown.items()) == [("zeta", 1), ("region", "EU"), ("alpha", [1])]
    changed = json.dumps({"alpha": [1], "zeta": 2, "new": "Grüße"})
    assert send(admin_client, EDIT, extra=changed).status_code == 302
    assert list(extra_of().items()) == [
        ("zeta", 2),
        ("project", "acme-reports"),
        ("alpha", [1]),
        ("new", "Grüße"),
    ]
    assert send(admin_client, EDIT, extra="").status_code == 302
    assert extra_of() == {"project": "acme-reports"}


def test_extras_that_look_like_secrets_are_kept_and_never_shown(admin_client: Client) -> None:
    secret = {
        "api_key": "ak-tulip",
        "nested": {"list": [{"password": "np-tulip"}], "region": "EU"},
        "text": '{"token": "tt-tulip"}',
    }
    store(region="EU", **secret)
    page = admin_client.get(EDIT)
    assert_unseen(page, "ak-tulip", "np-tulip", "tt-tulip")
    assert json.loads(form_on(page)["extra"]) == {"region": "EU"}
    assert page.context["form"].kept_secrets == list(secret)
    assert send(admin_client, EDIT, extra="").status_code == 302
    assert extra_of() == secret


def test_a_kept_secret_is_replaced_by_its_name_and_removed_by_null(admin_client: Client) -> None:
    store(api_key="ak-tulip", auth_token="at-tulip", project="acme-reports")
    assert send(admin_client, EDIT, extra='{"api_key": "new"}').status_code == 302
    assert extra_of() == {"api_key": "new", "auth_token": "at-tulip", "project": "acme-reports"}
    help_text = admin_client.get(EDIT).context["form"]["extra"].help_text
    assert "with null to remove it" in help_text
    assert send(admin_client, EDIT, extra='{"api_key": null}').status_code == 302
    assert extra_of() == {"auth_token": "at-tulip", "project": "acme-reports"}


def test_secrets_among_the_parameters_for_the_provider_are_masked_and_kept(
    admin_client: Client,
) -> None:
    parameters = {"resource": "r", "password": "pp-tulip"}
    store(**{**PROVIDER, "idp_extra_parameters": parameters})
    page = admin_client.get(EDIT)
    assert_unseen(page, "pp-tulip")
    assert json.loads(form_on(page)["idp_extra_parameters"])["password"] == "***"
    assert send(admin_client, EDIT, client_id="other").status_code == 302
    assert extra_of()["idp_extra_parameters"] == parameters
    before = tokens()
    stars = '{"resource": "s", "password": "***"}'
    page = send(admin_client, EDIT, idp_extra_parameters=stars)
    assert "give its value again" in errors_on(page)["idp_extra_parameters"][0]
    assert tokens() == before
