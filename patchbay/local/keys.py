"""The two keys of a local Patchbay: made once, checked at each start, never shown."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patchbay.local.errors import LocalError
from patchbay.local.files import close_to_others, make_private_folder, read_private, write_private

#: 32 bytes in URL-safe Base64, as Fernet writes its keys.
FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
#: What Django's `check --deploy` asks of a secret key.
SECRET_KEY_LENGTH = 50


@dataclass(frozen=True)
class Keys:
    secret_key: Path
    field_encryption_keys: Path


def prepare_keys(folder: Path, *, database: Path, warn: Callable[[str], None]) -> Keys:
    """Make the keys that aren't there yet, and check those that are.

    Raise ``LocalError`` for one that can't be right, and for an encryption key
    that is gone while the database, with secrets that only it reads, is there:
    a new key would hide that loss until a task fails.
    """
    keys = Keys(folder / "secret_key", folder / "field_encryption_keys")
    if database.exists() and not keys.field_encryption_keys.exists():
        raise LocalError(
            f"{keys.field_encryption_keys} is gone, and {database} has secrets that only it can"
            " read: put it back, or move the database away to begin with an empty one."
        )
    make_private_folder(folder)
    _prepare(keys.secret_key, make=new_secret_key, check=_check_secret_key, warn=warn)
    _prepare(keys.field_encryption_keys, make=new_fernet_key, check=_check_fernet_keys, warn=warn)
    return keys


def new_secret_key() -> str:
    return secrets.token_urlsafe(48)


def new_fernet_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


def _prepare(
    path: Path,
    *,
    make: Callable[[], str],
    check: Callable[[Path, str], None],
    warn: Callable[[str], None],
) -> None:
    try:
        check(path, read_private(path))
    except FileNotFoundError:
        write_private(path, make() + "\n")
    else:
        if close_to_others(path):
            warn(f"Others could read {path}; its mode is 0600 now.")


def _check_secret_key(path: Path, text: str) -> None:
    if len(text.strip()) < SECRET_KEY_LENGTH:
        raise LocalError(
            f"{path} is corrupt: a secret key has {SECRET_KEY_LENGTH} characters or more."
            " Remove the file to get a new one; everybody signs in again then."
        )


def _check_fernet_keys(path: Path, text: str) -> None:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    if not lines:
        raise LocalError(f"{path} is corrupt: it is empty. Put the right key back.")
    for number, line in lines:
        if not FERNET_KEY.fullmatch(line):
            raise LocalError(
                f"{path} is corrupt: line {number} is not a Fernet key (44 characters of"
                " URL-safe Base64). Put the right key back: without it stored secrets are lost."
            )
