"""redis: a Redis or Valkey server, or a cluster of them.

The names of the extras are those that the Redis provider of Airflow (4.7) reads. Source:
airflow/providers/redis/hooks/redis.py of Airflow.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import count, hostname, servers, worker_path

METHODS = (
    Method("user", "User and password", "A user of its access list", needs=("login",)),
    Method("password", "Password", "Of the default user", needs=("password",)),
    Method("none", "None", "A server without a password"),
)

_TARGET = (
    standard.host(placeholder="redis.example.com", check=hostname),
    standard.port(placeholder="6379", default="6379"),
    TypeField(
        "db",
        "Database",
        kind="integer",
        placeholder="0",
        default="0",
        help="Its number. A cluster has 0 only.",
        check=count,
    ),
    TypeField("cluster", "Cluster", kind="boolean", default="false"),
    TypeField(
        "startup_nodes",
        "More nodes",
        placeholder="node-2:6379,node-3:6379",
        help="Of a cluster: asked where the host doesn't answer.",
        check=servers,
    ),
)

_AUTHENTICATION = (
    standard.login(methods=("user",)),
    standard.password(methods=("user", "password")),
)

_NETWORK = (
    TypeField("ssl", "TLS", kind="boolean", group="network", default="false"),
    TypeField(
        "ssl_cert_reqs",
        "Check of the certificate",
        group="network",
        choices=("required", "optional", "none"),
        default="required",
    ),
    TypeField(
        "ssl_ca_certs",
        "CA certificates",
        group="network",
        placeholder="/etc/patchbay/ca.pem",
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl_certfile",
        "Client certificate",
        group="network",
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl_keyfile",
        "Key of the client certificate",
        group="network",
        help="The path of the file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "ssl_check_hostname",
        "Check the host's name",
        kind="boolean",
        group="network",
        default="false",
        help="Whether the certificate must be for this host.",
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    if values["cluster"] and values["db"]:
        return {"db": "A cluster has the database 0 only. Empty this."}
    return {}


REDIS = ConnectionType(
    name="redis",
    label="Redis",
    category="Database",
    description="Redis or Valkey, one server or a cluster",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK),
    methods=METHODS,
    preselected="none",
    docs="docs/connection-types-services.md#redis",
    check=_check,
)
