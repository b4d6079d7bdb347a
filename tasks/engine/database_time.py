"""The database's clock, by which all machines of an installation go.

Whether a lease is over or a try is due is asked by one machine and was said by
another. Each process asks the database now and then, and goes on from there by
a clock of its own that nobody sets, so that no statement is added to a run.
SQLite stands on one machine, and has that machine's clock.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import Error as DatabaseFault
from django.db import connection
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone

#: Seconds after which the database is asked again.
KNOWN_FOR = 30.0


class _Known(NamedTuple):
    """The moment that the database told, and when: in seconds of ``time.monotonic``."""

    moment: datetime
    at: float


_known: _Known | None = None


def now() -> datetime:
    """The database's time, as this process knows it: late by no more than one answer's way."""
    if connection.vendor != "postgresql":
        return timezone.now()
    if _known is None or time.monotonic() - _known.at > KNOWN_FOR:
        try:
            return ask()
        except DatabaseFault:
            if _known is None:
                raise
    return _known.moment + timedelta(seconds=time.monotonic() - _known.at)


def ask() -> datetime:
    """The database's time, which this process goes by from here on."""
    global _known
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    _known = _Known(moment, time.monotonic())
    return moment


def expression(*, later: timedelta = timedelta()) -> Combinable:
    """The time of the statement that it stands in, or one that is ``later``."""
    if connection.vendor != "postgresql":
        return Value(timezone.now() + later)
    return ExpressionWrapper(Now() + later, output_field=DateTimeField())
