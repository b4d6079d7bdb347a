"""Which private keys and certificates are told apart, in which words."""

from __future__ import annotations

import base64
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from connections.types import key_envelopes, key_material
from connections.types.key_envelopes import Damaged, is_too_costly, openssh_key
from connections.types.key_material import (
    certificate,
    encoded_private_key,
    private_key,
    ssh_private_key,
)

PASSPHRASE = "tulip Öl 7"
LOCKED = BestAvailableEncryption(PASSPHRASE.encode())
PKCS8, PKCS1, OPENSSH = (
    PrivateFormat.PKCS8,
    PrivateFormat.TraditionalOpenSSL,
    PrivateFormat.OpenSSH,
)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(
    form: PrivateFormat = PKCS8,
    encryption: KeySerializationEncryption | None = None,
    key: rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | dsa.DSAPrivateKey
    | None = None,
) -> str:
    held = key or rsa_key()
    return held.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


@cache
def openssh(kind: str, passphrase: str, *options: str) -> str:
    """A key as ``ssh-keygen`` makes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        command = ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path), *options]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return path.read_text()


@cache
def made_certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "acme")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(rsa_key().public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .sign(rsa_key(), hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def public_pem() -> str:
    public = rsa_key().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def without_lines(text: str, count: int) -> str:
    """``text`` without some lines from its middle: the frame is whole, the key isn't."""
    lines = text.splitlines()
    return "\n".join([*lines[: len(lines) // 2], *lines[len(lines) // 2 + count :]])


# Private keys


def test_every_form_of_a_private_key_is_right() -> None:
    for key in (rsa_key(), ec.generate_private_key(ec.SECP256R1())):
        for form in (PKCS8, PKCS1):
            assert private_key(pem(form, key=key)) == ""
            assert private_key(pem(form, LOCKED, key=key), PASSPHRASE) == ""
    assert private_key(pem(key=ed25519.Ed25519PrivateKey.generate())) == ""


def test_line_ends_of_windows_and_space_around_a_key_are_right() -> None:
    for text in (pem(), pem(PKCS1), "\n  " + pem().replace("\n", "\n  ")):
        assert private_key(text.replace("\n", "\r\n")) == ""
        assert private_key(f"\n\n{text}\n\n") == ""
    assert private_key(pem(PKCS1, LOCKED).replace("\n", "\r\n"), PASSPHRASE) == ""


def test_a_key_beside_its_certificate_is_found() -> None:
    assert private_key(made_certificate() + pem()) == ""
    assert private_key(pem() + made_certificate()) == ""


@pytest.mark.parametrize("form", [PKCS8, PKCS1], ids=["pkcs8", "pkcs1"])
def test_the_passphrase_is_told_apart_from_the_key(form: PrivateFormat) -> None:
    locked = pem(form, LOCKED)
    assert private_key(locked) == key_material.ENCRYPTED
    assert private_key(locked, "rose") == key_material.NOT_OPENED
    assert private_key(pem(form), "rose") == key_material.NOT_ENCRYPTED
    assert private_key(locked.replace("\n", "\r\n"), "rose") == key_material.NOT_OPENED


def test_a_damaged_key_is_not_taken_for_a_wrong_passphrase() -> None:
    assert private_key(without_lines(pem(), 3)) == key_material.DAMAGED
    assert private_key(without_lines(pem(PKCS1), 1)) == key_material.DAMAGED
    assert private_key(without_lines(pem(PKCS8, LOCKED), 3), PASSPHRASE) == key_material.DAMAGED
    assert private_key(pem().replace("a", "!")) == key_material.DAMAGED
    lines = pem().splitlines()
    assert private_key("\n".join([*lines[:4], lines[4][::-1], *lines[5:]])) == key_material.DAMAGED


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tulip", key_material.NOT_PEM),
        ("{}", key_material.NOT_PEM),
        ("/home/ann/key.pem", key_material.PATH),
        ("~/.ssh/id_ed25519\n", key_material.PATH),
        ("ssh-ed25519 AAAAC3Nza tulip@host", key_material.PUBLIC),
        ("ecdsa-sha2-nistp256 AAAAE2Vj tulip", key_material.PUBLIC),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", key_material.PUBLIC),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", key_material.PUTTY),
        ("-----BEGIN PRIVATE KEY-----\ntulip", key_material.CUT_OFF),
        ("-----BEGIN TULIP-----\ntulip\n-----END TULIP-----", key_material.NOT_PEM),
        ("-----BEGIN ANY PRIVATE KEY-----\nAA\n-----END ANY PRIVATE KEY-----", None),
        ("-----BEGIN PRIVATE KEY-----\ntulip!\n-----END PRIVATE KEY-----", key_material.DAMAGED),
    ],
)
def test_what_is_no_private_key_is_told_apart(text: str, words: str | None) -> None:
    for check in (private_key, ssh_private_key):
        found = check(text)
        assert found == (words or key_material.UNKNOWN_KIND)
        assert "tulip" not in found


