"""Google's own library, led to servers of this machine."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import google.auth.external_account
import google.auth.iam
import pytest

from connections.diagnosis import explain
from connections.exceptions import SessionFailure
from connections.hooks import hook_for
from connections.hooks.google_cloud_platform import GoogleCloudSession
from connections.types import TYPES
from connections.types.base import LoadedConnection
from tests.connections.endpoint import Endpoint

TARGET = "reports@acme-reports.iam.gserviceaccount.com"
DELEGATE = "step@acme-reports.iam.gserviceaccount.com"
STS_ANSWER = {
    "access_token": "federated-tulip",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 3600,
}
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture(autouse=True)
def _no_identity_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """Stands for the identity provider, Google's STS, IAM and Secret Manager."""
    with Endpoint() as server:
        monkeypatch.setattr(
            "connections.hooks.google_credentials.SECRET_MANAGER", f"{server.url}/sm"
        )
        monkeypatch.setattr(google.auth.iam, "_IAM_ENDPOINT", server.url + "/iam/{}")
        manager = "_CLOUD_RESOURCE_MANAGER"
        monkeypatch.setattr(google.auth.external_account, manager, f"{server.url}/projects/")
        server.on("/sts", STS_ANSWER)
        yield server


@pytest.fixture
def open_with() -> Iterator[Callable[..., GoogleCloudSession]]:
    """Open a session with these extras; it is closed at the end."""
    opened: list[tuple[Any, GoogleCloudSession]] = []

    def open_session(**extra: Any) -> GoogleCloudSession:
        hook = hook_for(LoadedConnection("c", "google_cloud_platform", extra=extra))
        session: GoogleCloudSession = hook.open()
        opened.append((hook, session))
        return session

    yield open_session
    for hook, session in opened:
        hook.close(session)


@pytest.fixture
def failed(open_with: Any) -> Callable[..., SessionFailure]:
    """How opening fails; whatever is shown of it must show none of ``unseen``."""

    def fail(*, unseen: tuple[str, ...] = (), **extra: Any) -> SessionFailure:
        with pytest.raises(SessionFailure) as caught:
            open_with(**extra)
        failure = caught.value
        words = explain(failure.code, failure.facts)
        shown = "".join(traceback.format_exception(failure))
        shown += f"{failure!r} {failure} {failure.facts} {failure.vendor_message} {words}"
        for secret in unseen:
            assert secret not in shown
        for text in (words.short, words.happened, words.remedy):
            assert "{" not in text
            assert "?" not in text
        for name in words.fields:
            assert TYPES["google_cloud_platform"].field(name)
        return failure

    return fail


def configuration(endpoint: Endpoint, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    token = tmp_path / "subject-token"
    token.write_text("subject-tulip")
    return {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{endpoint.url}/sts",
        "credential_source": {"file": str(token)},
        **changes,
    }
