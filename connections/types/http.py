"""http: a service that speaks HTTP.

The names of the extras are those that the HTTP provider of Airflow (6.3) reads. Every other
extra is sent as a header with each request; ``Authorization`` is the one that has a field.
Source: airflow/providers/http/hooks/http.py and docs/connections/http.rst of Airflow.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import (
    PORT_TWICE,
    count,
    duration,
    has_port,
    header,
    proxies,
    web_host,
    worker_path,
)

METHODS = (
    Method("basic", "User and password", "HTTP Basic", needs=("login",)),
    Method("header", "Authorization header", "A bearer token", needs=("Authorization",)),
    Method("token", "Token alone", "For hooks that send it their own way", needs=("password",)),
    Method("none", "None", "An open service, or a key in another header"),
)

_TARGET = (
    standard.host(
        placeholder="https://api.example.com/v1",
        help="A host or a whole URL. Tasks add their endpoint to it.",
        check=web_host,
    ),
    standard.schema(
        label="Scheme",
        choices=("https", "http"),
        default="http",
        help="Where the host doesn't name it.",
    ),
    standard.port(help="Empty for the one of the scheme."),
)

_AUTHENTICATION = (
    standard.login(methods=("basic",)),
    standard.password(label="Password or token", methods=("basic", "token")),
    TypeField(
        "Authorization",
        "Authorization header",
        kind="secret",
        group="authentication",
        methods=("header",),
        secret=True,
        placeholder="Bearer …",
        help="The whole value of the header, with the word Bearer.",
        check=header,
    ),
    TypeField(
        "cert",
        "Client certificate",
        group="authentication",
        placeholder="/etc/patchbay/client.pem",
        help="The path on the worker of a file with the certificate and its key.",
        check=worker_path,
    ),
)

_NETWORK = (
    TypeField(
        "verify",
        "Verify the certificate",
        group="network",
        choices=("true", "false"),
        is_open=True,
        default="true",
        help="Or the path on the worker of the CAs to trust.",
        check=worker_path,
    ),
    TypeField(
        "timeout", "Timeout", kind="number", group="network", help="Seconds.", check=duration
    ),
    TypeField(
        "proxies",
        "Proxies",
        kind="json",
        group="network",
        secret=True,
        placeholder='{"https": "http://proxy.example.com:3128"}',
        help="Their URLs by scheme. Kept secret: they may hold a password.",
        check=proxies,
    ),
    TypeField(
        "trust_env",
        "Proxies of the worker",
        kind="boolean",
        group="network",
        default="true",
        help="Take proxies and netrc from the worker's environment.",
    ),
    TypeField(
        "srv_lookup",
        "Look up SRV",
        kind="boolean",
        group="network",
        default="false",
        help="The host is the name of an SRV record, which names servers and ports.",
    ),
)

_ADVANCED = (
    TypeField(
        "allow_redirects", "Follow redirects", kind="boolean", group="advanced", default="true"
    ),
    TypeField(
        "max_redirects",
        "Most redirects",
        kind="integer",
        group="advanced",
        default="30",
        check=count,
    ),
    TypeField(
        "stream",
        "Stream",
        kind="boolean",
        group="advanced",
        default="false",
        help="Read an answer piece by piece.",
    ),
    TypeField(
        "check_response",
        "Check the answer",
        kind="boolean",
        group="advanced",
        default="true",
        help="A status of 400 and more fails the task.",
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    is_twice = values["port"] is not None and values["host"] and has_port(values["host"])
    return {"port": PORT_TWICE} if is_twice else {}


HTTP = ConnectionType(
    name="http",
    label="HTTP",
    category="Generic",
    description="Any service with an HTTP API",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    preselected="none",
    hook="connections.hooks.http:HttpHook",
    docs="docs/connection-types-services.md#http",
    check=_check,
)