def test_another_thing_in_a_frame_is_named() -> None:
    for check in (private_key, ssh_private_key):
        assert check(made_certificate()) == key_material.CERTIFICATE
        assert check(public_pem()) == key_material.PUBLIC
        assert check(pem() + "-----BEGIN CERTIFICATE-----\nAA") == key_material.CUT_OFF


def test_lost_line_ends_are_told() -> None:
    for check in (private_key, ssh_private_key):
        assert check(pem().replace("\n", "\\n")) == key_material.ESCAPED
        assert check(pem().replace("\n", "\\r\\n")) == key_material.ESCAPED
        assert check(pem().replace("\n", " ")) == key_material.NO_LINES
        assert check(pem().replace("\n", "")) == key_material.NO_LINES


def test_a_key_that_is_cut_off_anywhere_is_refused() -> None:
    text = pem()
    for end in range(1, len(text) - 2, 97):
        assert private_key(text[:end])


def test_a_key_in_openssh_form_is_told_where_pem_is_needed() -> None:
    assert private_key(openssh("ed25519", "")) == key_material.OPENSSH


def test_dsa_is_refused() -> None:
    key = dsa.generate_private_key(1024)
    for form in (PKCS1, PKCS8):
        assert private_key(pem(form, key=key)) == key_material.UNKNOWN_KIND
        assert ssh_private_key(pem(form, key=key)) == key_material.DSA
    assert private_key(pem(PKCS8, LOCKED, key), PASSPHRASE) == key_material.UNKNOWN_KIND
    assert ssh_private_key(pem(PKCS8, LOCKED, key), PASSPHRASE) == key_material.DSA
    assert ssh_private_key(pem(PKCS1, LOCKED, key)) == key_material.DSA


def test_a_key_of_absurd_length_is_not_parsed() -> None:
    long = "-----BEGIN PRIVATE KEY-----\n" + "AAAA\n" * 10_000 + "-----END PRIVATE KEY-----"
    assert private_key(long) == key_material.TOO_LONG


@pytest.mark.timeout(60)
def test_hostile_frames_are_read_at_once() -> None:
    for text in ("-----BEGIN " * 9000, "-----BEGIN A-----" * 6000, "-----BEGIN " + "A" * 100_000):
        assert private_key(text)
        assert certificate(text)


# Base64 of a key


