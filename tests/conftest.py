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
from patchbay.celery import app
from tasks.engine.versions import source_of, spec_of
from tasks.schedules.planning import kept_timetable
from tests import processes
from tests.environment import HOME
from tests.fakes.google import FakeGoogle, service_account_key

ACTOR = Actor("tester")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Other processes use the test database too: on SQLite it must be a file."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("TEST", {})["NAME"] = str(HOME / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _patience_with_the_broker() -> None:
    """In this process; others have less, and the workers' sweep to make up for it."""
    app.conf.broker_transport_options |= {"socket_timeout": 10, "socket_connect_timeout": 10}


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, settings: Any) -> None:
    """Where no other process has to know it, a password is hashed in no time.

    And a new client, which makes all middleware anew, doesn't read every static file.
    """
    if request.node.get_closest_marker("e2e") is None:
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def shared_web(django_db_setup: None) -> Iterator[str]:
    """The address of a web process for all modules that need nothing special of theirs."""
    with processes.web() as (_, url):
        yield url


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
