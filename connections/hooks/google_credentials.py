"""Makes Google credentials from a connection, one function a method of authentication."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import google.auth
import requests
from google.auth import aws, identity_pool, impersonated_credentials, pluggable
from google.auth.credentials import (
    AnonymousCredentials,
    Credentials,
    CredentialsWithQuotaProject,
)
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from connections.exceptions import SessionFailure
from connections.types.google_cloud_platform import DEFAULT_SCOPE, GOOGLE_CLOUD_PLATFORM
from connections.types.validators import wrong_configuration
from connections.types.values import text

SECRET_MANAGER = "https://secretmanager.googleapis.com/v1"  # noqa: S105


def scopes_of(extra: dict[str, Any]) -> list[str]:
    return _several(extra.get("scope")) or [DEFAULT_SCOPE]


def _several(value: Any) -> list[str]:
    """Texts separated by commas; Airflow keeps some as a list."""
    return [each.strip() for each in text(value or "").split(",") if each.strip()]


class _KeyCredentials(service_account.Credentials):
    """Credentials that remember their private key, wherever it came from, for the masking."""

    private_key = ""


@dataclass(frozen=True)
class OwnCredentials:
    """Credentials, the project that they name (empty if none), and what must be masked."""

    credentials: Credentials
    project: str
    secrets: frozenset[str] = field(repr=False)


def credentials_of(extra: dict[str, Any], *, request: Request) -> OwnCredentials:
    """Nothing is verified yet. Raise ``SessionFailure``, or what google-auth raises."""
    method = GOOGLE_CLOUD_PLATFORM.method_of(extra)
    credentials, project = _METHODS[method](extra, request)
    secrets = frozenset(filter(None, [getattr(credentials, "private_key", "")]))
    # Nobody can't become somebody else.
    if not isinstance(credentials, AnonymousCredentials):
        credentials = _adapted(credentials, extra)
    return OwnCredentials(credentials, project, secrets)


def _adapted(credentials: Credentials, extra: dict[str, Any]) -> Credentials:
    if chain := _several(extra.get("impersonation_chain")):
        credentials = _impersonated(credentials, chain, extra)
    quota_project = extra.get("quota_project_id")
    if quota_project and isinstance(credentials, CredentialsWithQuotaProject):
        credentials = credentials.with_quota_project(quota_project)
    return credentials


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
        make: Any = _KeyCredentials.from_service_account_info  # untyped
        credentials = make(data, scopes=scopes_of(extra))
        credentials.private_key = data["private_key"]
        # Some kinds of keys can be read, and then sign nothing that Google accepts.
        credentials.sign_bytes(b"")
    except (ValueError, KeyError, TypeError):
        # The library's message may quote the key.
        raise SessionFailure("session:key-broken", account=data.get("client_email")) from None
    return credentials, str(data.get("project_id", ""))


def _key(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    return _from_key(key_of(extra), extra)


def _key_path(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    return _from_key(key_of({"keyfile_dict": _json_file(extra["key_path"])}), extra)


def _secret_manager(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    """https://cloud.google.com/secret-manager/docs/access-secret-version"""
    own, own_project = google.auth.default(scopes=[DEFAULT_SCOPE], request=request)
    project = extra.get("key_secret_project_id") or extra.get("project") or own_project
    name = f"projects/{project}/secrets/{extra['key_secret_name']}/versions/latest"
    own.refresh(request)
    headers: dict[str, str] = {}
    own.apply(headers)
    answer = request.session.get(f"{SECRET_MANAGER}/{name}:access", headers=headers)
    if not answer.ok:
        raise _refusal(answer, "session:secret-refused", name=name)
    try:
        key = base64.b64decode(answer.json()["payload"]["data"]).decode()
    except (ValueError, KeyError, TypeError):
        raise SessionFailure("cloud:bad-answer", host=_host(answer.url)) from None
    return _from_key(key_of({"keyfile_dict": key}), extra)


