"""github: GitHub, or a GitHub Enterprise server.

Source: airflow/providers/github/hooks/github.py and docs/connections/github.rst of Airflow, which
takes a token or an installation of an app; for the tokens,
https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/.
"""

from __future__ import annotations

import re
from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.key_material import private_key
from connections.types.service_validators import worker_path
from connections.types.validators import http_url

_INSTALLATION = ("app_id", "installation_id")
METHODS = (
    Method("token", "Access token", "Of a person or an app", needs=("password",)),
    Method(
        "app", "GitHub App", "Its private key, kept here", needs=("private_key", *_INSTALLATION)
    ),
    Method(
        "app_file",
        "GitHub App, key file",
        "A path on the worker",
        needs=("key_path", *_INSTALLATION),
    ),
    Method("none", "None", "Nothing is signed in"),
)
#: GitHub has made its tokens longer before, and may again.
PREFIX_PATTERN = re.compile(r"^(gh[a-z]_|github_pat_)")
TOKEN_PATTERN = re.compile(r"^(gh[a-z]|github_pat)_[\w.-]{30,}\Z", re.ASCII)


def github_token(value: str) -> str:
    """Old tokens and those of an Enterprise server may have any form."""
    if "-----BEGIN" in value:
        return "This is a private key. Choose the method GitHub App for it."
    if "://" in value or re.search(r"[\s\0]", value):
        return "A token has no spaces, and is no URL."
    if PREFIX_PATTERN.match(value) and not TOKEN_PATTERN.match(value):
        return "This token is cut off, or there is more than the token."
    return ""


def app_id(value: str) -> str:
    return "" if re.fullmatch(r"[\w.-]{1,100}", value, re.ASCII) else "The ID on the app's page."


def positive(value: int) -> str:
    return "" if value > 0 else "A whole number, more than 0: the end of the installation's URL."


def _check(values: dict[str, Any]) -> dict[str, str]:
    words = private_key(values["private_key"]) if values["private_key"] else ""
    return {"private_key": words} if words else {}


_APPS = ("app", "app_file")

GITHUB = ConnectionType(
    name="github",
    label="GitHub",
    category="SaaS",
    description="Repositories and issues of GitHub",
    fields=(
        standard.host(
            label="Enterprise URL",
            placeholder="https://github.example.com/api/v3",
            help="Empty for github.com.",
            check=http_url,
        ),
        standard.password(
            label="Access token",
            methods=("token",),
            placeholder="github_pat_…",
            check=github_token,
        ),
        TypeField(
            "app_id",
            "App ID",
            group="authentication",
            methods=_APPS,
            placeholder="123456",
            check=app_id,
        ),
        TypeField(
            "installation_id",
            "Installation ID",
            kind="integer",
            group="authentication",
            methods=_APPS,
            placeholder="12345678",
            help="The number at the end of the installation's URL.",
            check=positive,
        ),
        TypeField(
            "private_key",
            "Private key",
            kind="pem",
            group="authentication",
            methods=("app",),
            secret=True,
            placeholder="-----BEGIN RSA PRIVATE KEY-----",
            help="The whole file that GitHub made for the app.",
        ),
        TypeField(
            "key_path",
            "Path of the key file",
            group="authentication",
            methods=("app_file",),
            placeholder="/run/secrets/github.pem",
            help="Read by the worker when a session is opened.",
            check=worker_path,
        ),
        TypeField(
            "token_permissions",
            "Permissions",
            kind="json",
            group="advanced",
            methods=_APPS,
            placeholder='{"contents": "read"}',
            help="Fewer than the app has. Empty for all of them.",
        ),
    ),
    methods=METHODS,
    docs="docs/connection-types-services.md#github",
    check=_check,
)
