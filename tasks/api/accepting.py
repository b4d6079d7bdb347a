"""Which of several types of content a call wants, by its ``Accept``."""

from __future__ import annotations

from django.http import HttpRequest

from access.problems import Refused


def wanted_type(request: HttpRequest, *offered: str) -> str:
    """One of ``offered``, the first where all are alike. Raise ``Refused`` for none of them."""
    found = request.get_preferred_type(offered)
    if found is None:
        raise Refused(406, f"Only {' or '.join(offered)} is supported")
    return found
