"""The first service of `docker-compose.yml`: makes the keys and passwords that `.env` doesn't name.

    python -m patchbay.local.compose_keys

Each consumer has a volume of its own and sees nothing else. What `.env` names
is written anew at each start; what was made here stays as it is.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from patchbay.local.errors import LocalError
from patchbay.local.files import PRIVATE_FOLDER, write_private
from patchbay.local.keys import new_fernet_key, new_secret_key

VOLUMES = Path("/run/patchbay")
#: The user of Patchbay's image; the Valkey of docker-compose.yml runs as the same.
PATCHBAY = 10001
#: Its image starts as root, reads the password, and goes on as another user.
POSTGRES = 0
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
    """Write every file of every volume. ``given`` are the variables of `.env`."""
    keys, postgres, valkey = volumes / "keys", volumes / "postgres", volumes / "valkey"
    for folder, owner in ((keys, PATCHBAY), (postgres, POSTGRES), (valkey, PATCHBAY)):
        _give(folder, owner, mode=PRIVATE_FOLDER)
    data = volumes / "valkey-data"
    if data.is_dir():
        _give(data, PATCHBAY, mode=PRIVATE_FOLDER)

    def keep(path: Path, name: str, make: Callable[[], str], *, owner: int = PATCHBAY) -> str:
        text = given.get(name, "").strip() or _read(path) or make()
        if text != _read(path):
            write_private(path, text + "\n")
        _give(path, owner, mode=0o600)
        return text

    keep(keys / "secret_key", "PATCHBAY_SECRET_KEY", new_secret_key)
    keep(keys / "field_encryption_keys", "PATCHBAY_FIELD_ENCRYPTION_KEYS", new_fernet_key)
    password = keep(postgres / "password", "POSTGRES_PASSWORD", _password, owner=POSTGRES)
    url = f"postgresql://patchbay:{quote(password, safe='')}@postgres:5432/patchbay"
    keep(keys / "database_url", "PATCHBAY_DATABASE_URL", lambda: url)
    # New at each start, unless given: nothing is encrypted with it.
    password = _password()
    keep(
        keys / "broker_url",
        "PATCHBAY_BROKER_URL",
        lambda: f"redis://:{password}@valkey:6379/0",
    )
    _write_valkey_config(valkey / "valkey.conf", _read(keys / "broker_url"))


def _password() -> str:
    return secrets.token_urlsafe(24)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def _give(path: Path, owner: int, *, mode: int) -> None:
    """Only its owner reads it, whoever made the volume."""
    if os.geteuid() == 0:
        os.chown(path, owner, owner)
    path.chmod(mode)


if __name__ == "__main__":
    sys.exit(main(os.environ))
