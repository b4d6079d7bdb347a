"""Private keys and certificates in PEM form: says in words what is wrong with one.

The words never quote the key nor its passphrase. A key is looked at, never
changed: it is stored as it was given, with whatever line ends it has. Sources:
RFC 7468 (PEM), RFC 1421 (the headers of old encrypted keys), PROTOCOL.key of
OpenSSH. ``cryptography`` is loaded with the first key.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from itertools import pairwise

from connections.types.key_envelopes import Damaged, is_too_costly, openssh_key

#: The longest block that is parsed; a key of RSA with 16384 bits has 13,000 characters.
LONGEST_KEY = 20_000

_BEGIN = "-----BEGIN "
_FRAME = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]{1,40})-----")
_PRIVATE = ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_OPENSSH = "OPENSSH PRIVATE KEY"
_DSA = "DSA PRIVATE KEY"

PUBLIC = "This is a public key. Paste the private one: it begins with -----BEGIN PRIVATE KEY-----."
NOT_PEM = "This is not a PEM key: it must begin with -----BEGIN PRIVATE KEY-----."
CUT_OFF = "This is cut off: its last line, -----END …, is missing."
NOT_ENCODED = "This is base64, but not that of a PEM key. Paste the PEM key itself."
NO_LINES = "This has lost its line ends. Paste it as the lines that the file has."
ESCAPED = "Its line ends are stored as the two characters \\n. Paste it with real line ends."
DAMAGED = "This key is damaged or not complete. Paste the whole file again."
UNKNOWN_KIND = "A key of this kind can't be used. RSA, EC and Ed25519 keys can."
ENCRYPTED = "This key is encrypted: its passphrase is needed, too."
NOT_OPENED = "The passphrase doesn't open this key."
NOT_ENCRYPTED = "This key is not encrypted, but a passphrase is given. Clear the passphrase."
TOO_COSTLY = "Opening this key takes too much work. Encrypt it again with fewer rounds."
DSA = "This is a DSA key, and SSH servers refuse those. Make one with ssh-keygen -t ed25519."
OPENSSH = (
    "This is a key in OpenSSH's own form. Convert a copy with ssh-keygen -p -m PKCS8, and paste it."
)
PATH = "This is a path. Paste the key itself."
TOO_LONG = "This is too long for a private key."
PUTTY = "This is a PuTTY key. Export it as an OpenSSH key in PuTTYgen, and paste that."
CERTIFICATE = "This is a certificate, not a private key."
NOT_CERTIFICATE = "This is not a certificate: it must begin with -----BEGIN CERTIFICATE-----."
KEY_FOR_CERTIFICATE = "This is a private key, not a certificate."
DAMAGED_CERTIFICATE = "This certificate is damaged or not complete. Paste the whole file again."


@dataclass(frozen=True)
class _Block:
    """One framed part of a PEM text; ``text`` is all of it, ``body`` is between the frames."""

    label: str
    body: str
    text: str

    @property
    def data(self) -> bytes:
        """Raise ``Damaged`` if it isn't base64."""
        lines = self.body.strip().splitlines()
        try:
            return base64.b64decode("".join(line.strip() for line in lines), validate=True)
        except (binascii.Error, ValueError):
            raise Damaged from None


def private_key(value: str, passphrase: str = "") -> str:
    """What is wrong with a private key (PKCS#8, PKCS#1 or SEC 1), or an empty text.

    A passphrase for a key that has none is refused, as the libraries do that
    will open it.
    """
    block, words = _key_block(value)
    if block is None:
        return words
    if block.label == _OPENSSH:
        return OPENSSH
    if block.label == _DSA:
        return UNKNOWN_KIND
    return _wrong_pem(block, passphrase, is_for_ssh=False)


def encoded_private_key(value: str, passphrase: str = "") -> str:
    """What is wrong with a private key that is kept as PEM or as the base64 of that."""
    if _BEGIN in value:
        return private_key(value, passphrase)
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode()
    except (binascii.Error, ValueError):
        return _not_pem(value.lstrip())
    return private_key(text, passphrase) if _BEGIN in text else NOT_ENCODED


def ssh_private_key(value: str, passphrase: str = "") -> str:
    """What is wrong with a key for SSH: OpenSSH's own form, PKCS#1, SEC 1 or PKCS#8.

    A passphrase that the key doesn't need is no fault: SSH libraries ignore it.
    """
    block, words = _key_block(value)
    if block is None:
        return words
    if block.label == _DSA:
        return DSA
    if block.label == _OPENSSH:
        return _wrong_openssh(block, passphrase)
    return _wrong_pem(block, passphrase, is_for_ssh=True)


def certificate(value: str) -> str:
    """What is wrong with a certificate, or a chain of them, or an empty text."""
    blocks = _blocks(value)
    labels = [block.label for block in blocks]
    if _BEGIN not in value or (labels and "CERTIFICATE" not in labels):
        is_key = any(label.endswith("PRIVATE KEY") for label in labels)
        return KEY_FOR_CERTIFICATE if is_key else NOT_CERTIFICATE
    if words := _wrong_lines(value, blocks):
        return words
    from cryptography import x509

    for block in blocks:
        if block.label == "CERTIFICATE":
            try:
                x509.load_der_x509_certificate(block.data)
            except ValueError:
                return DAMAGED_CERTIFICATE
    return ""


