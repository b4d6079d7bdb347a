"""The connections that an export names, the same for the page, the API and the command line."""

from __future__ import annotations

from collections.abc import Iterable

from connections.exceptions import PatchbayError
from connections.models import Connection


class NotThere(PatchbayError):
    """Nothing is exported: ``conn_id`` is named, and there is none."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(f"There is no connection {conn_id}.")
        self.conn_id = conn_id


def named(conn_ids: Iterable[str]) -> list[Connection]:
    """Those connections, by ID. Raise ``NotThere`` for the first that isn't there."""
    found, missing = there_and_missing(conn_ids)
    if missing:
        raise NotThere(missing[0])
    return found


def there_and_missing(conn_ids: Iterable[str]) -> tuple[list[Connection], list[str]]:
    """Those that are there, and the IDs of the others; what can be no ID isn't asked for."""
    wanted = set(conn_ids)
    possible = [conn_id for conn_id in wanted if conn_id.isprintable()]
    found = list(Connection.objects.filter(conn_id__in=possible).order_by("conn_id"))
    return found, sorted(wanted - {row.conn_id for row in found})
