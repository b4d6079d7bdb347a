"""The local BigQuery's process: gives DuckDB its extensions from packages, then is the server.

    python -m patchbay.local.bigquery [--storage URL --objects FOLDER] [OPTION ...]

The options are those of ``bqemulator start``. ``--storage`` is the local object store, for jobs
that load from it or extract into it; ``--objects`` a folder for what is on the way.

The server asks DuckDB for the extensions by name. What isn't in the home
folder DuckDB would download, and a first start must not need that.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from patchbay.local.bigquery_storage import StorageJobs
from patchbay.local.objects import ObjectStore

EXTENSIONS = ("spatial", "avro")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m patchbay.local.bigquery", add_help=False)
    parser.add_argument("--storage", default="")
    parser.add_argument("--objects", type=Path)
    options, others = parser.parse_known_args(arguments)
    import_extensions()
    if options.storage and options.objects:
        join_storage(ObjectStore(options.storage), options.objects)

    from bqemulator.cli import main as command

    command(args=["start", *others], prog_name="bqemulator")


def join_storage(store: ObjectStore, folder: Path) -> None:
    """Have every server of this process load from the store and extract into it."""
    from starlette.middleware import Middleware

    # It has no place for middleware of others: the name by which it makes its application is ours.
    server: Any = import_module("bqemulator.server")
    make = server.create_app

    def with_storage(context: Any) -> Any:
        app = make(context)
        # The innermost: what comes to it is unpacked, and what it answers is in the server's log.
        app.user_middleware.append(Middleware(StorageJobs, store=store, folder=folder))
        return app

    os.environ["BQEMU_GCS_LOCAL_ROOT"] = str(folder)
    server.create_app = with_storage


def import_extensions() -> None:
    """Copy the extensions into the home folder, as DuckDB's own ``INSTALL`` would lay them."""
    from importlib.metadata import version

    folder = Path.home() / ".duckdb" / "extensions" / f"v{version('duckdb')}"
    missing = [name for name in EXTENSIONS if not list(folder.glob(f"*/{name}.duckdb_extension"))]
    if not missing:
        return
    # Its own start takes a while, and is needed only once.
    from duckdb_extensions import import_extension

    for name in missing:
        import_extension(name)


if __name__ == "__main__":
    main(sys.argv[1:])
