"""Deleting, and who gets to see the pages at all. The list has a folder of its own."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.views.debug import ExceptionReporter, technical_500_response

from access.models import AuditEvent
from connections import dependents, services
from connections.dependents import Dependent, Provider, Usage
from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from connections.views import deletion
from patchbay.templatetags.patchbay import breakable
from tests.conftest import ACTOR
from tests.connections.conftest import audit, key_file, row_of
from tests.connections.pages import EDIT, NEW, assert_unseen, form_on

LIST = "/connections/"
DELETE = "/connections/my_gcp_conn/delete/"
CHECK = "/connections/check-id/"
KEY = key_file()

pytestmark = pytest.mark.django_db


def store(conn_id: str = "my_gcp_conn", **extra: Any) -> Connection:
    extra = extra or {"project": "acme-reports", "keyfile_dict": json.dumps(KEY)}
    draft = Draft(conn_id, "google_cloud_platform", description="Reports", extra=extra)
    return create_connection(draft, actor=ACTOR)


@pytest.fixture
def used_by_two(monkeypatch: pytest.MonkeyPatch) -> None:
    def provide(conn_ids: Any) -> dict[str, list[Dependent]]:
        return {
            conn_id: [
                Dependent("DAG", "daily_report", "/dags/daily_report/"),
                Dependent("DAG", "<b>hourly</b>", "/dags/hourly/"),
            ]
            for conn_id in conn_ids
            if conn_id == "my_gcp_conn"
        }

    provider = Provider(
        provide,
        used_ids=set,
        last_used=lambda conn_ids: {},
        usage=lambda conn_id: Usage({}, ()),
        refused=lambda conn_id: None,
    )
    monkeypatch.setattr(dependents, "_providers", [provider])


# Deleting


def test_deleting_asks_first_and_names_what_depends_on_it(
    admin_client: Client, used_by_two: None
) -> None:
    store()
    before = row_of()
    page = admin_client.get(DELETE)
    text = page.content.decode()
    assert page.status_code == 200
    assert "daily_report" in text
    assert "&lt;b&gt;hourly&lt;/b&gt;" in text
    assert row_of() == before
    assert len(audit()) == 1
    answer: Any = admin_client.post(DELETE)
    assert (answer.status_code, answer.url) == (302, LIST)
    assert not Connection.objects.exists()
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.actor_name, event.action, event.object_id) == (
        "admin",
        "deleted",
        "my_gcp_conn",
    )
    assert "my_gcp_conn is deleted" in admin_client.get(LIST).content.decode()


def test_an_unreadable_connection_can_be_deleted(admin_client: Client, lose_keys: Any) -> None:
    store()
    lose_keys()
    assert admin_client.get(DELETE).status_code == 200
    assert admin_client.post(DELETE).status_code == 302
    assert not Connection.objects.exists()


def test_deleting_what_somebody_else_just_deleted_is_no_fault(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store()
    monkeypatch.setattr(deletion, "find_connection", lambda _: Connection.objects.get())
    delete = services.delete_connection

    def delete_twice(*args: Any, **kwargs: Any) -> None:
        delete(*args, **kwargs)
        delete(*args, **kwargs)

    monkeypatch.setattr(services, "delete_connection", delete_twice)
    assert admin_client.post(DELETE).status_code == 302


# The ID while it is typed


@pytest.mark.parametrize(
    ("conn_id", "words"),
    [
        ("fresh", ""),
        ("", ""),
        ("my_gcp_conn", "There is a connection my_gcp_conn already."),
        ("two words", "Only letters, digits, dashes, dots and underscores."),
        ("..", "An ID needs more than dots."),
        ("a" * 201, "At most 200 characters."),
        ("a\0b", "Only letters, digits, dashes, dots and underscores."),
    ],
)
def test_an_id_is_checked_while_it_is_typed(admin_client: Client, conn_id: str, words: str) -> None:
    store()
    page = admin_client.get(CHECK, {"conn_id": conn_id})
    assert page.status_code == 200
    assert page.context["words"] == words
    assert words in page.content.decode()


# Who may, and how


@pytest.mark.parametrize("url", [LIST, NEW, CHECK, EDIT, DELETE, "/audit/"])
def test_who_is_not_signed_in_is_sent_to_the_login_and_changes_nothing(url: str) -> None:
    store()
    before = row_of()
    answers: list[Any] = [Client().get(url), Client().post(url, {"conn_id": "b"})]
    for answer in answers:
        assert answer.status_code == 302
        assert answer.url.startswith("/login/?next=")
        assert_unseen(answer, KEY["private_key"])
    assert row_of() == before
    assert Connection.objects.count() == 1


@pytest.mark.parametrize("url", [NEW, EDIT, DELETE])
def test_a_form_without_the_csrf_token_is_refused_and_changes_nothing(
    admin_client: Client, url: str
) -> None:
    store()
    before = row_of()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = admin_client.cookies
    sent = {"conn_id": "b", "method": "default", "version": "1", "description": "x"}
    assert strict.get(url).status_code == 200
    assert strict.post(url, sent).status_code == 403
    assert row_of() == before
    assert Connection.objects.count() == 1
    token = strict.get(url).context["csrf_token"]
    assert strict.post(url, {**sent, "csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize("conn_id", ["unknown", "%00", "two%20words", "a" * 300, "%FF", "."])
@pytest.mark.parametrize("page", ["edit", "delete"])
def test_an_unknown_connection_is_not_found(admin_client: Client, conn_id: str, page: str) -> None:
    assert admin_client.get(f"/connections/{conn_id}/{page}/").status_code == 404
    assert admin_client.post(f"/connections/{conn_id}/{page}/").status_code == 404


def test_an_unknown_type_is_not_found(admin_client: Client) -> None:
    assert admin_client.get(NEW, {"type": "telepathy"}).status_code == 404
    assert admin_client.get(NEW, {"type": "\0"}).status_code == 404


@pytest.mark.parametrize("url", [LIST, CHECK])
def test_pages_that_only_show_take_no_posts(admin_client: Client, url: str) -> None:
    assert admin_client.post(url).status_code == 405
    assert admin_client.delete(EDIT).status_code == 405


@pytest.mark.parametrize("conn_id", ["größe", "a.b-c_d", "new", "check-id"])
def test_every_id_that_can_be_stored_can_be_opened(admin_client: Client, conn_id: str) -> None:
    store(conn_id)
    page = admin_client.get(LIST).content.decode()
    url = Connection.objects.get().conn_id
    assert f">{breakable(url)}</a>" in page
    assert admin_client.get(f"/connections/{conn_id}/edit/").status_code == 200
    assert admin_client.post(f"/connections/{conn_id}/delete/").status_code == 302


# When something breaks in the middle


@pytest.mark.parametrize(
    "place", ["connections.forms.connection.check", "connections.services.record"]
)
def test_neither_a_traceback_nor_its_variables_show_what_was_sent_or_stored(
    place: str,
    admin_client: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    store()
    new = "cs-tulip"
    sent = {**form_on(admin_client.get(EDIT)), "method": "identity_provider"}
    sent |= {
        "client_secret": new,
        "credential_config_file": "/c.json",
        "idp_issuer_url": "https://idp.example.com/token",
    }

    def broken(*args: Any, **kwargs: Any) -> None:
        variables = [args, kwargs, repr(args)]
        raise RuntimeError(f"broken with {len(variables)}")

    monkeypatch.setattr(place, broken)
    before = row_of()
    admin_client.raise_request_exception = False
    with caplog.at_level(logging.DEBUG):
        page: Any = admin_client.post(EDIT, sent)
    assert page.status_code == 500
    assert row_of() == before
    assert "broken with" in caplog.text
    assert_unseen(page, new, KEY["private_key"])
    reports = [caplog.text, *_reports(page.exc_info, sent)]
    assert all("broken with" in report for report in reports)
    for report in reports:
        assert new not in report
        assert KEY["private_key"][40:90] not in report


def _reports(exc_info: Any, sent: dict[str, str]) -> list[str]:
    """What Django writes of an error into e-mails and on its page for developers."""
    request = RequestFactory().post(EDIT, sent)
    request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
    kind, error, trace = exc_info
    reporter = ExceptionReporter(request, kind, error, trace, is_email=True)
    return [
        reporter.get_traceback_text(),
        reporter.get_traceback_html(),
        technical_500_response(request, *exc_info).content.decode(),
    ]


def test_the_report_of_an_error_while_decrypting_shows_no_token_and_no_text(
    lose_keys: Any,
) -> None:
    store()
    lose_keys()
    try:
        Connection.objects.get().load()
    except Exception:
        report = ExceptionReporter(None, *sys.exc_info()).get_traceback_html()
    assert "SecretsUnreadable" in report
    assert KEY["client_email"] not in report