def test_the_base64_of_a_key_is_as_right_as_the_key() -> None:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    assert encoded_private_key(pem()) == ""
    assert encoded_private_key(encoded(pem())) == ""
    assert encoded_private_key(base64.encodebytes(pem().encode()).decode()) == ""
    assert encoded_private_key(encoded(pem(PKCS8, LOCKED)), PASSPHRASE) == ""
    assert encoded_private_key(encoded(pem(PKCS8, LOCKED))) == key_material.ENCRYPTED
    assert encoded_private_key(encoded(pem(PKCS8, LOCKED)), "rose") == key_material.NOT_OPENED
    assert encoded_private_key(encoded("tulip")) == key_material.NOT_ENCODED
    assert encoded_private_key(encoded(made_certificate())) == key_material.CERTIFICATE
    assert encoded_private_key("tulip!") == key_material.NOT_PEM
    assert encoded_private_key(base64.b64encode(b"\xff\xfe").decode()) == key_material.NOT_PEM
    assert encoded_private_key("/home/ann/key.pem") == key_material.PATH


# Keys for SSH


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_of_openssh_is_right(kind: str) -> None:
    assert ssh_private_key(openssh(kind, "")) == ""
    assert ssh_private_key(openssh(kind, "").replace("\n", "\r\n")) == ""
    assert ssh_private_key(openssh(kind, ""), "not needed") == ""


def test_pem_keys_are_right_for_ssh_too() -> None:
    for form in (PKCS8, PKCS1):
        assert ssh_private_key(pem(form)) == ""
        assert ssh_private_key(pem(form), "not needed") == ""
        assert ssh_private_key(pem(form, LOCKED), PASSPHRASE) == ""
        assert ssh_private_key(pem(form, LOCKED)) == key_material.ENCRYPTED
        assert ssh_private_key(pem(form, LOCKED), "rose") == key_material.NOT_OPENED


def test_an_encrypted_key_of_openssh_needs_its_passphrase() -> None:
    locked = openssh("ed25519", "tulip")
    assert ssh_private_key(locked) == key_material.ENCRYPTED
    assert ssh_private_key(locked, "tulip") == ""


def test_a_wrong_passphrase_of_an_openssh_key_is_said() -> None:
    assert ssh_private_key(openssh("ed25519", "tulip"), "rose") == key_material.NOT_OPENED


def test_a_key_of_openssh_that_is_cut_is_damaged() -> None:
    for passphrase in ("", "tulip"):
        lines = openssh("rsa", passphrase).splitlines()
        for left in range(1, len(lines) - 2):
            cut = "\n".join([*lines[:left], lines[-1]])
            assert ssh_private_key(cut, passphrase) in (
                key_material.DAMAGED,
                key_material.NO_LINES,
            )


def test_a_key_of_openssh_that_costs_too_much_is_not_tried() -> None:
    data = base64.b64decode("".join(openssh("ed25519", "tulip").splitlines()[1:-1]))
    rounds = data.index(b"bcrypt") + len(b"bcrypt") + 4 + 4 + 16
    hostile = data[:rounds] + (1 << 31).to_bytes(4) + data[rounds + 4 :]
    assert openssh_key(data).is_too_costly is False
    assert openssh_key(hostile).is_too_costly is True
    body = base64.encodebytes(hostile).decode()
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n"
    assert ssh_private_key(text, "tulip") == key_material.TOO_COSTLY


def test_a_dsa_key_of_openssh_is_refused_unopened() -> None:
    def string(data: bytes) -> bytes:
        return len(data).to_bytes(4) + data

    public = string(string(b"ssh-dss") + string(b"p"))
    data = b"openssh-key-v1\0" + string(b"none") * 2 + string(b"") + (1).to_bytes(4) + public
    body = base64.encodebytes(data + string(b"x" * 64)).decode()
    text = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}-----END OPENSSH PRIVATE KEY-----\n"
    assert ssh_private_key(text) == key_material.DSA


# What opening costs


