"""The local BigQuery's process: gives DuckDB its extensions from packages, then becomes the server.

The server asks DuckDB for the extensions by name. What isn't in the home
folder DuckDB would download, and a first start must not need that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

EXTENSIONS = ("spatial", "avro")


def main(arguments: list[str]) -> None:
    import_extensions()
    command = [sys.executable, "-m", "bqemulator", "start", *arguments]
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


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
