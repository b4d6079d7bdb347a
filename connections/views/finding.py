"""Finds the connection that an address names."""

from __future__ import annotations

import re

from django.http import Http404

from connections.models import CONN_ID_PATTERN, Connection


def find_connection(conn_id: str) -> Connection:
    """Raise ``Http404`` also for an ID that can't be, which the database may not even take."""
    connection = None
    if re.match(CONN_ID_PATTERN, conn_id):
        connection = Connection.objects.filter(conn_id=conn_id).first()
    if connection is None:
        raise Http404("There is no such connection.")
    return connection
