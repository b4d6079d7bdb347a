"""Makes Google credentials from a connection, one function a method of authentication."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import google.auth
import requests
from google.auth import identity_pool, impersonated_credentials
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import service_account

from connections.exceptions import SessionFailure
from connections.types.google_cloud_platform import DEFAULT_SCOPE, GOOGLE_CLOUD_PLATFORM

SECRET_MANAGER = "https://secretmanager.googleapis.com/v1"  # noqa: S105


def scopes_of(extra: dict[str, Any]) -> list[str]:
    text = extra.get("scope") or DEFAULT_SCOPE
    return [scope.strip() for scope in text.split(",") if scope.strip()]


def credentials_of(extra: dict[str, Any], *, request: Request) -> tuple[Credentials, str]:
    """Credentials and the project that they name (empty if none). Nothing is verified yet."""
    method = GOOGLE_CLOUD_PLATFORM.method_of(extra)
    credentials, project = _METHODS[method](extra, request)
    if quota_project := extra.get("quota_project_id"):
        credentials = credentials.with_quota_project(quota_project)
    if chain := extra.get("impersonation_chain"):
        credentials = _impersonated(credentials, chain, extra)
    return credentials, project


def key_of(extra: dict[str, Any]) -> dict[str, Any]:
    """The key JSON as an object; Airflow stores it as text or object, often with ``\\\\n``."""
    value = extra["keyfile_dict"]
    try:
        data = json.loads(value) if isinstance(value, str) else dict(value)
        data["private_key"] = data["private_key"].replace("\\n", "\n")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SessionFailure("session:key-broken") from None
    return data


def _from_key(data: dict[str, Any], extra: dict[str, Any]) -> tuple[Credentials, str]:
    try:
        credentials = service_account.Credentials.from_service_account_info(
            data, scopes=scopes_of(extra)
        )
    except (ValueError, KeyError, TypeError):
        # The library's message may quote the key.
        raise SessionFailure("session:key-broken", account=data.get("client_email")) from None
    return credentials, str(data.get("project_id", ""))


def _key(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    return _from_key(key_of(extra), extra)


def _key_path(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    return _from_key(_json_file(extra["key_path"]), extra)


def _secret_manager(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    own, own_project = google.auth.default(scopes=[DEFAULT_SCOPE], request=request)
    project = extra.get("key_secret_project_id") or extra.get("project") or own_project
    name = f"projects/{project}/secrets/{extra['key_secret_name']}/versions/latest"
    session = AuthorizedSession(own, auth_request=request)
    answer = session.get(f"{SECRET_MANAGER}/{name}:access", timeout=30)
    if not answer.ok:
        raise SessionFailure(
            "session:credentials-rejected",
            host="Secret Manager",
            reason=f"{answer.status_code} for {name}",
        )
    data = base64.b64decode(answer.json()["payload"]["data"]).decode()
    return _from_key(key_of({"keyfile_dict": data}), extra)


class _ClientCredentials(identity_pool.SubjectTokenSupplier):  # type: ignore[misc]
    """Gets the subject token from the connection's identity provider (RFC 6749, section 4.4)."""

    def __init__(self, extra: dict[str, Any]) -> None:
        self.extra = extra

    def get_subject_token(self, context: Any, request: Request) -> str:
        form = {
            **(self.extra.get("idp_extra_parameters") or {}),
            "grant_type": "client_credentials",
            "client_id": self.extra.get("client_id", ""),
            "client_secret": self.extra.get("client_secret", ""),
        }
        answer = request.session.post(self.extra["idp_issuer_url"], data=form)
        if not answer.ok:
            raise SessionFailure(
                "session:credentials-rejected",
                host=self.extra["idp_issuer_url"],
                reason=f"status {answer.status_code}",
            )
        try:
            return str(answer.json()["access_token"])
        except (requests.JSONDecodeError, KeyError, TypeError):
            raise SessionFailure("cloud:bad-answer", host=self.extra["idp_issuer_url"]) from None


def _identity_provider(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    info = _configuration(extra["credential_config_file"])
    info.pop("credential_source", None)
    try:
        credentials = identity_pool.Credentials.from_info(
            info, subject_token_supplier=_ClientCredentials(extra), scopes=scopes_of(extra)
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable(str(extra["credential_config_file"]), type(error).__name__) from None
    return credentials, ""


def _workload_identity(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    info = _configuration(extra["credential_config_file"])
    credentials, project = google.auth.load_credentials_from_dict(
        info, scopes=scopes_of(extra), request=request
    )
    return credentials, project or ""


def _configuration(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return dict(value)
    if str(value).lstrip().startswith("{"):
        try:
            return dict(json.loads(value))
        except ValueError:
            raise _unreadable("the credential configuration", "not JSON") from None
    return _json_file(value)


def _anonymous(_: dict[str, Any], __: Request) -> tuple[Credentials, str]:
    return AnonymousCredentials(), ""


def _default(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    credentials, project = google.auth.default(scopes=scopes_of(extra), request=request)
    return credentials, project or ""


def _impersonated(source: Credentials, chain: str, extra: dict[str, Any]) -> Credentials:
    *delegates, target = [account.strip() for account in chain.split(",") if account.strip()]
    return impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=target,
        target_scopes=scopes_of(extra),
        delegates=delegates or None,
    )


def _json_file(path: str) -> dict[str, Any]:
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, error.strerror or "unreadable") from None
    except ValueError:
        raise _unreadable(path, "not a JSON file") from None
    if not isinstance(data, dict):
        raise _unreadable(path, "not a JSON object")
    return data


def _unreadable(path: str, reason: str) -> SessionFailure:
    return SessionFailure("session:key-file-unreadable", path=path, reason=reason)


_METHODS = {
    "key": _key,
    "key_path": _key_path,
    "secret_manager": _secret_manager,
    "identity_provider": _identity_provider,
    "workload_identity": _workload_identity,
    "anonymous": _anonymous,
    "default": _default,
}
