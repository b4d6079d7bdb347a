"""Private files: written as a whole or not at all, and never readable by others."""

from __future__ import annotations

import os
from pathlib import Path

from patchbay.local.errors import LocalError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` atomically by a file of mode 0600, whatever the umask is."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.unlink(missing_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        temporary.replace(path)
    except OSError as error:
        raise LocalError(f"{path} can't be written: {error.strerror}.") from None


def make_private_folder(path: Path) -> None:
    """Make ``path`` with mode 0700. One that is there already keeps its mode."""
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalError(f"The folder {path} can't be made: {error.strerror}.") from None


def read_private(path: Path) -> str:
    """Raise ``FileNotFoundError`` where nothing is there, ``LocalError`` where it can't be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise
    except UnicodeDecodeError:
        raise LocalError(f"{path} is corrupt: it is not text.") from None
    except OSError as error:
        raise LocalError(f"{path} can't be read: {error.strerror}.") from None


def close_to_others(path: Path) -> bool:
    """Take all rights to ``path`` from group and others; True where they had some."""
    if not path.stat().st_mode & 0o077:
        return False
    path.chmod(PRIVATE_FILE)
    return True
