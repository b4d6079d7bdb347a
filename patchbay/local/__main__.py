"""The supervisor's entry point: `make run`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper

from patchbay.local.errors import LocalError
from patchbay.local.home import Home
from patchbay.local.keys import prepare_keys
from patchbay.local.ports import HOST, check_free, web_port
from patchbay.local.product import Product
from patchbay.local.settings import base_environment, ignored, local_settings
from patchbay.local.supervisor import Supervisor
from patchbay.local.terminal import Terminal


def main(variables: Mapping[str, str]) -> int:
    """Return the exit code: 0 after Ctrl-C or SIGTERM, 1 when something is wrong."""
    # Databases and logs are made by programs that don't think of others on the machine.
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a dash or a dot is no reason to lose the line.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    terminal = Terminal()
    try:
        port = web_port(variables.get("PORT") or "8000")
        home = Home.named_by(variables)
        with home.open(url=f"http://{HOST}:{port}"):
            return _run(home, port, variables, terminal)
    except LocalError as error:
        terminal.error(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def _run(home: Home, port: int, variables: Mapping[str, str], terminal: Terminal) -> int:
    """Check everything that can be wrong before the first process starts."""
    check_free(port)
    keys = prepare_keys(home.keys, database=home.database, warn=terminal.error)
    for name in ignored(variables):
        terminal.error(f"{name} is ignored: `make run` uses its own, in {home.path}.")
    settings = local_settings(home, keys, variables)
    home.write_local_env(settings)
    product = Product(home, port, settings, variables, terminal)
    terminal.say(f"Starting. Everything that changes lies in {home.path}.")
    try:
        return asyncio.run(_supervise(product, terminal))
    finally:
        home.write_local_env(settings)


async def _supervise(product: Product, terminal: Terminal) -> int:
    environment = base_environment(product.home, product.variables)
    environment |= product.settings
    supervisor = Supervisor(environment=environment, terminal=terminal, log=product.home.log)
    return await supervisor.run(product.start)


if __name__ == "__main__":
    sys.exit(main(os.environ))
