"""docker: a registry of images, where the Docker daemon signs in before it pulls.

Source: airflow/providers/docker/hooks/docker.py and docs/connections/docker.rst of Airflow. The
daemon itself is named by the task.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import PORT_TWICE, email_address, has_port, registry

METHODS = (
    Method("login", "User and password", "Or a token in the password's place", needs=("login",)),
    Method("none", "None", "Open images only"),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    is_twice = values["port"] is not None and values["host"] and has_port(values["host"])
    return {"port": PORT_TWICE} if is_twice else {}


DOCKER = ConnectionType(
    name="docker",
    label="Docker registry",
    category="Compute",
    description="A registry of container images",
    fields=(
        standard.host(
            label="Registry",
            placeholder="https://index.docker.io/v1/",
            help="Its URL or host.",
            check=registry,
        ),
        standard.port(help="Empty where the registry's URL names it."),
        standard.login(label="User name", methods=("login",)),
        standard.password(methods=("login",)),
        TypeField(
            "email",
            "E-mail",
            group="authentication",
            methods=("login",),
            placeholder="ci@example.com",
            help="Of the account; few registries ask for it.",
            check=email_address,
        ),
        TypeField(
            "reauth",
            "Sign in anew",
            kind="boolean",
            group="advanced",
            default="true",
            help="Also where the daemon is signed in already.",
        ),
    ),
    methods=METHODS,
    preselected="none",
    docs="docs/connection-types-services.md#docker",
    check=_check,
)
