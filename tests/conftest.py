"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client

from access.audit import Actor
from connections.models import Connection
from connections.services import create_connection
from connections.validation import Draft
from tasks.engine.versions import source_of, spec_of
from tasks.schedules.planning import kept_timetable
from tests.environment import HOME
from tests.fakes.google import FakeGoogle, service_account_key

ACTOR = Actor("tester")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Other processes use the test database too: on SQLite it must be a file."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(HOME / "test.sqlite3")


@pytest.fixture(autouse=True)
def _quick_passwords(request: pytest.FixtureRequest, settings: Any) -> None:
    """Where no other process has to know it, a password is hashed in no time."""
    if request.node.get_closest_marker("e2e") is None:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _new_versions() -> None:
    """On SQLite the next test may give its versions the numbers of this one's."""
    spec_of.cache_clear()
    source_of.cache_clear()
    kept_timetable.cache_clear()


@pytest.fixture
def google() -> Iterator[FakeGoogle]:
    with FakeGoogle() as fake:
        yield fake


@pytest.fixture
def key(google: FakeGoogle) -> dict[str, Any]:
    return service_account_key(google, project="acme-reports")


@pytest.fixture
def connect() -> Callable[..., Connection]:
    """Make a connection; keyword arguments are extras."""

    def make(conn_id: str = "my_gcp_conn", *, disabled: bool = False, **extra: Any) -> Connection:
        draft = Draft(conn_id, "google_cloud_platform", extra=extra, is_disabled=disabled)
        return create_connection(draft, actor=ACTOR)

    return make


@pytest.fixture
def admin_client(db: None) -> Client:
    """Signed in without a password: hashing one takes longer than most tests."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client
