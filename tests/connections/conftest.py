from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection as database

from access.models import AuditEvent
from connections.fields import Ciphertext
from connections.models import Connection
from tests.fakes.google import service_account_key

SECRET = 'tulip-Öl-7 "quoted" & <tagged>'


class NoRegistry:
    """Key files that look like Google's, and whose public half nobody knows."""

    token_uri = "https://oauth2.googleapis.com/token"

    def register_key(self, *, email: str, key_id: str, public_key: str) -> None:
        pass


def key_file(**changes: Any) -> dict[str, Any]:
    """A service account key; ``None`` leaves a part out."""
    data = {**service_account_key(NoRegistry(), project="acme-reports"), **changes}
    return {name: value for name, value in data.items() if value is not None}


def row_of(conn_id: str = "my_gcp_conn") -> dict[str, Any]:
    """All of a row but its times, with the secrets as tokens: two are equal if nothing changed."""
    row = dict(Connection.objects.filter(conn_id=conn_id).values().get())
    return {name: value for name, value in row.items() if name not in ("created_at",)}


def audit() -> list[tuple[str, str, dict[str, Any]]]:
    """(action, name, detail), oldest first."""
    return list(AuditEvent.objects.order_by("pk").values_list("action", "object_id", "detail"))


def tokens(conn_id: str = "my_gcp_conn") -> tuple[Any, ...]:
    """What the secret columns hold, as another program would read them."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT login, password, extra FROM connections_connection WHERE conn_id = %s",
            [conn_id],
        )
        row: tuple[Any, ...] = cursor.fetchone()
    return row


@pytest.fixture
def stored(db: None) -> Connection:
    """A connection with a password and extras, read anew."""
    Connection.objects.create(
        conn_id="my_gcp_conn",
        conn_type="google_cloud_platform",
        host="h",
        password=SECRET,
        extra='{"project": "acme-reports"}',
    )
    return Connection.objects.get()


@pytest.fixture
def lose_keys(settings: Any) -> Callable[[], None]:
    """Replace the configured keys by another, as after a loss."""

    def lose() -> None:
        settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]

    return lose


@pytest.fixture
def decryptions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens that were decrypted so far."""
    seen: list[str] = []
    decrypt = Ciphertext.decrypt

    def counted(self: Ciphertext) -> str:
        seen.append(self.token)
        return decrypt(self)

    monkeypatch.setattr(Ciphertext, "decrypt", counted)
    return seen