def _blocks(value: str) -> list[_Block]:
    """Every part that has both its frames."""
    frames = list(_FRAME.finditer(value))
    return [
        _Block(begin[2], value[begin.end() : end.start()], value[begin.start() : end.end()])
        for begin, end in pairwise(frames)
        if (begin[1], end[1]) == ("BEGIN", "END") and begin[2] == end[2]
    ]


def _key_block(value: str) -> tuple[_Block | None, str]:
    """The private key in ``value``, or the words of what stands there in its place."""
    if _BEGIN not in value:
        return None, _not_pem(value.lstrip())
    blocks = _blocks(value)
    if words := _wrong_lines(value, blocks):
        return None, words
    key = next((block for block in blocks if block.label.endswith("PRIVATE KEY")), None)
    if key is None:
        labels = [block.label for block in blocks]
        if any(label.endswith("PUBLIC KEY") for label in labels):
            return None, PUBLIC
        return None, CERTIFICATE if "CERTIFICATE" in labels else NOT_PEM
    if len(key.text) > LONGEST_KEY:
        return None, TOO_LONG
    return (key, "") if key.label in (*_PRIVATE, _OPENSSH, _DSA) else (None, UNKNOWN_KIND)


def _not_pem(value: str) -> str:
    if value.startswith("PuTTY-User-Key-File"):
        return PUTTY
    if re.match(r"(ssh|ecdsa|sk-ssh)-[\w@.-]+ \S", value) or value.startswith("---- BEGIN SSH2"):
        return PUBLIC
    if re.match(r"~?/[\w.-]+(/\S*)?\s*\Z", value):
        return PATH
    return NOT_PEM


def _wrong_lines(value: str, blocks: list[_Block]) -> str:
    if "\\n" in value:
        return ESCAPED
    if not blocks or value.count(_BEGIN) > len(blocks):
        return CUT_OFF
    return NO_LINES if any(len(block.text.splitlines()) < 3 for block in blocks) else ""


def _wrong_pem(block: _Block, passphrase: str, *, is_for_ssh: bool) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        if block.label == "ENCRYPTED PRIVATE KEY" and is_too_costly(block.data):
            return TOO_COSTLY
        key = _load(block, None)
    except TypeError:
        return _wrong_passphrase(block, passphrase, is_for_ssh=is_for_ssh)
    except UnsupportedAlgorithm:
        return UNKNOWN_KIND
    except ValueError:
        return DAMAGED
    if passphrase and not is_for_ssh:
        return NOT_ENCRYPTED
    return _wrong_kind(key, is_for_ssh=is_for_ssh)


def _wrong_passphrase(block: _Block, passphrase: str, *, is_for_ssh: bool) -> str:
    """For a key that is whole and encrypted."""
    from cryptography.exceptions import UnsupportedAlgorithm

    if not passphrase:
        return ENCRYPTED
    try:
        key = _load(block, passphrase.encode())
    except UnsupportedAlgorithm:
        return UNKNOWN_KIND
    except ValueError:
        return NOT_OPENED
    return _wrong_kind(key, is_for_ssh=is_for_ssh)


def _load(block: _Block, passphrase: bytes | None) -> object:
    """Raise ``TypeError`` if a passphrase is missing, ``ValueError`` for a key that is damaged."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = block.text.encode()
    return _sound(load_pem_private_key(text, passphrase, unsafe_skip_rsa_key_validation=True))


def _sound(key: object) -> object:
    """A look at RSA's numbers that takes no time: whether its primes are such takes seconds."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, RSAPrivateKey):
        numbers = key.private_numbers()
        if numbers.p * numbers.q != numbers.public_numbers.n:
            raise ValueError
    return key


def _wrong_kind(key: object, *, is_for_ssh: bool) -> str:
    from cryptography.hazmat.primitives.asymmetric.dsa import DSAPrivateKey

    if not isinstance(key, DSAPrivateKey):
        return ""
    return DSA if is_for_ssh else UNKNOWN_KIND


def _wrong_openssh(block: _Block, passphrase: str) -> str:
    try:
        outside = openssh_key(block.data)
    except Damaged:
        return DAMAGED
    if outside.kind == "ssh-dss":
        return DSA
    if outside.is_too_costly:
        return TOO_COSTLY
    if outside.is_encrypted and not passphrase:
        return ENCRYPTED
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    secret = passphrase.encode() if outside.is_encrypted else None
    try:
        text = block.text.encode()
        _sound(load_ssh_private_key(text, secret, unsafe_skip_rsa_key_validation=True))
    except UnsupportedAlgorithm:
        # Keys of hardware tokens.
        return UNKNOWN_KIND
    except ValueError:
        return NOT_OPENED if outside.is_encrypted else DAMAGED
    return ""
