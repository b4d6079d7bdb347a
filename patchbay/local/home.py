"""The folder that holds all that a local Patchbay changes: `var/`, or PATCHBAY_HOME."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from patchbay.local.errors import LocalError
from patchbay.local.files import make_private_folder, read_private, write_private

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Home:
    """Where things lie. Nothing is made before ``open``."""

    path: Path

    @classmethod
    def named_by(cls, variables: Mapping[str, str]) -> Home:
        """The same folder that `patchbay/environment.py` finds."""
        return cls(Path(variables.get("PATCHBAY_HOME") or ROOT / "var").absolute())

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    @property
    def database(self) -> Path:
        return self.path / "patchbay.sqlite3"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey"

    @property
    def bigquery(self) -> Path:
        return self.path / "bigquery"

    @property
    def storage(self) -> Path:
        return self.path / "storage"

    @property
    def local_env(self) -> Path:
        return self.path / "local.env"

    @property
    def schedule(self) -> Path:
        return self.path / "celerybeat-schedule"

    @contextmanager
    def open(self, *, url: str) -> Iterator[None]:
        """Make the folders and hold the home, so that no second Patchbay starts in it.

        The lock is the kernel's: it goes with the process, also after `kill -9`.
        The children don't inherit it.
        """
        make_private_folder(self.path)
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise LocalError(f"{self.path} can't be read and written by this user.")
        with self._locked(url):
            for folder in (self.log, self.valkey, self.bigquery, self.storage):
                make_private_folder(folder)
            yield

    @contextmanager
    def _locked(self, url: str) -> Iterator[None]:
        path = self.path / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LocalError(f"{path} can't be opened: {error.strerror}.") from None
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running = os.read(handle, 200).decode(errors="replace").strip()
                raise LocalError(
                    f"Patchbay is already running from {self.path} ({running})."
                ) from None
            os.ftruncate(handle, 0)
            os.write(handle, url.encode())
            yield
        finally:
            os.close(handle)

    def write_local_env(self, variables: Mapping[str, str]) -> None:
        """Tell `manage.py` in a second terminal what it needs to find the services."""
        lines = [f"{name}={value}\n" for name, value in variables.items()]
        text = "# Written at each start of `make run`; for manage.py in a second terminal.\n"
        write_private(self.local_env, text + "".join(lines))

    def remembered_port(self, service: str) -> int:
        """The port of last time, or 0."""
        try:
            return int(read_private(self.path / service / "port"))
        except (FileNotFoundError, LocalError, ValueError):
            return 0

    def remember_port(self, service: str, port: int) -> None:
        write_private(self.path / service / "port", f"{port}\n")
