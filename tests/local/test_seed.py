"""What a first start puts into the database, and what a later one leaves alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth import authenticate, get_user_model
from django.utils import timezone

from access.audit import Actor
from connections.models import Connection
from connections.services import delete_connection, update_connection
from connections.validation import Draft
from patchbay.local.demo import ADMIN_CREATED, CONNECTION
from patchbay.local.seed import Endpoints, create_admin, is_loopback, prepare_demo_connection

pytestmark = pytest.mark.django_db

FIRST = Endpoints("http://127.0.0.1:40001", "http://127.0.0.1:40003")
SECOND = Endpoints("http://127.0.0.1:40002", "http://127.0.0.1:40004")
DEMO = {"project": "patchbay-demo", "is_anonymous": True}


def extra() -> dict[str, Any]:
    return Connection.objects.get(conn_id=CONNECTION).load().extra


def edit(**changes: Any) -> None:
    """As a person does it in the browser."""
    stored = Connection.objects.get(conn_id=CONNECTION)
    draft = Draft(CONNECTION, "google_cloud_platform", extra={**extra(), **changes})
    update_connection(draft, actor=Actor("a person"), version=stored.version)


def test_the_first_user_has_the_given_password_which_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATCHBAY_ADMIN_PASSWORD", "correct horse")
    create_admin()
    user = authenticate(username="admin", password="correct horse")
    assert user is not None
    assert user.is_superuser
    assert capsys.readouterr().out.splitlines() == [ADMIN_CREATED]


def test_without_a_given_password_a_random_one_is_printed_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PATCHBAY_ADMIN_PASSWORD", raising=False)
    create_admin()
    _, line = capsys.readouterr().out.splitlines()
    password = line.rpartition(": ")[2]
    assert len(password) >= 16
    assert authenticate(username="admin", password=password)
    create_admin()
    assert capsys.readouterr().out == ""
    assert authenticate(username="admin", password=password)


def test_no_user_is_made_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    get_user_model().objects.create_user("somebody")
    create_admin()
    assert not get_user_model().objects.filter(username="admin").exists()
    assert capsys.readouterr().out == ""


def test_the_demo_connection_reaches_the_local_servers_anonymously() -> None:
    prepare_demo_connection(FIRST)
    stored = Connection.objects.get(conn_id=CONNECTION)
    assert stored.conn_type == "google_cloud_platform"
    assert extra() == {
        **DEMO,
        "api_endpoint": "http://127.0.0.1:40001",
        "storage_endpoint": "http://127.0.0.1:40003",
    }


def test_without_a_local_object_store_it_names_none() -> None:
    prepare_demo_connection(Endpoints("http://bigquery:9050"))
    assert extra() == {**DEMO, "api_endpoint": "http://bigquery:9050"}


def test_a_second_start_on_the_same_ports_changes_nothing() -> None:
    prepare_demo_connection(FIRST)
    prepare_demo_connection(FIRST)
    assert Connection.objects.get(conn_id=CONNECTION).version == 1


def test_the_demo_connection_follows_the_local_servers_and_keeps_the_rest() -> None:
    prepare_demo_connection(FIRST)
    edit(read_timeout=5)
    prepare_demo_connection(SECOND)
    assert extra() == {**DEMO, **SECOND.extra, "read_timeout": 5}


def test_one_of_an_earlier_release_gets_the_object_store_too() -> None:
    prepare_demo_connection(Endpoints(FIRST.bigquery))
    prepare_demo_connection(FIRST)
    assert extra() == {**DEMO, **FIRST.extra}
    assert Connection.objects.get(conn_id=CONNECTION).version == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"api_endpoint": "https://bigquery.example.com"},
        {"storage_endpoint": "https://storage.example.com"},
        {"is_anonymous": False, "key_path": "/etc/key.json"},
        {"api_endpoint": ""},
    ],
)
def test_what_a_person_made_of_it_is_left_alone(changes: dict[str, Any]) -> None:
    prepare_demo_connection(FIRST)
    edit(**changes)
    before = Connection.objects.values().get(conn_id=CONNECTION)
    prepare_demo_connection(SECOND)
    assert Connection.objects.values().get(conn_id=CONNECTION) == before


def test_what_follows_keeps_its_day_of_expiry_and_stays_disabled() -> None:
    prepare_demo_connection(FIRST)
    day = timezone.now() + timedelta(days=1)
    Connection.objects.update(expires_at=day, is_disabled=True)
    prepare_demo_connection(SECOND)
    stored = Connection.objects.get(conn_id=CONNECTION)
    assert extra() == {**DEMO, **SECOND.extra}
    assert (stored.expires_at, stored.is_disabled) == (day, True)


def test_a_deleted_demo_connection_stays_deleted() -> None:
    prepare_demo_connection(FIRST)
    delete_connection(CONNECTION, actor=Actor("a person"))
    prepare_demo_connection(SECOND)
    assert not Connection.objects.exists()


def test_one_that_no_key_decrypts_is_left_alone_with_a_line(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_demo_connection(FIRST)
    before = Connection.objects.values().get(conn_id=CONNECTION)
    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    prepare_demo_connection(SECOND)
    assert "can't be decrypted with the configured keys" in capsys.readouterr().out
    assert Connection.objects.values().get(conn_id=CONNECTION) == before


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:9050", True),
        ("http://localhost:9050", True),
        ("http://[::1]:9050", True),
        ("http://bigquery:9050", False),
        ("https://127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_loopback_is_told_by_the_host(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
