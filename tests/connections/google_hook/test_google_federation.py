"""Sessions by workload identity, by an identity provider, and by impersonation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.connections.endpoint import Endpoint
from tests.connections.google_hook.conftest import DELEGATE, GRANT, TARGET, configuration
from tests.fakes.google import FakeGoogle

# Workload identity


@pytest.mark.parametrize("form", ["path", "text", "object"])
def test_a_workloads_token_is_exchanged_for_one_of_google(
    open_with: Any, endpoint: Endpoint, tmp_path: Path, form: str
) -> None:
    info = configuration(endpoint, tmp_path)
    path = tmp_path / "workload.json"
    path.write_text(json.dumps(info))
    value = {"path": str(path), "text": json.dumps(info), "object": info}[form]
    session = open_with(credential_config_file=value, project="acme-reports")
    assert session.secrets == {"federated-tulip"}
    (asked,) = endpoint.received
    assert asked.form["grant_type"] == GRANT
    assert asked.form["subject_token"] == "subject-tulip"
    assert asked.form["audience"] == info["audience"]
    assert asked.form["scope"] == "https://www.googleapis.com/auth/cloud-platform"


def test_without_a_project_google_is_asked_for_the_one_of_the_workload(
    open_with: Any, endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.on("/projects/42", {"projectId": "acme-of-the-pool"})
    session = open_with(credential_config_file=configuration(endpoint, tmp_path))
    assert session.project == "acme-of-the-pool"


def test_a_workload_may_impersonate_an_account(
    open_with: Any, endpoint: Endpoint, tmp_path: Path
) -> None:
    path = f"/iam/{TARGET}:generateAccessToken"
    endpoint.on(path, {"accessToken": "own-tulip", "expireTime": "2099-01-01T00:00:00Z"})
    url = f"{endpoint.url}{path}"
    info = configuration(endpoint, tmp_path, service_account_impersonation_url=url)
    session = open_with(credential_config_file=info, project="acme-reports")
    assert session.secrets == {"own-tulip"}
    assert session.identity == TARGET
    assert endpoint.of(path)[0].headers["authorization"] == "Bearer federated-tulip"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "service_account"}, "This is a service account key."),
        ({"type": "authorized_user"}, '"type" must be external_account'),
        ({"audience": None}, "has no audience"),
        ({"credential_source": None}, "credential source"),
        ({"credential_source": {"file": "/not/there"}}, "'/not/there' was not found"),
        ({"credential_source": {"executable": {"command": "/bin/true"}}}, "xecutable"),
        ({"credential_source": "tulip"}, "credential_source"),
        ({"credential_source": {"environment_id": "aws1"}}, "environment_id"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_used_says_why(
    failed: Any, endpoint: Endpoint, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    info = configuration(endpoint, tmp_path, **changes)
    failure = failed(credential_config_file=info, project="acme-reports")
    assert failure.code == "session:configuration-unusable"
    assert reason in failure.facts["reason"]
    assert not endpoint.received


def test_a_configuration_that_is_no_json_or_no_file_says_so(failed: Any, tmp_path: Path) -> None:
    assert failed(credential_config_file="{oops").code == "session:configuration-unusable"
    failure = failed(credential_config_file=str(tmp_path / "none.json"))
    assert failure.code == "session:key-file-unreadable"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "The audience is wrong."},
            "session:credentials-rejected",
        ),
        (400, "<html>", "cloud:bad-answer"),
    ],
)
def test_a_token_that_google_does_not_exchange_is_told(
    failed: Any, endpoint: Endpoint, tmp_path: Path, status: int, body: Any, code: str
) -> None:
    endpoint.on("/sts", body, status=status)
    failure = failed(
        credential_config_file=configuration(endpoint, tmp_path),
        project="acme-reports",
        unseen=("subject-tulip",),
    )
    assert failure.code == code
    assert failure.facts["host"] == endpoint.host
    if code == "session:credentials-rejected":
        assert failure.facts["reason"] == "invalid_grant"
        assert failure.vendor_message == "The audience is wrong."


# An identity provider


@pytest.fixture
def provider(endpoint: Endpoint, tmp_path: Path) -> dict[str, Any]:
    endpoint.on("/idp", {"access_token": "subject-tulip"})
    return {
        "credential_config_file": configuration(endpoint, tmp_path),
        "idp_issuer_url": f"{endpoint.url}/idp",
        "client_id": "patchbay",
        "client_secret": "cs+tulip&x",
        "project": "acme-reports",
    }


@pytest.mark.parametrize("parameters", [{"audience": "a"}, '{"audience": "a"}', None, ""])
def test_client_credentials_are_exchanged_for_a_subject_token_and_that_for_googles(
    open_with: Any, endpoint: Endpoint, provider: dict[str, Any], parameters: Any
) -> None:
    session = open_with(**provider, idp_extra_parameters=parameters, quota_project_id="acme-quota")
    asked, exchanged = endpoint.received
    assert asked.method == "POST"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.form == {
        "grant_type": "client_credentials",
        "client_id": "patchbay",
        "client_secret": "cs+tulip&x",
        **({"audience": "a"} if parameters else {}),
    }
    assert exchanged.path == "/sts"
    assert exchanged.form["subject_token"] == "subject-tulip"
    assert session.secrets == {"federated-tulip"}
    assert session.credentials.quota_project_id == "acme-quota"


def test_extra_parameters_do_not_replace_the_clients_own(
    open_with: Any, endpoint: Endpoint, provider: dict[str, Any]
) -> None:
    open_with(**provider, idp_extra_parameters={"client_id": "other", "grant_type": "password"})
    assert endpoint.received[0].form["client_id"] == "patchbay"
    assert endpoint.received[0].form["grant_type"] == "client_credentials"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (401, {"error": "invalid_client"}, "session:provider-refused"),
        (400, "no", "session:provider-refused"),
        (429, {}, "cloud:rate-limited"),
        (502, "<html>", "cloud:unavailable"),
        (200, "<html>", "cloud:bad-answer"),
        (200, {"id_token": "x"}, "cloud:bad-answer"),
        (200, [], "cloud:bad-answer"),
    ],
)
def test_what_the_provider_answers_otherwise_is_told_apart(
    failed: Any, endpoint: Endpoint, provider: dict[str, Any], status: int, body: Any, code: str
) -> None:
    endpoint.on("/idp", body, status=status)
    failure = failed(**provider, unseen=("tulip",))
    assert failure.code == code
    assert failure.facts["host"] == endpoint.host
    assert not endpoint.of("/sts")


def test_a_redirect_does_not_carry_the_clients_secret_elsewhere(
    failed: Any, endpoint: Endpoint, provider: dict[str, Any]
) -> None:
    endpoint.on("/idp", "", status=307, Location=f"{endpoint.url}/elsewhere")
    assert failed(**provider).code == "cloud:bad-answer"
    assert not endpoint.of("/elsewhere")


def test_a_provider_that_is_not_there_is_unreachable(
    failed: Any, endpoint: Endpoint, provider: dict[str, Any]
) -> None:
    gone = {**provider, "idp_issuer_url": "http://127.0.0.1:1/token", "connect_timeout": 2}
    failure = failed(**gone, unseen=("tulip",))
    assert failure.code == "cloud:unreachable"
    assert failure.facts["host"] == "127.0.0.1:1"


# Impersonation


def test_the_last_of_a_chain_is_impersonated_by_way_of_the_others(
    open_with: Any, endpoint: Endpoint, google: FakeGoogle, key: dict[str, Any]
) -> None:
    path = f"/iam/{TARGET}"
    endpoint.on(path, {"accessToken": "target-tulip", "expireTime": "2099-01-01T00:00:00Z"})
    session = open_with(
        keyfile_dict=key,
        impersonation_chain=f"{DELEGATE}, {TARGET}",
        scope="https://www.googleapis.com/auth/bigquery",
        quota_project_id="acme-quota",
    )
    assert session.identity == TARGET
    assert session.secrets == {"target-tulip", key["private_key"]}
    assert session.project == "acme-reports"
    assert session.credentials.quota_project_id == "acme-quota"
    (asked,) = endpoint.of(path)
    assert asked.json["delegates"] == [DELEGATE]
    assert asked.json["scope"] == ["https://www.googleapis.com/auth/bigquery"]
    assert asked.headers["authorization"] == f"Bearer {google.tokens_issued[0].value}"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (
            403,
            {
                "error": {
                    "code": 403,
                    "message": "Permission 'iam.serviceAccounts.getAccessToken' denied",
                    "status": "PERMISSION_DENIED",
                }
            },
            "session:impersonation-refused",
        ),
        (503, {"error": {"code": 503, "message": "busy"}}, "cloud:unavailable"),
        (403, "<html>", "cloud:bad-answer"),
        (200, {"no": "token"}, "cloud:bad-answer"),
    ],
)
def test_an_impersonation_that_fails_names_the_account(
    failed: Any, endpoint: Endpoint, key: dict[str, Any], status: int, body: Any, code: str
) -> None:
    endpoint.on(f"/iam/{TARGET}", body, status=status)
    failure = failed(keyfile_dict=key, impersonation_chain=TARGET, unseen=("ya29",))
    assert failure.code == code
    if code == "session:impersonation-refused":
        assert failure.facts["account"] == TARGET
        assert "getAccessToken" in failure.vendor_message
