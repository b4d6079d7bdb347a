"""Checks of Azure's connection strings, shared access signatures and authentication files.

Each returns the words of what is wrong, or an empty text; none quotes the value.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connections.types.json_text import NotJson, parse
from connections.types.validators import http_url

AUTH_FILE_NEEDS = ("clientId", "clientSecret", "tenantId")


def connection_string(value: str) -> str:
    """https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string"""
    if "://" in value.partition("=")[0]:
        return "This is a URL. A connection string is pairs such as AccountName=…;AccountKey=…"
    pairs = [part.partition("=") for part in value.strip().split(";") if part.strip()]
    if not pairs or any(not name.strip() or not equals for name, equals, _ in pairs):
        return "Pairs such as AccountName=…;AccountKey=…, separated by semicolons."
    found = {name.strip().lower(): text.strip() for name, _, text in pairs}
    if found.get("usedevelopmentstorage", "").lower() == "true":
        return ""
    if len(found) < len(pairs):
        return "One of its names stands in it twice."
    return _wrong_endpoint(found) or _wrong_credentials(found)


def _wrong_endpoint(found: dict[str, str]) -> str:
    if found.get("defaultendpointsprotocol", "https").lower() not in ("http", "https"):
        return "DefaultEndpointsProtocol must be https or http."
    for name, label in (("blobendpoint", "BlobEndpoint"), ("fileendpoint", "FileEndpoint")):
        if name in found and (words := http_url(found[name])):
            return f"{label}: {words}"
    if not found.get("accountname") and not found.get("blobendpoint"):
        return "AccountName or BlobEndpoint is missing."
    return ""


def _wrong_credentials(found: dict[str, str]) -> str:
    if "accountkey" in found:
        words = account_key(found["accountkey"])
        return f"AccountKey: {words}" if words else ""
    if "sharedaccesssignature" in found:
        words = sas_token(found["sharedaccesssignature"])
        return f"SharedAccessSignature: {words}" if words else ""
    return "AccountKey or SharedAccessSignature is missing."


def account_key(value: str) -> str:
    """A storage account's key: base64."""
    if "sig=" in value:
        return "This is a SAS token, not an account key."
    if "AccountKey=" in value:
        return "This is a whole connection string, not an account key."
    try:
        is_key = len(base64.b64decode(value, validate=True)) > 0
    except (binascii.Error, ValueError):
        is_key = False
    return "" if is_key else "An account key is base64. Copy it again, whole."


def sas_token(value: str) -> str:
    """A token, or a URL that ends with it.

    https://learn.microsoft.com/rest/api/storageservices/create-service-sas
    """
    if "AccountKey=" in value:
        return "This is a connection string, not a SAS token."
    query = value
    if value.startswith(("http://", "https://")):
        query = urlsplit(value).query
        if words := http_url(value.partition("?")[0]):
            return words
    parts = parse_qs(query.rpartition("?")[2])
    missing = [name for name in ("sv", "sig") if name not in parts]
    if not missing:
        return ""
    return f"A SAS token has the parts sv and sig; {' and '.join(missing)} is missing."


def account_url(value: str) -> str:
    """A storage account: its URL, its host, or its name alone."""
    if "?" in value:
        return "The account's URL alone: the SAS token has a field of its own."
    if "://" in value:
        return http_url(value)
    if "/" in value or "@" in value or any(letter.isspace() for letter in value):
        return "The account's URL, for example https://acme.blob.core.windows.net"
    return ""


def auth_file(value: Any) -> str:
    """The file that ``az ad sp create-for-rbac --sdk-auth`` wrote, as text or as an object."""
    data = value
    if isinstance(value, str):
        try:
            data = parse(value)
        except NotJson as error:
            return f"This is not JSON: {error}. Paste the whole file."
    if not isinstance(data, dict):
        return "This is not an authentication file: a JSON object is expected."
    missing = [name for name in AUTH_FILE_NEEDS if not data.get(name)]
    return f"This authentication file has no {', '.join(missing)}." if missing else ""


def auth_file_path(value: str) -> str:
    """Airflow's hook refuses another extension."""
    if not value.startswith("/"):
        return "A whole path, beginning with /."
    return "" if value.endswith(".json") else "The file's name must end with .json."
