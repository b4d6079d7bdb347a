"""Sessions with a service account key, with no key, and with the worker's own identity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from connections.diagnosis import explain
from tests.connections.conftest import key_file
from tests.connections.google_hook.conftest import TARGET
from tests.fakes.google import FakeGoogle, Fault

# A key


@pytest.mark.parametrize("form", ["text", "object", "escaped twice"])
def test_a_key_gets_a_token_for_its_account(
    open_with: Any, google: FakeGoogle, key: dict[str, Any], form: str
) -> None:
    escaped = {**key, "private_key": key["private_key"].replace("\n", "\\n")}
    value = {"text": json.dumps(key), "object": key, "escaped twice": json.dumps(escaped)}[form]
    session = open_with(keyfile_dict=value)
    assert session.identity == key["client_email"]
    assert session.project == "acme-reports"
    (issued,) = google.tokens_issued
    assert issued.email == key["client_email"]
    assert issued.scopes == ("https://www.googleapis.com/auth/cloud-platform",)
    assert session.secrets == {issued.value, key["private_key"]}
    assert key["private_key"][40:90] not in repr(session)


def test_project_scopes_quota_retries_and_timeouts_are_taken_from_the_connection(
    open_with: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    session = open_with(
        keyfile_dict=key,
        project="acme-billing",
        scope="https://www.googleapis.com/auth/bigquery, email",
        quota_project_id="acme-quota",
        num_retries=0,
        read_timeout=7,
    )
    assert session.project == "acme-billing"
    assert google.tokens_issued[0].scopes == ("https://www.googleapis.com/auth/bigquery", "email")
    assert session.credentials.quota_project_id == "acme-quota"
    assert (session.num_retries, session.read_timeout) == (0, 7.0)


def test_a_key_file_on_the_worker_is_read_when_the_session_is_opened(
    open_with: Any, google: FakeGoogle, key: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    session = open_with(key_path=str(path))
    assert session.identity == key["client_email"]
    assert key["private_key"] in session.secrets
    assert len(google.tokens_issued) == 1


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (None, "session:key-file-unreadable", "No such file or directory"),
        (b"{oops", "session:key-file-unreadable", "not a JSON file"),
        (b"\xff\xfe", "session:key-file-unreadable", "not a JSON file"),
        (b"[]", "session:key-file-unreadable", "not a JSON object"),
        (b"{}", "session:key-broken", None),
        (b'{"private_key": 7}', "session:key-broken", None),
        (b'{"private_key": "tulip", "client_email": "a@b.example"}', "session:key-broken", None),
    ],
)
def test_a_key_file_that_cannot_be_used_says_why(
    failed: Any, tmp_path: Path, content: bytes | None, code: str, reason: str | None
) -> None:
    path = tmp_path / "key.json"
    if content is not None:
        path.write_bytes(content)
    failure = failed(key_path=str(path), unseen=("tulip",))
    assert failure.code == code
    assert failure.facts.get("reason") == reason


def pem(private_key: Any) -> str:
    encrypted = serialization.BestAvailableEncryption(b"x")
    return str(
        private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            encrypted if isinstance(private_key, ec.EllipticCurvePrivateKey) else _PLAIN,
        ).decode()
    )


_PLAIN = serialization.NoEncryption()


@pytest.mark.parametrize(
    "private_key",
    [
        key_file()["private_key"][:300] + "\n-----END PRIVATE KEY-----\n",
        key_file()["private_key"].replace("M", "N"),
        "-----BEGIN PRIVATE KEY-----\ntulip\n-----END PRIVATE KEY-----\n",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=["cut off", "changed", "no base64", "encrypted", "Ed25519"],
)
def test_a_private_key_that_cannot_be_read_is_told_and_not_shown(
    failed: Any, google: FakeGoogle, key: dict[str, Any], private_key: str
) -> None:
    lines = tuple(line for line in private_key.splitlines() if not line.startswith("-----"))
    failure = failed(keyfile_dict=json.dumps({**key, "private_key": private_key}), unseen=lines)
    assert failure.code == "session:key-broken"
    assert explain(failure.code, failure.facts).fields == ("keyfile_dict",)
    assert not google.requests


def test_a_rejected_key_names_the_endpoint_the_account_and_googles_reason(
    failed: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    google.revoke_key(key["private_key_id"])
    failure = failed(keyfile_dict=key, unseen=(key["private_key"][40:90],))
    assert failure.code == "session:credentials-rejected"
    assert failure.facts["account"] == key["client_email"]
    assert failure.facts["reason"] == "invalid_grant"
    assert failure.facts["host"] == google.url.removeprefix("http://")
    assert failure.vendor_message == "Invalid JWT Signature."


def test_a_token_endpoint_with_a_fault_is_no_fault_of_the_key(
    failed: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    google.on("token", Fault.status(503, reason="backendError"))
    assert failed(keyfile_dict=key).code == "cloud:unavailable"


# No key


def test_anonymous_asks_nobody_and_becomes_nobody_else(open_with: Any) -> None:
    session = open_with(
        is_anonymous=True, project="p", impersonation_chain=TARGET, quota_project_id="acme-quota"
    )
    assert session.identity == "anonymous"
    assert session.secrets == set()


def test_without_a_project_there_is_no_session(failed: Any) -> None:
    assert failed(is_anonymous=True).code == "session:no-project"


def test_the_default_is_the_workers_own_identity(
    open_with: Any,
    google: FakeGoogle,
    key: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(key))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    session = open_with()
    assert session.identity == key["client_email"]
    assert session.project == "acme-reports"


def test_a_worker_without_an_identity_says_so(failed: Any) -> None:
    assert failed(project="acme-reports").code == "session:no-default-credentials"
    failure = failed(key_secret_name="google-key", project="acme-reports")
    assert failure.code == "session:no-default-credentials"


def test_numbers_and_booleans_that_airflow_kept_as_texts_are_read(
    open_with: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    session = open_with(
        keyfile_dict=key,
        is_anonymous="false",
        num_retries="3",
        connect_timeout="2.5",
        read_timeout="7",
        api_endpoint=None,
    )
    assert session.identity == key["client_email"]
    assert (session.num_retries, session.read_timeout) == (3, 7.0)
    assert open_with(is_anonymous="True", project="p").identity == "anonymous"


def test_a_chain_and_scopes_that_airflow_kept_as_lists_are_read(
    open_with: Any, google: FakeGoogle, key: dict[str, Any]
) -> None:
    scopes = ["https://www.googleapis.com/auth/bigquery", "email"]
    session = open_with(keyfile_dict=key, scope=scopes, impersonation_chain=[])
    assert session.identity == key["client_email"]
    assert google.tokens_issued[0].scopes == tuple(scopes)
