"""Checks of field values: each returns the words of what is wrong, or an empty text."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connections.types.json_text import NotJson, parse

#: Google's rule, with the older form ``domain.com:project``.
PROJECT_PATTERN = re.compile(r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]\Z")
EMAIL_PATTERN = re.compile(r"^[^@\s,]+@[^@\s,.]+(\.[^@\s,.]+)+\Z")
#: Google's token service and IAM, also by region.
GOOGLE_API_PATTERN = re.compile(r"^https://[a-z0-9-]+(\.[a-z0-9-]+)*\.googleapis\.com/[^\s@]*\Z")
SCOPE_PATTERN = re.compile(r"^(https://\S+|[\w.-]+)\Z")
KEY_NEEDS = ("project_id", "private_key", "client_email", "token_uri")
CONFIGURATION_NEEDS = ("audience", "subject_token_type", "token_url")


def google_project(value: str) -> str:
    if PROJECT_PATTERN.match(value):
        return ""
    return "A project ID has 6 to 30 small letters, digits and dashes, for example acme-reports."


def http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return "This is not a URL."
    if parts.username is not None or parts.password is not None:
        return "A URL without a user name or password in it."
    if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\0]", value):
        return "A URL that begins with https:// or http://."
    if parts.query or parts.fragment:
        return "A URL without ? and # parts."
    return ""


def absolute_path(value: str) -> str:
    """Each worker reads it, wherever it was started."""
    return "" if value.startswith("/") else "A whole path, beginning with /."


def seconds(value: float) -> str:
    if 0 < value <= 3600:
        return ""
    return "A number of seconds between 0 and 3600, for example 10."


def port_number(value: int) -> str:
    return "" if 0 < value <= 65_535 else "A port is a number from 1 to 65535."


def retries(value: int) -> str:
    return "" if 0 <= value <= 20 else "A whole number from 0 to 20."


def email_chain(value: str) -> str:
    for account in value.split(","):
        if not EMAIL_PATTERN.match(account.strip()):
            return "Service account e-mail addresses, separated by commas; the last is the target."
    return ""


def scopes(value: str) -> str:
    for scope in value.split(","):
        if not SCOPE_PATTERN.match(scope.strip()):
            return "Scope URLs, separated by commas."
    return ""


def credential_configuration(value: str) -> str:
    """The path of a credential configuration, or its JSON, which holds no secret.

    The field is shown to everybody who may edit the connection. So a file that
    does hold a secret is refused here: it belongs into a field that hides it.
    """
    if not value.lstrip().startswith("{"):
        return ""
    try:
        data = parse(value)
    except NotJson as error:
        return f"This is not JSON: {error}."
    source = data.get("credential_source")
    if data.get("client_secret") or (isinstance(source, dict) and source.get("headers")):
        return "It holds a secret: keep it in a file on the worker, and give its path here."
    return wrong_configuration(data) or _wrong_places(data)


def _wrong_places(data: dict[str, Any]) -> str:
    """What the worker reads for it (a file, an address) may be sent to nobody but Google.

    Else who may write or test a connection could have the worker's own files sent to a
    server of theirs. Whoever puts a file on the worker may name any server in it.
    """
    urls = [data["token_url"], data.get("service_account_impersonation_url")]
    if any(url and not GOOGLE_API_PATTERN.match(str(url)) for url in urls):
        return (
            "Its token_url and service_account_impersonation_url must be Google's "
            "(https://….googleapis.com/…). For others, keep it in a file on the worker."
        )
    source = data.get("credential_source")
    if isinstance(source, dict) and "executable" in source:
        return "It names a program to run: keep it in a file on the worker, and give its path here."
    return ""


def wrong_configuration(data: dict[str, Any]) -> str:
    """https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers"""
    kind = data.get("type")
    if kind == "service_account":
        return "This is a service account key. Choose the method Service account key for it."
    if kind != "external_account":
        return 'This is not a credential configuration: its "type" must be external_account.'
    missing = [name for name in CONFIGURATION_NEEDS if not data.get(name)]
    return f"This credential configuration has no {', '.join(missing)}." if missing else ""


def service_account_key(value: Any) -> str:
    """A Google service account key as its console downloads it."""
    data = value
    if isinstance(value, str):
        if value.lstrip().startswith("-----BEGIN"):
            return "This is the private key alone. Paste the whole key file, a JSON object."
        try:
            data = parse(value)
        except NotJson as error:
            return f"This is not JSON: {error}. Paste the whole key file."
    if not isinstance(data, dict):
        return "This is not a key file: a JSON object is expected."
    if data.get("type") != "service_account":
        return _wrong_type(data)
    missing = [name for name in KEY_NEEDS if not data.get(name)]
    if missing:
        return f"This service account key has no {', '.join(missing)}."
    return _wrong_part(data)


def _wrong_part(data: dict[str, Any]) -> str:
    key = data["private_key"]
    if not isinstance(key, str) or "-----BEGIN" not in key:
        return "private_key is not a PEM key: it must begin with -----BEGIN PRIVATE KEY-----."
    if not isinstance(data["client_email"], str) or not EMAIL_PATTERN.match(data["client_email"]):
        return "client_email is not an e-mail address."
    if not isinstance(data["token_uri"], str) or http_url(data["token_uri"]):
        return "token_uri is not the URL of a token endpoint."
    return ""


def _wrong_type(data: dict[str, Any]) -> str:
    if "installed" in data or "web" in data:
        return "This is an OAuth client file, not a service account key."
    kind = data.get("type")
    if kind == "external_account":
        return "This is a workload identity file. Choose the method Workload identity for it."
    if kind == "authorized_user":
        return "This is a user's own login, not a service account key."
    if not kind:
        return 'This is not a service account key: "type" is missing.'
    return 'This is not a service account key: its "type" must be service_account.'
