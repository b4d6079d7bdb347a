"""Checks the public key of an SSH server: says in words what is wrong with one.

Sources: sshd(8) on known_hosts, RFC 4253 6.6, RFC 5656 3.1, RFC 8709 4; the short forms are those
that the SSH provider of Airflow takes.
"""

from __future__ import annotations

import base64
import binascii
import re

KEY_TYPES = (
    "ssh-rsa",
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
)
#: Names that Airflow takes too; the key says itself which curve it is on.
SHORT_TYPES = {"ssh-ecdsa": "ecdsa-sha2-"}
#: One of RSA with 16384 bits has 2,800 characters.
LONGEST_KEY = 10_000
WHERE = "The line that ssh-keyscan prints, without the host: ssh-ed25519 AAAA…"


def host_key(value: str) -> str:
    """What is wrong with a key as ``type base64``, or as the base64 alone of an RSA key."""
    if len(value) > LONGEST_KEY:
        return f"This is too long for one key. {WHERE}"
    words = value.split()
    if "-----BEGIN" in value:
        return f"This is a key file. {WHERE}"
    if words and re.match(r"(SHA256|MD5):", words[0]):
        return f"This is a fingerprint, not the key. {WHERE}"
    if len(words) > 1 and not _is_type(words[0]):
        if _is_type(words[1]):
            return "Leave out the host's name: the type stands first, then the key."
        return _unknown(words[0])
    if not words or _is_type(words[-1]):
        return f"The key itself is missing. {WHERE}"
    return _wrong_key(words[0] if len(words) > 1 else "", words[min(len(words), 2) - 1])


def _is_type(word: str) -> bool:
    return word in KEY_TYPES or word in SHORT_TYPES


def _unknown(word: str) -> str:
    if word == "ssh-dss":
        return "This is a DSA key, which SSH libraries refuse. Take another key of the server."
    return f"A key's type is one of {', '.join(KEY_TYPES)}."


def _wrong_key(declared: str, encoded: str) -> str:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return f"This is not the base64 of a key. {WHERE}"
    kind = _kind_of(data)
    if kind == "ssh-dss":
        return _unknown(kind)
    if kind not in KEY_TYPES:
        return f"This is cut off, or not a key of a server. {WHERE}"
    if not declared and kind != "ssh-rsa":
        return f"Put the key's type before it: {kind} AAAA…"
    if declared and not kind.startswith(SHORT_TYPES.get(declared, declared)):
        return f"The type doesn't fit: this key is of the type {kind}."
    return ""


def _kind_of(data: bytes) -> str:
    """The type that the key names itself, or an empty text if it is not whole.

    A key is a row of parts, each with its length in four bytes before it.
    """
    parts: list[bytes] = []
    while data:
        length = int.from_bytes(data[:4], "big")
        part, rest = data[4 : 4 + length], data[4 + length :]
        if len(data) < 4 or len(part) < length:
            return ""
        parts.append(part)
        data = rest
    return parts[0].decode("ascii", "replace") if len(parts) > 1 else ""
