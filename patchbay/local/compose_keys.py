"""The first service of `docker-compose.yml`: makes the keys and passwords that `.env` doesn't name.

    python -m patchbay.local.compose_keys

Each consumer has a volume of its own and sees nothing else. What `.env` names
wins at each start; what was made here stays as it is.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from patchbay.local.errors import LocalError
from patchbay.local.files import PRIVATE_FILE, PRIVATE_FOLDER, write_private
from patchbay.local.keys import new_fernet_key, new_secret_key

VOLUMES = Path("/run/patchbay")
#: The user of Patchbay's image. Valkey runs as the same, so that it can read its file.
PATCHBAY = 10001
#: PostgreSQL's image starts as root, reads the password, and goes on as another user.
ROOT = 0
VALKEY_CONFIG = """\
requirepass {password}
dir /data
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


def main(given: Mapping[str, str]) -> int:
    try:
        write_all(VOLUMES, given)
    except LocalError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def write_all(volumes: Path, given: Mapping[str, str]) -> None:
    """Write every file of every volume. ``given`` holds the variables of `.env`."""
    owners = {"keys": PATCHBAY, "postgres": ROOT, "valkey": PATCHBAY, "valkey-data": PATCHBAY}
    for folder, owner in owners.items():
        _give(volumes / folder, owner, mode=PRIVATE_FOLDER)

    def value(name: str) -> str:
        return given.get(name, "").strip()

    def keep(file: str, name: str, make: Callable[[], str]) -> str:
        path = volumes / file
        text = value(name) or _read(path) or make()
        _write(path, text, owner=owners[path.parent.name])
        return text

    keep("keys/secret_key", "PATCHBAY_SECRET_KEY", new_secret_key)
    keep("keys/field_encryption_keys", "PATCHBAY_FIELD_ENCRYPTION_KEYS", new_fernet_key)
    postgres = quote(keep("postgres/password", "POSTGRES_PASSWORD", _password), safe="")
    valkey = keep("valkey/password", "VALKEY_PASSWORD", _password)
    config = VALKEY_CONFIG.format(password=valkey)
    _write(volumes / "valkey" / "valkey.conf", config, owner=PATCHBAY)
    urls = {
        "DATABASE_URL": f"postgresql://patchbay:{postgres}@postgres:5432/patchbay",
        "BROKER_URL": f"redis://:{quote(valkey, safe='')}@valkey:6379/0",
    }
    for name, url in urls.items():
        text = value(f"PATCHBAY_{name}") or url
        _write(volumes / "keys" / name.lower(), text, owner=PATCHBAY)


def _password() -> str:
    return secrets.token_urlsafe(24)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _write(path: Path, text: str, *, owner: int) -> None:
    if text.strip() != _read(path):
        write_private(path, text.strip() + "\n")
    _give(path, owner, mode=PRIVATE_FILE)


def _give(path: Path, owner: int, *, mode: int) -> None:
    """Only its owner reads it, whoever made the volume."""
    os.chown(path, owner, owner)
    path.chmod(mode)


if __name__ == "__main__":
    sys.exit(main(os.environ))