@pytest.mark.parametrize(
    ("options", "is_costly"),
    [
        (["-iter", "2048"], False),
        (["-iter", "1000000"], False),
        (["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512"], False),
        (["-v1", "PBE-SHA1-3DES"], False),
        (["-scrypt"], False),
        (["-iter", "6000000"], True),
    ],
    ids=["usual", "careful", "sha512", "old", "scrypt", "costly rounds"],
)
def test_the_cost_of_a_passphrase_is_read_before_it_is_paid(
    options: list[str], is_costly: bool, tmp_path: Path
) -> None:
    source = tmp_path / "key.pem"
    source.write_text(pem())
    command = ["openssl", "pkcs8", "-topk8", "-passout", "pass:tulip", "-in", str(source)]
    made = subprocess.run(
        [*command, *options], check=True, capture_output=True, text=True, timeout=60
    )
    words = private_key(made.stdout, "tulip")
    assert words == (key_material.TOO_COSTLY if is_costly else "")
    if not is_costly:
        assert private_key(made.stdout, "rose") == key_material.NOT_OPENED


def test_the_memory_that_scrypt_asks_for_is_limited() -> None:
    source = subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-scrypt", "-passout", "pass:tulip"],
        input=pem().encode(),
        check=True,
        capture_output=True,
        timeout=60,
    )
    usual = base64.b64decode("".join(source.stdout.decode().splitlines()[1:-1]))
    hostile = usual.replace(b"\x02\x01\x08", b"\x02\x01\x7f", 1)
    assert hostile != usual
    assert (is_too_costly(usual), is_too_costly(hostile)) == (False, True)


@given(st.binary(max_size=200))
def test_any_bytes_for_an_envelope_are_read_or_damaged(data: bytes) -> None:
    for read in (is_too_costly, openssh_key):
        for each in (data, b"openssh-key-v1\0" + data, b"\x30\x82" + data):
            try:
                read(each)
            except Damaged:
                continue


@given(st.integers(min_value=0), st.data())
def test_a_changed_envelope_never_breaks_the_reading(seed: int, data: st.DataObject) -> None:
    body = base64.b64decode("".join(pem(PKCS8, LOCKED).splitlines()[1:-1]))[:120]
    place = data.draw(st.integers(0, len(body) - 1))
    changed = body[:place] + bytes([seed % 256]) + body[place + 1 :]
    try:
        is_too_costly(changed)
    except Damaged:
        return


def test_the_limits_are_far_above_what_tools_make() -> None:
    assert key_envelopes.MOST_ROUNDS >= 1_000_000
    assert key_envelopes.MOST_SCRYPT >= 16_384 * 8
    assert key_envelopes.MOST_BCRYPT >= 100


# Certificates


def test_a_certificate_and_a_chain_are_right() -> None:
    one = made_certificate()
    assert certificate(one) == ""
    assert certificate(one + one) == ""
    assert certificate(one.replace("\n", "\r\n")) == ""
    assert certificate("Bag Attributes: tulip\n" + one) == ""
    assert certificate(one + pem()) == ""


def test_what_is_no_certificate_is_told_apart() -> None:
    one = made_certificate()
    assert certificate("tulip") == key_material.NOT_CERTIFICATE
    assert certificate(pem()) == key_material.KEY_FOR_CERTIFICATE
    assert certificate(public_pem()) == key_material.NOT_CERTIFICATE
    assert certificate(one[:-30]) == key_material.CUT_OFF
    assert certificate(one.replace("\n", "\\n")) == key_material.ESCAPED
    assert certificate(one.replace("\n", " ")) == key_material.NO_LINES
    assert certificate(without_lines(one, 2)) == key_material.DAMAGED_CERTIFICATE
    assert certificate(one + without_lines(one, 2)) == key_material.DAMAGED_CERTIFICATE
    assert certificate(one.replace("a", "!")) == key_material.DAMAGED_CERTIFICATE


def test_no_words_quote_a_key() -> None:
    for name, words in vars(key_material).items():
        if name.isupper() and not name.startswith("_") and isinstance(words, str):
            assert words.endswith(".")
    for text in (pem(), pem(PKCS1), openssh("rsa", "")):
        for broken in (without_lines(text, 2), text[:300], text.replace("\n", " ")):
            for line in text.splitlines()[1:-1]:
                assert line not in private_key(broken) + ssh_private_key(broken)
