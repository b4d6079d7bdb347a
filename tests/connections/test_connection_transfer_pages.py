"""Importing and exporting in the browser: a preview first, and nothing secret on any page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from access.models import AuditEvent
from connections.models import Connection, ParkedText
from tests.connections.pages import assert_unseen
from tests.roles import user_of

pytestmark = pytest.mark.django_db
IMPORT, EXPORT = "/connections/import/", "/connections/export/"
SECRET = "tulip-7-tulip"
FILE = json.dumps(
    {
        "warehouse": f"postgres://ann:{SECRET}@db.example:5432/sales",
        "crm": {"conn_type": "http", "host": "crm.example", "password": SECRET},
    }
)


def preview(client: Client, content: str = FILE, **more: str) -> Any:
    return client.post(IMPORT, {"content": content, "existing": "fail", **more})


def handle_on(page: Any) -> str:
    found = re.search('name="parked" value="([^"]+)"', page.content.decode())
    assert found
    return found[1]


def confirm(client: Client, page: Any, **more: str) -> Any:
    data = {"parked": handle_on(page), "file_format": "json", "existing": "fail", **more}
    return client.post(IMPORT, {**data, "act": "import"})


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(user_of(role, role.lower()))
    return client


def test_a_preview_tells_what_would_happen_and_writes_nothing(admin_client: Client) -> None:
    page = preview(admin_client)
    text = page.content.decode()
    assert (page.status_code, "2 added" in text) == (200, True)
    assert_unseen(page, SECRET)
    assert not Connection.objects.exists()
    assert SECRET not in json.dumps(list(AuditEvent.objects.values("detail")))


def test_what_was_previewed_is_imported_without_being_sent_again(admin_client: Client) -> None:
    answer = confirm(admin_client, preview(admin_client))
    assert answer.headers["Location"] == "/connections/"
    assert Connection.objects.get(conn_id="warehouse").load().password == SECRET
    assert not ParkedText.objects.exists()
    assert_unseen(admin_client.get("/connections/"), SECRET)


def test_a_file_is_read_by_its_name(admin_client: Client) -> None:
    file = SimpleUploadedFile("connections.env", f"crm=http://:{SECRET}@crm.example\n".encode())
    page = admin_client.post(IMPORT, {"file": file, "existing": "fail"})
    assert "1 added" in page.content.decode()


def test_what_is_refused_is_told_and_stops_the_whole_import(admin_client: Client) -> None:
    content = json.dumps({"crm": "http://crm.example", "a b": "http://x.example"})
    page = preview(admin_client, content)
    assert "1 refused" in page.content.decode()
    assert confirm(admin_client, page).status_code == 422
    assert not Connection.objects.exists()
    assert confirm(admin_client, page, skip_bad="on").status_code == 302
    assert [row.conn_id for row in Connection.objects.all()] == ["crm"]


def test_a_changed_connection_is_told_by_the_names_of_its_fields(admin_client: Client) -> None:
    confirm(admin_client, preview(admin_client))
    content = json.dumps({"crm": {"conn_type": "http", "host": "new.example"}})
    text = preview(admin_client, content, existing="overwrite").content.decode()
    assert "1 changed" in text
    assert "host, password" in text
    assert "new.example" not in text


def test_the_parked_file_of_another_is_not_to_be_had(admin_client: Client) -> None:
    page = preview(admin_client)
    answer = confirm(signed_in("Editor"), page)
    assert answer.status_code == 422
    assert "give it again" in answer.content.decode()
    assert not Connection.objects.exists()


def test_a_parked_file_is_encrypted_and_forgotten_after_half_an_hour(admin_client: Client) -> None:
    page = preview(admin_client)
    token = ParkedText.objects.get().__dict__["text"].token
    assert SECRET not in token
    ParkedText.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    assert confirm(admin_client, page).status_code == 422
    assert not ParkedText.objects.exists()
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "Choose a file, or paste"),
        ({"content": "{"}, "Nothing was imported"),
        ({"content": FILE, "file": SimpleUploadedFile("a.json", b"{}")}, "not both"),
        ({"file": SimpleUploadedFile("a.json", b"\xff\xfe\x00")}, "not text"),
        ({"parked": "made-up"}, "give it again"),
    ],
)
def test_what_cannot_be_read_is_refused_with_words(
    admin_client: Client, data: dict[str, Any], words: str
) -> None:
    page = admin_client.post(IMPORT, {"existing": "fail", **data})
    assert (page.status_code, words in page.content.decode()) == (422, True)
    assert_unseen(page, SECRET)
    assert not Connection.objects.exists()


def test_an_export_without_secrets_is_a_file_and_is_audited(admin_client: Client) -> None:
    confirm(admin_client, preview(admin_client))
    answer = admin_client.post(EXPORT, {"act": "export", "secrets": "without"})
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    data = json.loads(answer.content)
    assert data["crm"]["password"] == "***"
    assert SECRET not in answer.content.decode()
    assert AuditEvent.objects.filter(action="exported").exists()


def test_an_admin_may_export_the_secrets_and_an_editor_may_not(admin_client: Client) -> None:
    confirm(admin_client, preview(admin_client))
    wish = {"act": "export", "secrets": "with", "id": "crm"}
    data = json.loads(admin_client.post(EXPORT, wish).content)
    assert (list(data), data["crm"]["password"]) == (["crm"], SECRET)
    editor = signed_in("Editor")
    assert "With all secrets" not in editor.get(EXPORT).content.decode()
    answer = editor.post(EXPORT, wish)
    assert (answer.status_code, "export secrets" in answer.content.decode()) == (403, True)


def test_the_export_page_names_what_is_gone(admin_client: Client) -> None:
    text = admin_client.get(f"{EXPORT}?id=gone").content.decode()
    assert "Not there any more" in text


@pytest.mark.parametrize("role", ["Viewer", "Operator"])
def test_who_may_not_gets_neither_page(role: str) -> None:
    client = signed_in(role)
    assert [client.get(page).status_code for page in (IMPORT, EXPORT)] == [403, 403]
    assert preview(client).status_code == 403
    assert not ParkedText.objects.exists()


def test_an_unreadable_connection_is_named_and_nothing_is_exported(
    admin_client: Client, lose_keys: Any
) -> None:
    confirm(admin_client, preview(admin_client))
    lose_keys()
    answer = admin_client.post(EXPORT, {"act": "export", "secrets": "with"})
    assert (answer.status_code, "Nothing was exported" in answer.content.decode()) == (409, True)
    assert not AuditEvent.objects.filter(action="exported").exists()


def test_an_import_that_is_refused_says_so_on_top_and_before_it_is_tried(
    admin_client: Client,
) -> None:
    content = json.dumps({"crm": "http://crm.example", "a b": f"http://:{SECRET}@x.example"})
    page = preview(admin_client, content)
    text = page.content.decode()
    assert "This import would be refused as a whole: 1 is refused" in text
    assert re.search('<button class="btn" name="act" value="import">', text)
    answer = confirm(admin_client, page)
    assert (answer.status_code, 'role="alert"' in answer.content.decode()) == (422, True)
    assert "Nothing was imported: 1 is refused" in answer.content.decode()
    assert "tick “Leave out what is refused”" in answer.content.decode()
    assert_unseen(answer, SECRET)
    assert not Connection.objects.exists()


def test_more_pasted_than_a_request_may_hold_is_refused_with_words() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_of("Admin", "ann"))
    token = client.get(IMPORT).context["csrf_token"]
    content = SECRET + "x" * 2_700_000
    sent = {"content": content, "existing": "fail", "csrfmiddlewaretoken": str(token)}
    answer = client.post(IMPORT, sent)
    assert (answer.status_code, "Paste at most 2 MB" in answer.content.decode()) == (413, True)
    assert_unseen(answer, SECRET)
    assert not ParkedText.objects.exists()


def test_an_import_needs_the_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_of("Admin", "ann"))
    assert preview(client).status_code == 403
    assert not ParkedText.objects.exists()
    token = str(client.get(IMPORT).context["csrf_token"])
    assert preview(client, csrfmiddlewaretoken=token).status_code == 200


@pytest.mark.parametrize("conn_id", ["nope", "a" * 300, "a\nb"])
def test_an_export_of_what_is_not_there_is_refused(admin_client: Client, conn_id: str) -> None:
    confirm(admin_client, preview(admin_client))
    assert admin_client.get(EXPORT, {"id": conn_id}).status_code == 200
    sent = {"act": "export", "id": ["crm", conn_id]}
    answer = admin_client.post(EXPORT, sent)
    assert (answer.status_code, "Nothing was exported" in answer.content.decode()) == (409, True)
    assert not AuditEvent.objects.filter(action="exported").exists()


def test_a_nul_in_an_id_is_refused_in_an_export(admin_client: Client) -> None:
    assert admin_client.get(f"{EXPORT}?id=%00").status_code == 200
    sent = {"act": "export", "id": "\0"}
    assert admin_client.post(EXPORT, sent).status_code in (400, 409)
    assert not AuditEvent.objects.exists()


def test_an_export_for_airflow_tells_before_what_it_leaves_out(admin_client: Client) -> None:
    confirm(admin_client, preview(admin_client))
    Connection.objects.filter(conn_id="crm").update(is_disabled=True)
    text = admin_client.get(EXPORT).content.decode()
    assert "1 disabled or expired is left out" in text
    answer = admin_client.post(EXPORT, {"act": "export", "for_airflow": "on"})
    assert list(json.loads(answer.content)) == ["warehouse"]
    plain = admin_client.post(EXPORT, {"act": "export"})
    assert json.loads(plain.content)["crm"]["is_disabled"] is True
