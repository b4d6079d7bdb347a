"""A local object store, started as `make run` starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patchbay.local.objects import ObjectStore
from patchbay.local.ports import HOST, free_port
from tests.local.processes import Program, program, until


@contextmanager
def object_store(folder: Path, *, output: Path) -> Iterator[tuple[ObjectStore, Program]]:
    """The store whose objects lie in ``folder``, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "patchbay.local.storage"]
    command += ["--port", str(port), "--folder", str(folder)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STORAGE_")}
    with program(command, folder=output, env=kept) as running:
        store = ObjectStore(f"http://{HOST}:{port}")

        def answers() -> bool:
            assert running.process.poll() is None, running.errors
            try:
                return not store.has_bucket("none")
            except OSError:
                return False

        until(answers, what="the object store")
        yield store, running
