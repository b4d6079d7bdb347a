"""The local object store's process: the API of Google Cloud Storage, over a folder.

    python -m patchbay.local.storage --port PORT --folder FOLDER [--host HOST]

The server is that of the package `gcp-storage-emulator`. Its own command can't be ended in order,
and is held up by whoever connects and says nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from pathlib import Path
from types import FrameType

#: Seconds. It serves one caller at a time: a browser opens connections that it may never use.
SILENCE = 2.0
#: Below the folder: where the server keeps the objects, and what it knows of them.
OBJECTS, CATALOGUE = ".cloudstorage", ".meta"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m patchbay.local.storage")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args(arguments)

    from gcp_storage_emulator.server import RequestHandler, create_server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    RequestHandler.timeout = SILENCE
    folder = options.folder.absolute()
    put_aside_what_is_broken(folder / OBJECTS / CATALOGUE)
    signal.signal(signal.SIGTERM, _interrupt)
    # A request that has begun is answered first: the catalogue is never left half written.
    create_server(options.host, options.port, data_dir=str(folder)).run()


def put_aside_what_is_broken(catalogue: Path) -> None:
    """The server writes it in place; one that `kill -9` cut short must not end every start."""
    if not catalogue.exists():
        return
    try:
        json.loads(catalogue.read_bytes())
    except ValueError:
        broken = catalogue.with_name("broken.meta")
        catalogue.replace(broken)
        print(f"{catalogue} is broken and lies in {broken} now: the store is empty.", flush=True)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(sys.argv[1:])
