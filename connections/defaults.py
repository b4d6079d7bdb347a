"""The connections that Airflow makes on demand: examples for many types, with placeholders.

Which they are was read from Airflow 3.3.2 (``airflow connections
create-default-connections``, then ``export``); the data is in
``default_connections.json``, a file like any that one can import.
"""

from __future__ import annotations

from pathlib import Path

from access.audit import Actor
from connections.models import Connection
from connections.portability import Entry, carry_out, read

FILE = Path(__file__).with_name("default_connections.json")


def default_entries() -> list[Entry]:
    """All of them, whether they are there or not."""
    return read(FILE.read_text(encoding="utf-8"), file_format="json")


def create_default_connections(actor: Actor) -> list[str]:
    """Create those whose ID is free, and return these IDs. What is there stays as it is."""
    taken = set(Connection.objects.values_list("conn_id", flat=True))
    wanted = [entry for entry in default_entries() if entry.conn_id not in taken]
    if not wanted:
        return []
    done = carry_out(wanted, existing="skip", skip_bad=True, actor=actor)
    return [change.conn_id for change in done.changes if change.kind == "added"]
