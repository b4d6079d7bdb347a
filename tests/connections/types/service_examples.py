"""Values that the checks of the service types take: keys, certificates, a kubeconfig."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID

#: Passphrase of the encrypted keys below.
PASSPHRASE = "tulip %/:@ passphrase"

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_PKCS8 = serialization.PrivateFormat.PKCS8
_OPENSSH = serialization.PrivateFormat.OpenSSH


@cache
def private_key(passphrase: str = "", *, is_openssh: bool = False) -> str:
    """A PEM key; one in OpenSSH's own form is never encrypted here: that takes bcrypt."""
    secret = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    form = _OPENSSH if is_openssh else _PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, secret).decode()


@cache
def certificate() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    made = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2036, 1, 1, tzinfo=UTC),
    ).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@cache
def host_key(kind: str = "ssh-ed25519") -> str:
    """``type base64``, as ssh-keyscan prints it behind the host's name."""
    public = _public_key(kind)
    line = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return line.decode()


def _public_key(
    kind: str,
) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey:
    if kind == "ssh-ed25519":
        return ed25519.Ed25519PrivateKey.generate().public_key()
    if kind == "ssh-rsa":
        return rsa.generate_private_key(public_exponent=65_537, key_size=2048).public_key()
    return ec.generate_private_key(ec.SECP256R1()).public_key()


@cache
def dsa_host_key() -> str:
    """The parts of such a key: cryptography writes none any more."""
    numbers = dsa.generate_private_key(key_size=1024).public_key().public_numbers()
    group = numbers.parameter_numbers
    parts = [b"ssh-dss", *(_mpint(each) for each in (group.p, group.q, group.g, numbers.y))]
    return "ssh-dss " + encoded(*parts)


def encoded(*parts: bytes) -> str:
    """The base64 of a key of these parts, each with its length before it."""
    return base64.b64encode(
        b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    ).decode()


def _mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def kubeconfig() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "reports", "cluster": {"server": "https://k8s.example.com:6443"}}],
        "users": [{"name": "patchbay", "user": {"token": "tulip of the kubeconfig"}}],
        "contexts": [{"name": "eu", "context": {"cluster": "reports", "user": "patchbay"}}],
        "current-context": "eu",
    }


#: What stands in the example of each type (``every_type``), where no plain text will do.
SERVICE_VALUES: dict[tuple[str, str], Any] = {
    ("http", "proxies"): {"https": "http://patchbay:tulip@proxy.example.com:3128"},
    ("ssh", "host_key"): host_key(),
    ("ssh", "no_host_key_check"): False,
    ("sftp", "host_key"): host_key(),
    ("sftp", "no_host_key_check"): False,
    ("mongo", "srv"): False,
    ("redis", "db"): 0,
    ("kafka", "ssl.certificate.pem"): certificate(),
    ("kafka", "ssl.ca.pem"): certificate(),
    ("slack", "proxy"): "http://patchbay:tulip-slack@proxy.example.com:3128",
    ("slackwebhook", "proxy"): "http://patchbay:tulip-webhook@proxy.example.com:3128",
    ("github", "password"): "ghp_tulip9876543210tulip9876543210tulip9",
    ("kubernetes", "kube_config"): yaml.safe_dump(kubeconfig()),
    ("kubernetes", "cluster_context"): "eu",
    ("kubernetes", "xcom_sidecar_container_resources"): '{"requests": {"cpu": "1m"}}',
    ("kubernetes", "xcom_sidecar_container_security_context"): '{"runAsNonRoot": true}',
}
