"""kubernetes: a cluster of Kubernetes.

The names of the extras are those that the Kubernetes provider of Airflow reads. Source:
airflow/providers/cncf/kubernetes/hooks/kubernetes.py of Airflow; for the file,
https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/. ``yaml`` is loaded with the first
one.
"""

from __future__ import annotations

from typing import Any

from connections.types.base import ConnectionType, Method, TypeField
from connections.types.service_validators import json_text, namespace, worker_path

METHODS = (
    Method("kube_config", "Kubeconfig", "Pasted or dropped, and kept here", needs=("kube_config",)),
    Method("path", "Kubeconfig file", "A path on the worker", needs=("kube_config_path",)),
    Method("in_cluster", "In the cluster", "The worker's service account", needs=("in_cluster",)),
    Method("default", "Default", "The kubeconfig of the worker's user"),
)
#: Kubernetes itself refuses larger objects than 1 MB; a kubeconfig has a few KB.
LONGEST_CONFIG = 100_000
NO_CONTEXT = "The kubeconfig has no context of this name."


def kubeconfig(value: Any) -> str:
    """What is wrong with a kubeconfig, as YAML or JSON text or as an object."""
    data, words = _parsed(value) if isinstance(value, str) else (value, "")
    if words:
        return words
    if not isinstance(data, dict):
        return "This is not a kubeconfig: an object with clusters, users and contexts is expected."
    if data.get("kind", "Config") != "Config":
        return 'This is not a kubeconfig: its "kind" must be Config.'
    for name in ("clusters", "contexts"):
        if not _named(data.get(name)):
            return f"This kubeconfig has no {name}."
    if not isinstance(data.get("users"), list | None):
        return "The users of this kubeconfig are no list."
    return ""


def _parsed(text: str) -> tuple[Any, str]:
    """(data, words). The words tell the place of what is wrong, and never what stands there."""
    import yaml

    if len(text) > LONGEST_CONFIG:
        return None, "This is too long for a kubeconfig."
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            # A few of them, one in another, take all memory.
            return None, "A kubeconfig with aliases (*name) can't be kept."
        return yaml.safe_load(text), ""
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        return None, f"This is not YAML{place}."
    except (yaml.YAMLError, RecursionError, ValueError):
        return None, "This is not YAML."


def _named(value: Any) -> list[str]:
    """The names in a list of a kubeconfig: of clusters, users or contexts."""
    items = value if isinstance(value, list) else []
    names = [item.get("name") for item in items if isinstance(item, dict)]
    return [name for name in names if isinstance(name, str) and name]


_TARGET = (
    TypeField(
        "namespace",
        "Namespace",
        placeholder="default",
        default="default",
        help="Where tasks run that name none.",
        check=namespace,
    ),
    TypeField(
        "cluster_context",
        "Context",
        help="Of the kubeconfig. Empty for its current one.",
    ),
)

_AUTHENTICATION = (
    TypeField(
        "kube_config",
        "Kubeconfig",
        kind="key_json",
        group="authentication",
        methods=("kube_config",),
        secret=True,
        placeholder='{"clusters": […], "users": […], "contexts": […]}',
        help="The whole file, JSON or YAML. Its users' keys belong into it, not their paths.",
        check=kubeconfig,
    ),
    TypeField(
        "kube_config_path",
        "Path of the kubeconfig",
        group="authentication",
        methods=("path",),
        placeholder="/etc/patchbay/kubeconfig",
        help="Read by the worker when a session is opened.",
        check=worker_path,
    ),
    TypeField(
        "in_cluster",
        "In the cluster",
        kind="boolean",
        group="authentication",
        methods=("in_cluster",),
    ),
)

_NETWORK = (
    TypeField(
        "disable_verify_ssl",
        "Take any certificate",
        kind="boolean",
        group="network",
        default="false",
        help="Doesn't check the server's certificate.",
    ),
    TypeField(
        "disable_tcp_keepalive",
        "Without keepalive",
        kind="boolean",
        group="network",
        default="false",
        help="Silent connections may be cut by a firewall then.",
    ),
)

_ADVANCED = (
    TypeField(
        "xcom_sidecar_container_image",
        "Sidecar's image",
        group="advanced",
        placeholder="alpine",
        help="Of the container that hands over a pod's result.",
    ),
    TypeField(
        "xcom_sidecar_container_resources",
        "Sidecar's resources",
        kind="lines",
        group="advanced",
        placeholder='{"requests": {"cpu": "1m"}}',
        help="A JSON object.",
        check=json_text,
    ),
    TypeField(
        "xcom_sidecar_container_security_context",
        "Sidecar's security context",
        kind="lines",
        group="advanced",
        placeholder='{"runAsNonRoot": true}',
        help="A JSON object.",
        check=json_text,
    ),
)


def _check(values: dict[str, Any]) -> dict[str, str]:
    """The context must be one of the kubeconfig that is kept here."""
    config, context = values["kube_config"], values["cluster_context"]
    if not config or not context:
        return {}
    data = _parsed(config)[0] if isinstance(config, str) else config
    return {} if context in _named(data["contexts"]) else {"cluster_context": NO_CONTEXT}


KUBERNETES = ConnectionType(
    name="kubernetes",
    label="Kubernetes",
    category="Compute",
    description="Pods and jobs in a cluster",
    fields=(*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED),
    methods=METHODS,
    docs="docs/connection-types-services.md#kubernetes",
    legacy_prefix="extra__kubernetes__",
    check=_check,
)
