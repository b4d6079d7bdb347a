"""What stands in clear around a private key: its kind, and how much work its passphrase costs.

A key names the cost of its own passphrase, and nothing bounds it: opening a
hostile one would keep a web process busy for hours. So the cost is read first.
Sources: RFC 5958 and RFC 8018 (PKCS#8, PBES2), RFC 7914 (scrypt), and
PROTOCOL.key of OpenSSH.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

#: Rounds; ``openssl`` makes 2048, the most careful tools about a million.
MOST_ROUNDS = 5_000_000
#: N * r * p, where N * r * 128 bytes are held at once: 128 MiB.
MOST_SCRYPT = 1 << 20
#: Rounds of bcrypt, each about 10 ms; ``ssh-keygen`` makes 16 or 24.
MOST_BCRYPT = 500

_SEQUENCE, _OBJECT_ID, _INTEGER = 0x30, 0x06, 0x02
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_SCRYPT = bytes.fromhex("2b06010401da47040b")
_OPENSSH = b"openssh-key-v1\0"


class Damaged(ValueError):
    """The bytes are not what they should be."""


@dataclass(frozen=True)
class OpenSshKey:
    """The outside of a key in OpenSSH's own form. ``kind`` is ``ssh-ed25519`` and the like."""

    kind: str
    is_encrypted: bool
    is_too_costly: bool


def openssh_key(data: bytes) -> OpenSshKey:
    """Raise ``Damaged`` for anything but one whole key."""
    if not data.startswith(_OPENSSH):
        raise Damaged
    cipher, rest = _string(data[len(_OPENSSH) :])
    _, rest = _string(rest)
    options, rest = _string(rest)
    public, rest = _string(rest[4:])
    _string(rest)
    kind, _ = _string(public)
    rounds = 0
    if options:
        _, count = _string(options)
        rounds = int.from_bytes(count)
    return OpenSshKey(
        kind=kind.decode("ascii", "replace"),
        is_encrypted=cipher != b"none",
        is_too_costly=rounds > MOST_BCRYPT,
    )


def _string(data: bytes) -> tuple[bytes, bytes]:
    """The text at the start of ``data``, after its length in four bytes, and what follows."""
    end = 4 + int.from_bytes(data[:4])
    if len(data) < max(end, 4):
        raise Damaged
    return data[4:end], data[end:]


def is_too_costly(data: bytes) -> bool:
    """Whether an encrypted PKCS#8 key asks for more work than is reasonable.

    Raise ``Damaged`` where that can't be seen.
    """
    algorithm = _items(_first(_first(data, _SEQUENCE), _SEQUENCE))
    object_id, parameters = _pair(algorithm)
    if object_id == _PBES2:
        object_id, parameters = _pair(_items(_first(parameters, _SEQUENCE)))
    numbers = [int.from_bytes(content) for tag, content in _items(parameters) if tag == _INTEGER]
    if not numbers:
        raise Damaged
    if object_id == _SCRYPT:
        return prod(numbers[:3]) > MOST_SCRYPT
    return numbers[0] > MOST_ROUNDS


def _pair(items: Iterator[tuple[int, bytes]]) -> tuple[bytes, bytes]:
    """An algorithm's name and its parameters."""
    (name_tag, name), (tag, parameters) = next(items, (0, b"")), next(items, (0, b""))
    if (name_tag, tag) != (_OBJECT_ID, _SEQUENCE):
        raise Damaged
    return name, parameters


def _first(data: bytes, expected: int) -> bytes:
    tag, content = next(_items(data), (0, b""))
    if tag != expected:
        raise Damaged
    return content


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Each DER item of ``data``, as its tag and its content."""
    while data:
        if len(data) < 2:
            raise Damaged
        start, length = 2, data[1]
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start])
        if len(data) < start + length:
            raise Damaged
        yield data[0], data[start : start + length]
        data = data[start + length :]
