"""A key that is kept in Google's Secret Manager."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.connections.endpoint import Endpoint
from tests.fakes.google import FakeGoogle

SECRET = "/sm/projects/acme-vault/secrets/google-key/versions/latest:access"


def payload(text: str) -> dict[str, Any]:
    return {"payload": {"data": base64.b64encode(text.encode()).decode()}}


@pytest.fixture
def own_identity(
    google: FakeGoogle, key: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {**key, "client_email": "worker@acme-reports.iam.gserviceaccount.com"}
    keys = google._tokens._keys
    keys[own["client_email"]] = keys[key["client_email"]]
    path = tmp_path / "own.json"
    path.write_text(json.dumps(own))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))


@pytest.mark.usefixtures("own_identity")
def test_a_key_in_secret_manager_is_fetched_as_the_worker_and_used(
    open_with: Any, endpoint: Endpoint, google: FakeGoogle, key: dict[str, Any]
) -> None:
    endpoint.on(SECRET, payload(json.dumps(key)))
    session = open_with(
        key_secret_name="google-key", key_secret_project_id="acme-vault", project="acme-billing"
    )
    worker, account = google.tokens_issued
    assert worker.email.startswith("worker@")
    assert account.email == session.identity == key["client_email"]
    (asked,) = endpoint.received
    assert asked.headers["authorization"] == f"Bearer {worker.value}"
    assert session.project == "acme-billing"
    assert session.secrets == {account.value, key["private_key"]}


@pytest.mark.usefixtures("own_identity")
def test_the_secrets_project_is_the_connections_and_then_the_workers(
    failed: Any, endpoint: Endpoint
) -> None:
    failed(key_secret_name="k", project="acme-billing")
    failed(key_secret_name="k")
    assert [request.path.split("/")[3] for request in endpoint.received] == [
        "acme-billing",
        "acme-reports",
    ]


@pytest.mark.usefixtures("own_identity")
@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {}, "session:secret-refused"),
        (403, {}, "session:secret-refused"),
        (429, {}, "cloud:rate-limited"),
        (503, "busy", "cloud:unavailable"),
        (200, "<html>", "cloud:bad-answer"),
        (200, {"payload": {}}, "cloud:bad-answer"),
        (200, [], "cloud:bad-answer"),
        (200, {"payload": {"data": "///w=="}}, "cloud:bad-answer"),
        (200, payload("tulip"), "session:key-broken"),
        (200, payload('{"private_key": "tulip"}'), "session:key-broken"),
    ],
)
def test_what_secret_manager_answers_otherwise_is_told_apart(
    failed: Any, endpoint: Endpoint, status: int, body: Any, code: str
) -> None:
    endpoint.on(SECRET, body, status=status)
    secret = {"key_secret_name": "google-key", "key_secret_project_id": "acme-vault"}
    assert failed(**secret, unseen=("tulip", "ya29")).code == code
