"""smtp: a mail server.

The names of the extras are those that the SMTP provider of Airflow (3.2) reads. Source:
airflow/providers/smtp/hooks/smtp.py of Airflow. Without ``auth_type`` of oauth2 it takes no token.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import (
    count,
    duration,
    email_address,
    hostname,
    worker_path,
)

METHODS = (
    Method("password", "User and password", "A mailbox", needs=("password",)),
    Method("token", "Access token", "OAuth, a token of your own", needs=("access_token",)),
    Method(
        "client",
        "OAuth client",
        "A token from Microsoft for client credentials",
        needs=("client_id", "client_secret"),
    ),
    Method("none", "None", "A relay that knows the worker's address"),
)

_TARGET = (
    standard.host(placeholder="smtp.example.com", check=hostname),
    standard.port(placeholder="465", default="465", help="587 and 25 without SSL, see below."),
    TypeField(
        "from_email",
        "From",
        placeholder="reports@example.com",
        help="The sender, where a task names none.",
        check=email_address,
    ),
)

_AUTHENTICATION = (
    standard.login(help="Also whose mailbox a token is for."),
    standard.password(methods=("password",)),
    TypeField(
        "auth_type",
        "Way of signing in",
        group="authentication",
        choices=("basic", "oauth2"),
        default="basic",
        help="oauth2 for a token or a client.",
    ),
    TypeField(
        "access_token",
        "Access token",
        kind="secret",
        group="authentication",
        methods=("token",),
        secret=True,
    ),
    TypeField("client_id", "Client ID", group="authentication", methods=("client",)),
    TypeField(
        "client_secret",
        "Client secret",
        kind="secret",
        group="authentication",
        methods=("client",),
        secret=True,
    ),
    TypeField(
        "tenant_id",
        "Tenant",
        group="authentication",
        methods=("client",),
        default="common",
        help="Of Microsoft Entra: its ID or a domain.",
    ),
    TypeField(
        "scope",
        "Scope",
        group="authentication",
        methods=("client",),
        placeholder="https://outlook.office.com/.default",
        default="https://outlook.office.com/.default",
    ),
)

_NETWORK = (
    TypeField(
        "disable_ssl",
        "Without SSL",
        kind="boolean",
        group="network",
        default="false",
        help="Begin in clear: for STARTTLS on port 587.",
    ),
    TypeField(
        "disable_tls",
        "Without STARTTLS",
        kind="boolean",
        group="network",
        default="false",
        help="Stay in clear where SSL is off.",
    ),
    TypeField(
        "ssl_context",
        "Certificate",
        group="network",
        choices=("default", "none"),
        default="default",
        help="none doesn't check the server's certificate.",
    ),
    TypeField(
        "timeout",
        "Timeout",
        kind="integer",
        group="network",
        placeholder="30",
        default="30",
        help="Seconds.",
        check=duration,
    ),
    TypeField(
        "retry_limit",
        "Retries",
        kind="integer",
        group="network",
        placeholder="5",
        default="5",
        check=count,
    ),
)

_ADVANCED = (
    TypeField(
        "subject_template",
        "Template of the subject",
        group="advanced",
        help="The path of its file on the worker.",
        check=worker_path,
    ),
    TypeField(
        "html_content_template",
        "Template of the text",
        group="advanced",
        help="The path of its file on the worker, HTML.",
        check=worker_path,
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    has_token = values["access_token"] or values["client_secret"]
    if has_token and (values["auth_type"] or "basic").casefold() != "oauth2":
        return {"auth_type": "Set this to oauth2: without it, the token is not used."}
    return {}


SMTP = ConnectionType(
    name="smtp",
    label="SMTP",
    category="Notification",
    description="E-mail through a mail server",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    docs="docs/connection-types-services.md#smtp",
    check=_check,
)
