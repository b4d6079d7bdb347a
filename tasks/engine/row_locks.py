"""Locks on rows of many runs at once, for who does not hold the rows of the runs."""

from __future__ import annotations

from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def unlocked(rows: QuerySet[M]) -> QuerySet[M]:
    """``rows``, locked, without those that somebody else has locked: nobody waits for anybody."""
    if connection.features.has_select_for_update_skip_locked:
        return rows.select_for_update(skip_locked=True, of=("self",), no_key=True)
    return rows
