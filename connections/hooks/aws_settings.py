"""Reads what a connection of the type aws says, as Airflow's Amazon provider reads it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from connections.exceptions import SessionFailure
from connections.hooks.transport import host_of
from connections.types import values
from connections.types.base import LoadedConnection

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
#: The first call and those that repeat it.
ATTEMPTS = 3
#: Where nothing names a region. An emulator takes any; Amazon's global endpoints lie there.
DEFAULT_REGION = "us-east-1"
AMAZON = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws)(:[0-9]+)?\Z")
METHODS = ("assume_role", "assume_role_with_web_identity")


@dataclass(frozen=True)
class Settings:
    """``keys`` are for boto3's session; ``config`` holds bounded times, whatever was given."""

    config: Config
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    session_kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    verify: bool | str | None = None
    service_config: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    role_arn: str = ""
    role_method: str = "assume_role"
    role_session_name: str = ""
    assume_role_kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    token_file: str = ""

    @property
    def is_unsigned(self) -> bool:
        return self.config.signature_version is UNSIGNED

    @property
    def has_sts(self) -> bool:
        """Whether STS is where it can be asked: an emulator may have none."""
        return self._is_amazon or self._own_endpoint_of("sts") != ""

    def endpoint_of(self, service: str) -> str | None:
        """``None`` for Amazon's own. An endpoint of Amazon's S3 isn't one of its STS."""
        if own := self._own_endpoint_of(service):
            return own
        is_elsewhere = service == "sts" and self._is_amazon
        return None if is_elsewhere else self.endpoint_url or None

    def region_of(self, service: str, found: str | None) -> str:
        own = str(self.service_config.get(service, {}).get("region_name") or "")
        return own or found or DEFAULT_REGION

    def web_identity_token(self) -> str:
        """Raise ``SessionFailure`` for a file that can't be read."""
        try:
            return Path(self.token_file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", "") or "it holds no text"
            raise SessionFailure(
                "session:key-file-unreadable", path=self.token_file, reason=reason.lower()
            ) from None

    @property
    def _is_amazon(self) -> bool:
        return not self.endpoint_url or bool(AMAZON.search(host_of(self.endpoint_url).lower()))

    def _own_endpoint_of(self, service: str) -> str:
        return str(self.service_config.get(service, {}).get("endpoint_url") or "")


def settings_of(connection: LoadedConnection, *, longest_call: float) -> Settings:
    """Raise ``SessionFailure`` for what can't be."""
    extra = connection.extra
    session_kwargs = _object(extra, "session_kwargs")
    role = str(extra.get("role_arn") or "")
    method = str(extra.get("assume_role_method") or "assume_role").lower()
    federation = str(extra.get("assume_role_with_web_identity_federation") or "")
    if role:
        _check_method(method, federation)
    kwargs = _object(extra, "assume_role_kwargs")
    return Settings(
        config=_config(_object(extra, "config_kwargs"), longest_call),
        keys=_keys(connection),
        session_kwargs={
            name: value
            for name, value in session_kwargs.items()
            if name not in ("region_name", "profile_name")
        },
        region=str(extra.get("region_name") or session_kwargs.get("region_name") or ""),
        profile=str(extra.get("profile_name") or session_kwargs.get("profile_name") or ""),
        endpoint_url=str(extra.get("endpoint_url") or ""),
        verify=_verify(extra.get("verify")),
        service_config=_object(extra, "service_config"),
        role_arn=role,
        role_method=method,
        role_session_name=_session_name(connection.conn_id),
        assume_role_kwargs=kwargs,
        token_file=str(extra.get("assume_role_with_web_identity_token_file") or ""),
    )


def _check_method(method: str, federation: str) -> None:
    is_google = method == "assume_role_with_web_identity" and federation != "file"
    if method not in METHODS or is_google:
        name = "Google's identity" if is_google else "SAML"
        raise SessionFailure("aws:method-unsupported", method=name)


def _keys(connection: LoadedConnection) -> dict[str, str]:
    extra = connection.extra
    login, password = connection.login, connection.password
    if not (login and password):
        login = str(extra.get("aws_access_key_id") or "")
        password = str(extra.get("aws_secret_access_key") or "")
    keys = {
        "aws_access_key_id": login,
        "aws_secret_access_key": password,
        "aws_session_token": str(extra.get("aws_session_token") or ""),
    }
    return {name: value for name, value in keys.items() if value} if login and password else {}


def _config(given: dict[str, Any], longest_call: float) -> Config:
    """The given arguments of botocore's config, with times that end."""
    is_test = math.isfinite(longest_call)
    merged = {
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        **given,
        "connect_timeout": min(given.get("connect_timeout") or CONNECT_TIMEOUT, longest_call),
        "read_timeout": min(given.get("read_timeout") or READ_TIMEOUT, longest_call),
    }
    if is_test:
        merged["retries"] = {"total_max_attempts": 1}
    if merged.get("signature_version") == "unsigned":
        merged["signature_version"] = UNSIGNED
    try:
        return Config(**merged)
    except (TypeError, ValueError, BotoCoreError) as error:
        raise SessionFailure(
            "aws:settings-invalid", setting="the arguments of the client", reason=str(error)
        ) from None


def _verify(value: Any) -> bool | str | None:
    if value in (None, ""):
        return None
    found = values.truth(value)
    return str(value) if found is None else found


def _object(extra: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = extra.get(name)
    if value in (None, ""):
        return {}
    try:
        found = values.read("json", value)
    except values.WrongKind as error:
        raise SessionFailure("aws:settings-invalid", setting=name, reason=str(error)) from None
    assert isinstance(found, dict)
    return found


def _session_name(conn_id: str) -> str:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    return re.sub(r"[^\w+=,.@-]", "-", f"Patchbay-{conn_id}", flags=re.ASCII)[:64]