class _ClientCredentials(identity_pool.SubjectTokenSupplier):
    """Gets the subject token from the connection's identity provider (RFC 6749, section 4.4)."""

    def __init__(self, extra: dict[str, Any]) -> None:
        self.extra = extra

    def get_subject_token(self, context: Any, request: Any) -> str:
        form = {
            **_parameters(self.extra.get("idp_extra_parameters")),
            "grant_type": "client_credentials",
            "client_id": self.extra.get("client_id") or "",
            "client_secret": self.extra.get("client_secret") or "",
        }
        # A redirect would carry the client's secret to where it was not meant for.
        answer = request.session.post(
            self.extra["idp_issuer_url"], data=form, allow_redirects=False
        )
        if not answer.ok:
            raise _refusal(answer, "session:provider-refused")
        try:
            return str(answer.json()["access_token"])
        except (ValueError, KeyError, TypeError):
            raise SessionFailure("cloud:bad-answer", host=_host(answer.url)) from None


def _parameters(value: Any) -> dict[str, Any]:
    """Airflow keeps them as the text of a JSON object."""
    return dict(json.loads(value) if isinstance(value, str) and value else value or {})


def _refusal(answer: requests.Response, code: str, **facts: Any) -> SessionFailure:
    known: dict[str, Any] = {"host": _host(answer.url), "status": answer.status_code}
    if answer.status_code == 429:
        code, facts = "cloud:rate-limited", {"attempts": 1}
    elif answer.status_code >= 500:
        code, facts = "cloud:unavailable", {"attempts": 1}
    return SessionFailure(code, **facts, **known)


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _identity_provider(extra: dict[str, Any], _: Request) -> tuple[Credentials, str]:
    info = _configuration(extra["credential_config_file"])
    info.pop("credential_source", None)
    supplier = _ClientCredentials(extra)
    return _external(identity_pool, info, extra, subject_token_supplier=supplier), ""


def _workload_identity(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    info = _configuration(extra["credential_config_file"])
    credentials = _external(_supplier_of(info), info, extra)
    # Google is asked for the project's name only where nobody gave it.
    project = extra.get("project") or credentials.get_project_id(request=request)
    return credentials, project or ""


def _supplier_of(info: dict[str, Any]) -> ModuleType:
    """The module of google-auth for where the subject token comes from."""
    source = info.get("credential_source")
    if info.get("subject_token_type") == "urn:ietf:params:aws:token-type:aws4_request":
        return aws
    return pluggable if isinstance(source, dict) and "executable" in source else identity_pool


def _external(module: ModuleType, info: dict[str, Any], extra: dict[str, Any], **more: Any) -> Any:
    try:
        return module.Credentials.from_info(info, scopes=scopes_of(extra), **more)
    except (ValueError, KeyError, TypeError, AttributeError, GoogleAuthError) as error:
        raise SessionFailure("session:configuration-unusable", reason=str(error)) from None


def _configuration(value: Any) -> dict[str, Any]:
    """The credential configuration, given as an object, as its text, or as a path."""
    data = value
    if not isinstance(value, dict):
        try:
            data = json.loads(value) if value.lstrip().startswith("{") else _json_file(value)
        except ValueError:
            raise SessionFailure("session:configuration-unusable", reason="not JSON") from None
    if words := wrong_configuration(data):
        raise SessionFailure("session:configuration-unusable", reason=words)
    return dict(data)


def _anonymous(_: dict[str, Any], __: Request) -> tuple[Credentials, str]:
    return AnonymousCredentials(), ""


def _default(extra: dict[str, Any], request: Request) -> tuple[Credentials, str]:
    credentials, project = google.auth.default(scopes=scopes_of(extra), request=request)
    return credentials, project or ""


def _impersonated(source: Credentials, chain: list[str], extra: dict[str, Any]) -> Credentials:
    *delegates, target = chain
    return impersonated_credentials.Credentials(
        source_credentials=source,
        target_principal=target,
        target_scopes=scopes_of(extra),
        delegates=delegates or None,
    )


def impersonated(source: Credentials, chain: list[str]) -> Credentials:
    """``source``, or the account behind it, as the last of ``chain``; nobody stays nobody."""
    if isinstance(source, AnonymousCredentials):
        return source
    scopes = getattr(source, "scopes", None) or getattr(source, "_target_scopes", None)
    behind = getattr(source, "_source_credentials", source)
    made = _impersonated(behind, chain, {"scope": ",".join(scopes or ())})
    quota_project = getattr(source, "quota_project_id", None)
    if quota_project and isinstance(made, CredentialsWithQuotaProject):
        return made.with_quota_project(quota_project)  # type: ignore[no-any-return]
    return made


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
