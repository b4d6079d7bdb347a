"""mongo: MongoDB.

Airflow's hook reads ``srv``, ``ssl`` and ``allow_insecure``, and hands every other extra to the
client under the same name; the common ones have fields. Source:
airflow/providers/mongo/hooks/mongo.py of Airflow, and the options of MongoDB's connection strings,
https://www.mongodb.com/docs/manual/reference/connection-string-options/.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import (
    PORT_TWICE,
    milliseconds,
    parts_of_server,
    servers,
    worker_path,
)

X509 = "MONGODB-X509"

METHODS = (
    Method("password", "User and password", "SCRAM, LDAP", needs=("login",)),
    Method(
        "x509",
        "Client certificate",
        "X.509, no password",
        needs=("authMechanism", "tlsCertificateKeyFile"),
    ),
    Method("none", "None", "A server without users, or the worker's own identity"),
)

_TARGET = (
    standard.host(
        placeholder="mongo.example.com",
        help="With srv, the name that lists the servers. Else also several: a:27017,b:27017.",
        check=servers,
    ),
    standard.port(placeholder="27017", default="27017", help="Empty with srv."),
    standard.schema(label="Database", help="The default one; also where the user is kept."),
    TypeField(
        "srv",
        "SRV",
        kind="boolean",
        default="false",
        help="DNS tells the servers, as in mongodb+srv://.",
    ),
    TypeField("replicaSet", "Replica set", help="Its name."),
)

_AUTHENTICATION = (
    standard.login(label="User name", methods=("password", "x509")),
    standard.password(methods=("password",)),
    TypeField(
        "authMechanism",
        "Mechanism",
        group="authentication",
        choices=(
            "DEFAULT",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1",
            X509,
            "MONGODB-AWS",
            "MONGODB-OIDC",
            "PLAIN",
            "GSSAPI",
        ),
        default="DEFAULT",
        help=f"{X509} for a client certificate.",
    ),
    TypeField(
        "authSource",
        "Database of the user",
        group="authentication",
        placeholder="admin",
        help="Where it isn't the database above.",
    ),
)

_NETWORK = (
    TypeField("ssl", "TLS", kind="boolean", group="network", help="On with srv."),
    TypeField(
        "allow_insecure",
        "Take any certificate",
        kind="boolean",
        group="network",
        default="false",
        help="Doesn't check the server's certificate.",
    ),
    TypeField(
        "tlsCAFile",
        "CA certificates",
        group="network",
        placeholder="/etc/patchbay/ca.pem",
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "tlsCertificateKeyFile",
        "Client certificate",
        group="network",
        placeholder="/etc/patchbay/client.pem",
        help="The path on the worker of a file with the certificate and its key.",
        check=worker_path,
    ),
    TypeField(
        "tlsCertificateKeyFilePassword",
        "Passphrase of its key",
        kind="secret",
        group="network",
        secret=True,
    ),
    TypeField(
        "connectTimeoutMS",
        "Timeout to connect",
        kind="integer",
        group="network",
        placeholder="20000",
        help="Milliseconds.",
        check=milliseconds,
    ),
    TypeField(
        "serverSelectionTimeoutMS",
        "Timeout to find a server",
        kind="integer",
        group="network",
        placeholder="30000",
        help="Milliseconds.",
        check=milliseconds,
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    host = values["host"] or ""
    if values["srv"]:
        if values["port"] is not None:
            errors["port"] = "With srv, DNS tells the port. Empty this."
        if "," in host or ":" in host:
            errors["host"] = "With srv, one name without a port: DNS tells the servers."
    elif values["port"] is not None and _has_port(host):
        errors["port"] = PORT_TWICE
    if values["password"] and (values["authMechanism"] or "").upper() == X509:
        errors["password"] = f"{X509} signs in without a password. Clear it."
    return errors


def _has_port(host: str) -> bool:
    """Of the last one: a port of the connection is put behind it."""
    return parts_of_server(host.rpartition(",")[2].strip())[1] is not None


MONGO = ConnectionType(
    name="mongo",
    label="MongoDB",
    category="Database",
    description="Documents in MongoDB",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK),
    methods=METHODS,
    preselected="none",
    docs="docs/connection-types-services.md#mongodb",
    check=_check,
)
