"""ssh: commands on another machine.

The names of the extras are those that the SSH provider of Airflow (7.0) reads. Source:
airflow/providers/ssh/hooks/ssh.py and docs/connections/ssh.rst of Airflow; ``sftp`` shares them.
"""

from __future__ import annotations

from typing import Any

from connections.types import standard
from connections.types.base import ConnectionType, Method, TypeField
from connections.types.key_material import ENCRYPTED, NOT_OPENED, ssh_private_key
from connections.types.service_validators import duration, hostname, names, worker_path
from connections.types.ssh_host_keys import host_key

METHODS = (
    Method("private_key", "Private key", "Pasted, and kept here", needs=("private_key",)),
    Method("key_file", "Key file", "A path on the worker", needs=("key_file",)),
    Method("password", "Password", "Of the user on that machine", needs=("password",)),
    Method("agent", "Agent", "The worker's own keys and SSH agent"),
)

_TARGET = (
    standard.host(placeholder="files.example.com", check=hostname),
    standard.port(placeholder="22", default="22"),
)

_AUTHENTICATION = (
    standard.login(label="User name", help="Empty for the user that the worker runs as."),
    TypeField(
        "private_key",
        "Private key",
        kind="pem",
        group="authentication",
        methods=("private_key",),
        secret=True,
        placeholder="-----BEGIN OPENSSH PRIVATE KEY-----",
        help="The whole file, with its first and last line.",
    ),
    TypeField(
        "key_file",
        "Path of the key file",
        group="authentication",
        methods=("key_file",),
        placeholder="/run/secrets/id_ed25519",
        help="Read by the worker when a session is opened.",
        check=worker_path,
    ),
    TypeField(
        "private_key_passphrase",
        "Passphrase of the key",
        kind="secret",
        group="authentication",
        methods=("private_key", "key_file"),
        secret=True,
        help="For a key file, Airflow takes the password in its place.",
    ),
    standard.password(
        methods=("password", "private_key", "key_file"),
        help="Beside a key: where the server asks for both.",
    ),
    TypeField(
        "look_for_keys",
        "Look for keys",
        kind="boolean",
        group="authentication",
        default="true",
        help="Try the keys in ~/.ssh of the worker, too.",
    ),
)

_NETWORK = (
    TypeField(
        "host_key",
        "Host key",
        group="network",
        placeholder="ssh-ed25519 AAAA…",
        help="The server's public key, as ssh-keyscan prints it. Another key is refused then.",
        check=host_key,
    ),
    TypeField(
        "no_host_key_check",
        "Don't check the host key",
        kind="boolean",
        group="network",
        help="Takes any server for the right one.",
    ),
    TypeField(
        "allow_host_key_change",
        "Allow another host key",
        kind="boolean",
        group="network",
        default="false",
        help="Also a key that is not the known one.",
    ),
    TypeField(
        "conn_timeout",
        "Timeout to connect",
        kind="integer",
        group="network",
        placeholder="10",
        default="10",
        help="Seconds.",
        check=duration,
    ),
    TypeField("compress", "Compress", kind="boolean", group="network", default="true"),
)

_ADVANCED = (
    TypeField(
        "cmd_timeout",
        "Timeout of a command",
        kind="integer",
        group="advanced",
        placeholder="10",
        default="10",
        help="Seconds.",
        check=duration,
    ),
    TypeField(
        "disabled_algorithms",
        "Disabled algorithms",
        kind="json",
        group="advanced",
        placeholder='{"pubkeys": ["rsa-sha2-512"]}',
        help="For old servers: lists of names by kind.",
    ),
    TypeField(
        "ciphers",
        "Ciphers",
        kind="json_value",
        group="advanced",
        placeholder='["aes256-ctr", "aes192-ctr"]',
        help="A list, the preferred one first.",
        check=names,
    ),
)

FIELDS = (*_TARGET, *_AUTHENTICATION, *_NETWORK, *_ADVANCED)


def check_ssh(values: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    if key := values["private_key"]:
        words = ssh_private_key(key, values["private_key_passphrase"] or "")
        is_passphrase = words in (ENCRYPTED, NOT_OPENED)
        errors["private_key_passphrase" if is_passphrase else "private_key"] = words
    if values["host_key"] and values["no_host_key_check"]:
        errors["no_host_key_check"] = "A host key is given, so it is checked. Turn this off."
    return {name: words for name, words in errors.items() if words}


SSH = ConnectionType(
    name="ssh",
    label="SSH",
    category="Compute",
    description="Commands on another machine",
    fields=FIELDS,
    methods=METHODS,
    docs="docs/connection-types-services.md#ssh",
    check=check_ssh,
)
