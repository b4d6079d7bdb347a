"""Service account keys, as Google's console hands them out.

https://cloud.google.com/iam/docs/keys-create-delete#creating shows the file.
"""

import functools
import hashlib
from typing import Protocol
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


class KeyRegistry(Protocol):
    """A fake, in this process or another, that takes public keys."""

    @property
    def token_uri(self) -> str:
        """Where tokens are asked for."""

    def register_key(self, *, email: str, key_id: str, public_key: str) -> None:
        """Accept assertions of this account signed with this key (PEM)."""


def service_account_key(
    fake: KeyRegistry, *, email: str | None = None, project: str = "acme", fresh: bool = False
) -> dict[str, str]:
    """A key file's content whose public half the fake knows.

    All accounts share one key pair per process, because making one takes a while; ``fresh``
    makes another.
    """
    email = email or f"patchbay@{project}.iam.gserviceaccount.com"
    private_key = _generate() if fresh else _shared()
    public_key = _public_pem(private_key)
    key_id = hashlib.sha1(public_key.encode()).hexdigest()
    fake.register_key(email=email, key_id=key_id, public_key=public_key)
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": _private_pem(private_key),
        "client_email": email,
        "client_id": str(int(hashlib.sha256(email.encode()).hexdigest(), 16))[:21],
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": fake.token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": (
            f"https://www.googleapis.com/robot/v1/metadata/x509/{quote(email, safe='')}"
        ),
        "universe_domain": "googleapis.com",
    }


def _generate() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


_shared = functools.cache(_generate)


def _private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _public_pem(key: rsa.RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
