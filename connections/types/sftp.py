"""sftp: files on another machine, over SSH.

All of ``ssh``, and the file of known hosts. Source: airflow/providers/sftp/hooks/sftp.py and
docs/connections/sftp.rst of Airflow.
"""

from __future__ import annotations

from connections.types import ssh
from connections.types.base import ConnectionType, TypeField
from connections.types.service_validators import worker_path

_KNOWN_HOSTS = TypeField(
    "known_hosts",
    "Known hosts",
    group="network",
    placeholder="~/.ssh/known_hosts",
    default="~/.ssh/known_hosts",
    help="The path on the worker of the file of known host keys; none to trust every server.",
    check=worker_path,
)

SFTP = ConnectionType(
    name="sftp",
    label="SFTP",
    category="Transfer",
    description="Files on another machine, over SSH",
    fields=(*ssh.FIELDS, _KNOWN_HOSTS),
    methods=ssh.METHODS,
    docs="docs/connection-types-services.md#sftp",
    check=ssh.check_ssh,
)
