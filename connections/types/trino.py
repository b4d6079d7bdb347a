"""trino: Trino, and Starburst.

Names are those of Airflow's Trino provider
(https://airflow.apache.org/docs/apache-airflow-providers-trino/stable/connections.html).
``extra_credential`` is read by its hook too, and holds secrets under names that
don't say so: it is declared here to be masked.
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.cloud_validators import (
    file_path,
    host_or_url,
    needed,
    time_zone,
    verification,
)
from connections.types.standard import host, login, password, port, schema

METHODS = (
    Method("password", "Password", "User and password, over HTTPS", needs=("password",)),
    Method("jwt", "JWT", "A token, kept here", needs=("jwt__token",)),
    Method("jwt_file", "JWT file", "A path on the worker", needs=("jwt__file",)),
    Method(
        "certs",
        "Client certificate",
        "Paths on the worker",
        needs=("certs__client_cert_path",),
    ),
    Method("kerberos", "Kerberos", "The worker's ticket", needs=("auth",)),
    Method("none", "User alone", "No proof of who it is"),
)

#: Which value of ``auth`` makes Airflow's hook look at a method's fields.
AUTH_OF = {"jwt__token": "jwt", "jwt__file": "jwt", "certs__client_cert_path": "certs"}

_TARGET = (
    host(placeholder="trino.example.com", help="Or its URL.", check=host_or_url),
    port(placeholder="8080", default="8080"),
    TypeField("catalog", "Catalog", placeholder="hive", default="hive"),
    schema(placeholder="default"),
)


def _kerberos(name: str, label: str, **declared: Any) -> TypeField:
    return TypeField(
        f"kerberos__{name}", label, group="authentication", methods=("kerberos",), **declared
    )


_AUTHENTICATION = (
    login(label="User", placeholder="reports"),
    password(methods=("password",)),
    TypeField(
        "auth",
        "Kind",
        group="authentication",
        methods=("kerberos", "jwt", "jwt_file", "certs"),
        choices=("jwt", "certs", "kerberos"),
        help="Must fit what is chosen above.",
    ),
    TypeField(
        "jwt__token", "JWT", kind="secret", group="authentication", methods=("jwt",), secret=True
    ),
    TypeField(
        "jwt__file",
        "Path of the JWT",
        group="authentication",
        methods=("jwt_file",),
        placeholder="/run/secrets/trino.jwt",
        check=file_path,
    ),
    TypeField(
        "certs__client_cert_path",
        "Path of the certificate",
        group="authentication",
        methods=("certs",),
        check=file_path,
    ),
    TypeField(
        "certs__client_key_path",
        "Path of its key",
        group="authentication",
        methods=("certs",),
        check=file_path,
    ),
    _kerberos("service_name", "Service name", placeholder="trino"),
    _kerberos("principal", "Principal", placeholder="reports@EXAMPLE.COM"),
    _kerberos("config", "Path of krb5.conf", check=file_path),
    _kerberos("ca_bundle", "Path of the CA bundle", check=file_path),
    _kerberos("hostname_override", "Host name in the principal"),
    _kerberos("mutual_authentication", "Mutual authentication", help="true or false."),
    _kerberos("force_preemptive", "Send the ticket at once", kind="boolean"),
    _kerberos("delegate", "Pass the ticket on", kind="boolean"),
    _kerberos("sanitize_mutual_error_response", "Hide unproven errors", kind="boolean"),
    TypeField(
        "extra_credential",
        "Extra credentials",
        kind="secret",
        group="authentication",
        secret=True,
        help="Pairs of name and value for connectors.",
    ),
)

_NETWORK = (
    TypeField(
        "protocol",
        "Protocol",
        group="network",
        choices=("http", "https"),
        default="http",
        help="Trino takes a password over https only.",
    ),
    TypeField(
        "verify",
        "Verify certificates",
        group="network",
        placeholder="true",
        help="true, false, or the path of a CA bundle.",
        check=verification,
    ),
)

_ADVANCED = (
    TypeField("session_properties", "Session properties", kind="json", group="advanced"),
    TypeField(
        "client_tags",
        "Client tags",
        kind="json_value",
        group="advanced",
        placeholder='["reports"]',
    ),
    TypeField("source", "Source", group="advanced", placeholder="airflow", default="airflow"),
    TypeField(
        "timezone", "Time zone", group="advanced", placeholder="Europe/Berlin", check=time_zone
    ),
    TypeField(
        "isolation_level",
        "Isolation level",
        group="advanced",
        choices=(
            "AUTOCOMMIT",
            "READ_UNCOMMITTED",
            "READ_COMMITTED",
            "REPEATABLE_READ",
            "SERIALIZABLE",
        ),
        default="AUTOCOMMIT",
    ),
    TypeField("impersonate_as_owner", "Act as the DAG's owner", kind="boolean", group="advanced"),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """Airflow's hook looks at a token or certificate only if ``auth`` says so."""
    auth = (values["auth"] or "").lower()
    for name, expected in AUTH_OF.items():
        if values[name] and auth != expected:
            return {"auth": f"Choose {expected}: what is given belongs to it."}
    if values["password"]:
        return {}
    if auth == "certs":
        paths = ("certs__client_cert_path", "certs__client_key_path")
        return needed(values, paths, method="Client certificate")
    if auth == "jwt" and not values["jwt__file"]:
        return needed(values, ("jwt__token",), method="JWT")
    return {}


TRINO = ConnectionType(
    name="trino",
    label="Trino",
    category="Warehouse",
    description="Trino and Starburst, and every catalog behind them",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    docs="docs/connection-types-cloud.md#trino",
    check=_check,
)
