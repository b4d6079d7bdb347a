"""Checks of field values: each returns the words of what is wrong, or an empty text."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

#: Google's rule, with the older form ``domain.com:project``.
PROJECT_PATTERN = re.compile(r"^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")
KEY_NEEDS = ("type", "project_id", "private_key", "client_email", "token_uri")


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
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "A URL that begins with https:// (or http:// for a local server)."
    if parts.username or parts.password:
        return "A URL without a user name or password in it."
    if parts.query or parts.fragment:
        return "A URL without ? and # parts."
    return ""


def seconds(value: float) -> str:
    if 0 < value <= 3600:
        return ""
    return "A number of seconds between 0 and 3600, for example 10."


def retries(value: int) -> str:
    return "" if 0 <= value <= 20 else "A whole number from 0 to 20."


def email_chain(value: str) -> str:
    for account in value.split(","):
        if not re.match(r"^[^@\s,]+@[^@\s,]+\.[^@\s,]+$", account.strip()):
            return "Service account e-mail addresses, separated by commas; the last is the target."
    return ""


def scopes(value: str) -> str:
    for scope in value.split(","):
        if not re.match(r"^https://\S+$|^[\w.-]+$", scope.strip()):
            return "Scope URLs, separated by commas."
    return ""


def service_account_key(value: Any) -> str:
    """A Google service account key as its console downloads it."""
    data = value
    if isinstance(value, str):
        try:
            data = json.loads(value)
        except ValueError as error:
            place = f" (line {error.lineno}, column {error.colno})" if _has_place(error) else ""
            return f"This is not JSON{place}. Paste the whole key file."
    if not isinstance(data, dict):
        return "This is not a key file: a JSON object is expected."
    if data.get("type") != "service_account":
        return _wrong_type(data)
    missing = [name for name in KEY_NEEDS if not data.get(name)]
    if missing:
        return f"This service account key has no {' and no '.join(missing)}."
    key = data["private_key"]
    if not isinstance(key, str) or "-----BEGIN" not in key.replace("\\n", "\n"):
        return "private_key is not a PEM key: it must begin with -----BEGIN PRIVATE KEY-----."
    return ""


def _has_place(error: ValueError) -> bool:
    return isinstance(error, json.JSONDecodeError)


def _wrong_type(data: dict[str, Any]) -> str:
    if "installed" in data or "web" in data:
        return "This is an OAuth client file, not a service account key."
    kind = data.get("type")
    if kind == "external_account":
        return "This is a workload identity file. Choose the method Workload identity for it."
    if kind == "authorized_user":
        return "This is a user's own login, not a service account key."
    if kind is None:
        return 'This is not a service account key: "type" is missing.'
    return 'This is not a service account key: its "type" is another.'
