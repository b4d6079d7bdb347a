"""The two parameters of every list of the API, with Airflow's rules."""

from __future__ import annotations

from typing import Annotated

from ninja import Query

#: A page is never longer, whatever is asked for.
LONGEST_PAGE = 100
#: Beyond what any table holds; databases take no greater numbers.
_GREATEST = 2**31

Limit = Annotated[int, Query(ge=0, description="How many to answer, at most 100.")]
Offset = Annotated[int, Query(ge=0, description="How many to leave out at the beginning.")]


def page_of(*, limit: int, offset: int) -> slice:
    """What of a list is asked for."""
    first = min(offset, _GREATEST)
    return slice(first, first + min(limit, LONGEST_PAGE))
