"""kafka: Apache Kafka, and what speaks its protocol.

``extra`` is the whole configuration of the client, so every property of librdkafka may stand in
it; the common ones have fields, under their own names. Source:
airflow/providers/apache/kafka/hooks/base.py of Airflow, and
https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md.
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.key_material import (
    ENCRYPTED,
    NOT_ENCRYPTED,
    NOT_OPENED,
    certificate,
    private_key,
)
from connections.types.service_validators import bootstrap_servers, milliseconds, worker_path
from connections.types.validators import http_url

METHODS = (
    Method("sasl", "User and password", "SASL PLAIN or SCRAM", needs=("sasl.username",)),
    Method(
        "oauth",
        "OAuth client",
        "SASL OAUTHBEARER, client credentials",
        needs=("sasl.oauthbearer.client.id", "sasl.oauthbearer.token.endpoint.url"),
    ),
    Method("kerberos", "Kerberos", "SASL GSSAPI, a keytab", needs=("sasl.kerberos.keytab",)),
    Method("certificate", "Certificate files", "mTLS", needs=("ssl.certificate.location",)),
    Method("pem", "Certificate, pasted", "mTLS", needs=("ssl.certificate.pem",)),
    Method("keystore", "Keystore", "mTLS, a PKCS#12 file", needs=("ssl.keystore.location",)),
    Method("none", "None", "Brokers without users, or the worker's own identity"),
)
_SASL = ("sasl", "oauth", "kerberos")

_TARGET = (
    TypeField(
        "bootstrap.servers",
        "Bootstrap servers",
        required=True,
        placeholder="broker-1:9092,broker-2:9092",
        help="Brokers with their ports, separated by commas.",
        check=bootstrap_servers,
    ),
    TypeField("group.id", "Consumer group", placeholder="my-group", help="For tasks that read."),
    TypeField("client.id", "Client ID", help="How brokers call this client in their logs."),
)

_SIGNING_IN = (
    TypeField(
        "security.protocol",
        "Protocol",
        group="authentication",
        choices=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        default="PLAINTEXT",
        help="SASL for users, SSL for encryption.",
    ),
    TypeField(
        "sasl.mechanism",
        "Mechanism",
        group="authentication",
        choices=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"),
        default="GSSAPI",
    ),
    TypeField("sasl.username", "User name", group="authentication", methods=("sasl",)),
    TypeField(
        "sasl.password",
        "Password",
        kind="secret",
        group="authentication",
        methods=("sasl",),
        secret=True,
    ),
    TypeField(
        "sasl.oauthbearer.method",
        "Source of the token",
        group="authentication",
        methods=("oauth",),
        choices=("default", "oidc"),
        default="default",
        help="oidc for client credentials.",
    ),
    TypeField(
        "sasl.oauthbearer.token.endpoint.url",
        "Token URL",
        group="authentication",
        methods=("oauth",),
        check=http_url,
    ),
    TypeField(
        "sasl.oauthbearer.client.id", "Client ID", group="authentication", methods=("oauth",)
    ),
    TypeField(
        "sasl.oauthbearer.client.secret",
        "Client secret",
        kind="secret",
        group="authentication",
        methods=("oauth",),
        secret=True,
    ),
    TypeField("sasl.oauthbearer.scope", "Scope", group="authentication", methods=("oauth",)),
    TypeField(
        "sasl.kerberos.keytab",
        "Keytab",
        group="authentication",
        methods=("kerberos",),
        help="The path of the file on the worker.",
        check=worker_path,
    ),
)

#: A broker may ask for a certificate and a user.
_CERTIFICATES = (
    TypeField(
        "ssl.certificate.location",
        "Certificate",
        group="authentication",
        methods=("certificate", *_SASL),
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl.key.location",
        "Key of the certificate",
        group="authentication",
        methods=("certificate", *_SASL),
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl.certificate.pem",
        "Certificate",
        kind="lines",
        group="authentication",
        methods=("pem", *_SASL),
        placeholder="-----BEGIN CERTIFICATE-----",
        check=certificate,
    ),
    TypeField(
        "ssl.key.pem",
        "Key of the certificate",
        kind="pem",
        group="authentication",
        methods=("pem", *_SASL),
        secret=True,
        placeholder="-----BEGIN PRIVATE KEY-----",
    ),
    TypeField(
        "ssl.key.password",
        "Passphrase of the key",
        kind="secret",
        group="authentication",
        methods=("certificate", "pem", *_SASL),
        secret=True,
    ),
    TypeField(
        "ssl.keystore.location",
        "Keystore",
        group="authentication",
        methods=("keystore", *_SASL),
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl.keystore.password",
        "Password of the keystore",
        kind="secret",
        group="authentication",
        methods=("keystore", *_SASL),
        secret=True,
    ),
)

_NETWORK = (
    TypeField(
        "ssl.ca.location",
        "CA certificates",
        group="network",
        placeholder="/etc/patchbay/ca.pem",
        help="The path on the worker; probe looks where systems keep them.",
        check=worker_path,
    ),
    TypeField(
        "ssl.ca.pem",
        "CA certificates, pasted",
        kind="lines",
        group="network",
        placeholder="-----BEGIN CERTIFICATE-----",
        check=certificate,
    ),
    TypeField(
        "enable.ssl.certificate.verification",
        "Verify the certificate",
        kind="boolean",
        group="network",
        default="true",
    ),
    TypeField(
        "ssl.endpoint.identification.algorithm",
        "Check of the host's name",
        group="network",
        choices=("https", "none"),
        default="https",
    ),
    TypeField(
        "socket.timeout.ms",
        "Timeout",
        kind="integer",
        group="network",
        placeholder="60000",
        default="60000",
        help="Milliseconds.",
        check=milliseconds,
    ),
)

_ADVANCED = (
    TypeField(
        "auto.offset.reset",
        "Where a new group begins",
        group="advanced",
        choices=("earliest", "latest", "error", "smallest", "largest", "beginning", "end"),
        default="largest",
    ),
    TypeField(
        "enable.auto.commit", "Commit by itself", kind="boolean", group="advanced", default="true"
    ),
    TypeField(
        "session.timeout.ms",
        "Timeout of a session",
        kind="integer",
        group="advanced",
        placeholder="45000",
        default="45000",
        help="Milliseconds, after which a silent reader counts as gone.",
        check=milliseconds,
    ),
    TypeField(
        "sasl.kerberos.principal",
        "Kerberos principal",
        group="advanced",
        placeholder="patchbay@EXAMPLE.COM",
    ),
    TypeField(
        "sasl.kerberos.service.name",
        "Kerberos service",
        group="advanced",
        default="kafka",
    ),
    TypeField(
        "error_cb",
        "Function for errors",
        group="advanced",
        placeholder="my_module.on_error",
        help="Its name with its module.",
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """The client ignores a passphrase that a key doesn't need, and a client without ``oidc``."""
    errors: dict[str, str] = {}
    key = values["ssl.key.pem"]
    words = private_key(key, values["ssl.key.password"] or "") if key else ""
    if words not in ("", NOT_ENCRYPTED):
        is_passphrase = words in (ENCRYPTED, NOT_OPENED)
        errors["ssl.key.password" if is_passphrase else "ssl.key.pem"] = words
    source = (values["sasl.oauthbearer.method"] or "default").casefold()
    if values["sasl.oauthbearer.client.id"] and source != "oidc":
        errors["sasl.oauthbearer.method"] = "Set this to oidc: else the client is not used."
    return errors


KAFKA = ConnectionType(
    name="kafka",
    label="Apache Kafka",
    category="Messaging",
    description="Topics of Apache Kafka",
    fields=(*_TARGET, *_SIGNING_IN, *_CERTIFICATES, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    preselected="none",
    docs="docs/connection-types-services.md#kafka",
    check=_check,
)
