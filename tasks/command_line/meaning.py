"""What somebody meant who typed a name that there isn't."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: Two names are alike from here on; 1 is the same.
ALIKE = 0.6
#: More names than these take too long to compare.
MOST_COMPARED = 5_000


def did_you_mean(typed: str, names: Iterable[str]) -> str:
    """`` Did you mean etl?``, or nothing."""
    known = {name.lower(): name for name in list(names)[:MOST_COMPARED]}
    found = get_close_matches(typed.lower(), known, n=1, cutoff=ALIKE)
    return f" Did you mean {known[found[0]]}?" if found else ""
