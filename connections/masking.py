"""Keeps secrets out of every text that is shown, stored or logged.

Three rules, in this order: a field that its type declares as secret; for
extras that no type declares, Airflow's list of key names; and last, by value,
for texts of others (errors, logs), in the encodings in which values travel.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"

#: Airflow's list (its secrets masker): a key is secret if its name contains one of these.
SECRET_KEY_NAMES = (
    "access_key",
    "access_token",
    "api_key",
    "apikey",
    "auth_header",
    "authorization",
    "bearer",
    "connection_string",
    "dsn",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "proxy",
    "proxies",
    "secret",
    "service_account",
    "service_key",
    "token",
    "keyfile_dict",
    "webhook_url",
)
#: Shorter values would mask ordinary words.
SHORTEST_MASKED_VALUE = 4
SHORTEST_MASKED_NUMBER = 6
SHORTEST_MASKED_LINE = 16
#: What is secret in a key file; the rest says whose key it is.
KEY_FILE_SECRETS = ("private_key", "private_key_id")


def is_secret_key_name(name: str) -> bool:
    """Whether an undeclared extra of this name is treated as a secret."""
    lowered = name.lower().replace("-", "_")  # Headers have dashes: X-Api-Key.
    return any(part in lowered for part in SECRET_KEY_NAMES)


def secret_texts(value: Any) -> set[str]:
    """Every text inside a secret value that must not be seen.

    A key file is looked into: its private key is a secret, its e-mail address is not.
    """
    if isinstance(value, Mapping):
        parts = (
            (value.get(name) for name in KEY_FILE_SECRETS) if is_key_file(value) else value.values()
        )
        return set().union(*map(secret_texts, parts))
    if isinstance(value, str):
        return {value} | secret_texts(_parsed(value))
    if isinstance(value, list | tuple):
        return set().union(*map(secret_texts, value))
    is_number = isinstance(value, int | float) and len(str(value)) >= SHORTEST_MASKED_NUMBER
    return {str(value)} if is_number else set()


def is_key_file(value: Mapping[str, Any]) -> bool:
    return "client_email" in value and "private_key" in value


def named_secrets(value: Any) -> set[str]:
    """Every secret text inside data that nobody declared: what stands under a secret's name."""
    if isinstance(value, Mapping):
        return set().union(
            *(
                secret_texts(item) if is_secret_key_name(str(key)) else named_secrets(item)
                for key, item in value.items()
            )
        )
    if isinstance(value, list | tuple):
        return set().union(*map(named_secrets, value))
    return named_secrets(_parsed(value)) if isinstance(value, str) else set()


def _parsed(text: str) -> Any:
    if not _looks_like_json(text):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _looks_like_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def encodings(secret: str) -> set[str]:
    """``secret`` as it may turn up: quoted, escaped, in base64, and line by line."""
    raw = secret.encode()
    found = {
        secret,
        secret.strip(),
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }
    for line in _long_lines(secret):
        found |= {line, quote(line, safe=""), quote(line), quote_plus(line)}
    return {text for text in found if len(text) >= SHORTEST_MASKED_VALUE}


def _long_lines(secret: str) -> list[str]:
    """The lines that say something: not the frame of a PEM key, which is no secret.

    Keys are also stored with the two characters ``\\n`` for the end of a line.
    """
    lines = [line.strip() for line in secret.replace("\\n", "\n").splitlines()]
    if len(lines) == 1:
        return []
    return [
        line for line in lines if len(line) >= SHORTEST_MASKED_LINE and not line.startswith("-----")
    ]


def storable(value: Any) -> Any:
    """``value`` with every character that a database refuses replaced, in all its texts."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [storable(item) for item in value]
    return value


class Masker:
    """Replaces secrets that it was told of by ``***``, in texts and in data."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._encoded: list[str] = []

    def add(self, secrets: Iterable[str]) -> None:
        new = set(secrets) - self._secrets
        if not new:
            return
        self._secrets |= new
        found = {encoded for secret in self._secrets for encoded in encodings(secret)}
        # Longest first, so that a part of a secret never hides the whole of it.
        self._encoded = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        for encoded in self._encoded:
            text = text.replace(encoded, MASK)
        return text

    def data(self, value: Any) -> Any:
        """``value`` with every text in it masked, keys and numbers too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.data(key): self.data(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        if isinstance(value, int | float) and str(value) in self._secrets:
            return MASK
        return value


_in_use: Counter[str] = Counter()
_in_use_lock = threading.Lock()


@contextmanager
def secrets_in_use(secrets: Iterable[str]) -> Iterator[None]:
    """While the block runs, this process's logs mask ``secrets``."""
    found = [encoded for secret in secrets for encoded in encodings(secret)]
    with _in_use_lock:
        _in_use.update(found)
    try:
        yield
    finally:
        with _in_use_lock:
            _in_use.subtract(found)
            for encoded in found:
                if _in_use[encoded] <= 0:
                    del _in_use[encoded]


def mask_secrets_in_use(text: str) -> str:
    """``text`` without the secrets that this process holds at the moment."""
    if not _in_use:
        return text
    with _in_use_lock:
        found = sorted(_in_use, key=len, reverse=True)
    for encoded in found:
        text = text.replace(encoded, MASK)
    return text


def redacted_inside(value: Any) -> Any:
    """Data that nobody declared, without what stands under a secret's name in it.

    A text of JSON that holds such is hidden whole.
    """
    if isinstance(value, Mapping):
        return {
            key: MASK if is_secret_key_name(str(key)) else redacted_inside(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted_inside(item) for item in value]
    is_hidden = isinstance(value, str) and _looks_like_json(value) and redacted_text(value) != value
    return MASK if is_hidden else value


def redacted_text(text: str) -> str:
    """JSON that somebody typed, for showing it again: without its secrets, also if it is broken."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Where a value ends can't be known here: nothing after the name of a secret is shown.
        found = re.search("|".join(SECRET_KEY_NAMES), text, re.IGNORECASE)
        return f"{text[: found.end()]}…" if found else text
    shown = redacted_inside(value)
    return text if shown == value else json.dumps(shown, indent=2, ensure_ascii=False)
